import numpy as np
import pytest

from midlevel import errors
from midlevel.method import intervals, metrics


def drawn(seed, images=40, classes=3):
    """Scores with ties, targets with some that count neither way."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 12, (images, classes)) / 12
    targets = rng.choice([-1, 0, 1], (images, classes), p=[0.1, 0.6, 0.3])
    return scores, targets


def slow_resampled(scores, targets, form, rounds, seed):
    """Each resample written out photograph by photograph, and measured as usual."""
    rng, count = np.random.default_rng(seed), len(scores)
    found = []
    for _ in range(rounds):
        times = rng.multinomial(count, [1 / count] * count)
        rows = [i for i in range(count) for _ in range(times[i])]
        found.append(metrics.mean_average_precision(scores[rows], targets[rows], form))
    return found


@pytest.mark.parametrize("form", metrics.FORMS)
def test_resamples_are_measured_as_if_they_were_written_out(form):
    scores, targets = drawn(1)
    found = intervals.resampled(scores, targets, form, 50, seed=3)
    assert found == pytest.approx(slow_resampled(scores, targets, form, 50, 3))


@pytest.mark.parametrize("form", metrics.FORMS)
def test_a_class_that_a_resample_does_not_show_is_out_of_its_mean(form):
    scores, targets = drawn(2, images=6, classes=2)
    targets[:, 0] = [1, 0, 0, 0, 0, 0]  # a third of the resamples lack it
    targets[:, 1] = [0, 1, 0, 0, -1, 0]
    found = intervals.resampled(scores, targets, form, 60)
    expected = slow_resampled(scores, targets, form, 60, 0)
    assert found == pytest.approx(expected, nan_ok=True)
    assert np.isnan(found).any() and not np.isnan(found).all()


def test_many_photographs_are_drawn_some_rounds_at_a_time(monkeypatch):
    scores, targets = drawn(4)
    together = intervals.resampled(scores, targets, rounds=30)
    monkeypatch.setattr(intervals, "BLOCK", 300)  # seven rounds of forty
    assert np.array_equal(intervals.resampled(scores, targets, rounds=30), together)


def test_the_interval_of_a_share_is_the_binomial_one():
    # Where all scores are equal, AP is the share of photographs that show the class; of
    # 100 draws at one half, 40 and 60 are the 2.5 % and 97.5 % quantiles.
    targets = np.repeat([0, 1], 50)[:, None]
    found = intervals.of_forms(np.ones((100, 1)), targets)
    assert found["area"] == pytest.approx([0.40, 0.60], abs=0.011)


def test_what_is_perfect_stays_perfect():
    targets = np.eye(3)[np.arange(30) % 3]
    assert intervals.of_forms(targets, targets)["eleven_point"] == [1, 1]


def test_nothing_to_measure_has_no_interval():
    scores, targets = np.ones((4, 2)), np.zeros((4, 2), int)
    assert intervals.of_forms(scores, targets) == dict.fromkeys(metrics.FORMS)


def test_all_forms_are_of_the_resamples_that_each_has_alone():
    scores, targets = drawn(8)
    found = intervals.of_forms(scores, targets, seed=2)
    assert found == {
        form: intervals.of(intervals.resampled(scores, targets, form, seed=2))
        for form in metrics.FORMS
    }
    assert intervals.of_forms(scores, targets, seed=2) == found
    assert intervals.of_forms(scores, targets, seed=3) != found


def test_large_splits_have_fewer_resamples_and_never_too_few(monkeypatch):
    monkeypatch.setattr(intervals, "WORK", 40 * 3 * 250)
    assert len(intervals.resampled(*drawn(8))) == 250
    assert len(intervals.resampled(*drawn(8, images=20))) == 500
    assert len(intervals.resampled(*drawn(8, images=60))) == intervals.LEAST
    assert len(intervals.resampled(*drawn(8, images=4))) == intervals.ROUNDS


def test_two_models_are_compared_on_the_same_resamples():
    scores, targets = drawn(5, images=200)
    worse = scores * 0.5 + drawn(6, images=200)[0] * 0.5
    first, second = (intervals.resampled(s, targets) for s in (scores, worse))
    apart = intervals.resampled(worse, targets, seed=1)
    # monotone scores order alike, so they are the same model
    assert np.array_equal(first, intervals.resampled(scores**3, targets))
    assert np.std(first - second) < np.std(first - apart)


def test_scores_must_be_finite():
    with pytest.raises(errors.MidlevelError, match="1 of 2 that are not, such as nan"):
        intervals.resampled(np.array([[np.nan], [0.5]]), np.array([[1], [0]]))
