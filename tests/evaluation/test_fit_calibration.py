import numpy as np
import pytest

from midlevel.evaluation import fit_calibration
from midlevel.evaluation.validation import Scored
from midlevel.method import calibration
from midlevel.settings.scores import Scores


def fitted(scores, targets):
    return fit_calibration.calibrate(scores, targets)[0]


def kept_apart(scores, targets, to_others=None, **settings):
    scored = Scored(scores[None], (2.0,), targets)
    return fit_calibration.apart(scored, 2.0, Scores(**settings), 1, to_others)


def apart(scores, targets, **settings):
    return kept_apart(scores, targets, **settings).error


def skewed(slope, intercept, count=4000, seed=0):
    """Scores whose log-odds are those of the truth, moved and stretched."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 2, (count, 1))
    shows = rng.random((count, 1)) < 1 / (1 + np.exp(-odds))
    scores = 1 / (1 + np.exp(-(odds - intercept) / slope))
    return scores, shows.astype(np.int8)


@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (3, 2), (0.5, -4)])
def test_a_sigmoid_is_found_again(slope, intercept):
    found = fitted(*skewed(slope, intercept))
    assert found.slopes[0] == pytest.approx(slope, rel=0.1)
    assert found.intercepts[0] == pytest.approx(intercept, abs=0.2)


def test_error_on_halves_kept_apart_falls_where_scores_are_skewed():
    found = apart(*skewed(3, 3, 600))
    assert found["after"] < 0.1 < 0.2 < found["before"]


def test_error_of_scores_that_are_probabilities_hardly_changes():
    found = apart(*skewed(1, 0))
    assert found["before"] < 0.03 and found["after"] < 0.03


def test_a_class_told_apart_perfectly_has_finite_numbers():
    scores = np.array([1.0, 0.9, 0.0, 0.1])[:, None]
    found = fitted(scores, np.array([[1], [1], [0], [0]]))
    assert 0 < found.slopes[0] < 100 and abs(found.intercepts[0]) < 100


@pytest.mark.parametrize(
    "targets",
    [[1, 0, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0], [1, -1, -1, 0], [0, 0, 1, 1]],
    ids=["one shown", "one not", "none", "only difficult", "contrary"],
)
def test_a_class_without_enough_to_go_by_is_left_as_it_is(targets):
    scores = np.array([0.9, 0.8, 0.2, 0.1])[:, None]
    found = fitted(scores, np.array(targets)[:, None])
    assert found == calibration.none(1)
    np.testing.assert_allclose(found(scores), scores)


def test_difficult_objects_count_neither_way():
    scores, targets = skewed(2, 1, 200)
    more = np.vstack([scores, np.full((50, 1), 0.999)])
    ignored = np.vstack([targets, np.full((50, 1), -1)])
    assert fitted(more, ignored) == fitted(scores, targets)
    errors = [
        calibration.expected_error(*pair)
        for pair in [(scores, targets), (more, ignored)]
    ]
    assert errors[0] == errors[1]


def test_a_class_nobody_shows_is_calibrated_as_the_others_are():
    """Else its raw scores would be held against a threshold of probabilities."""
    scores, targets = skewed(3, 2, 400)
    both = np.hstack([scores, scores]), np.hstack([targets, np.zeros_like(targets)])
    found = fitted(*both)
    assert fit_calibration.calibrate(*both)[1] == [True, False]
    together = fitted(*(column.reshape(-1, 1) for column in both))
    assert (found.slopes[1], found.intercepts[1]) == (
        together.slopes[0],
        together.intercepts[0],
    )
    assert found.slopes[0] > 2 > found.slopes[1]


def test_a_split_too_small_to_halve_gives_no_number():
    scores, targets = np.array([[0.9]]), np.array([[0]])
    assert apart(scores, targets) == {"before": None, "after": None}


def test_thresholds_are_of_probabilities_and_one_nobody_shows_takes_the_mean():
    scores = np.array([[0.02, 0.3], [0.03, 0.2], [0.01, 0.1], [0.012, 0.4]])
    targets = np.array([[1, 0], [1, 0], [0, 0], [0, 0]])
    found = fit_calibration.fit(scores, targets, Scores())
    assert found.own == [True, False]
    labels = found.calibration(scores)[:, 0] >= found.thresholds[0]
    assert labels.tolist() == [True, True, False, False]
    assert found.thresholds[1] == found.thresholds[0]


def test_scores_that_nobody_calibrates_keep_thresholds_of_their_own():
    scores, targets = np.array([[0.02], [0.03], [0.01]]), np.array([[1], [1], [0]])
    found = fit_calibration.fit(scores, targets, Scores(calibrate=False))
    assert found.calibration == calibration.none(1)
    assert 0.01 < found.thresholds[0] <= 0.02


def test_without_calibration_there_is_an_error_before_and_none_after():
    scores, targets = skewed(3, 3, 600)
    found = apart(scores, targets, calibrate=False)
    assert found == {"before": apart(scores, targets)["before"], "after": None}


def test_probabilities_of_a_half_come_from_the_other():
    scores, targets = skewed(2, 1, 200)
    found = kept_apart(scores, targets)
    whole = fitted(scores, targets)(scores)
    assert found.probabilities.shape == scores.shape
    difference = np.abs(found.probabilities - whole)
    assert difference.min() > 0 and difference.max() < 0.2


def test_probabilities_of_photographs_that_were_not_fitted_to_are_as_calibrated():
    fitted_to, others = skewed(2, 1, 300), skewed(2, 1, 200, seed=1)
    calibrated = fitted(*fitted_to)
    found = kept_apart(*others, to_others=calibrated)
    np.testing.assert_array_equal(found.probabilities, calibrated(others[0]))
    assert found.error["after"] < found.error["before"]


def parted(count=600, seed=0):
    """Log-odds of two parts that say something each, and what they are of."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 2, (count, 1))
    windows, whole = 2 * targets - 1 + rng.normal(0, 1.5, (2, count, 1))
    return 1 / (1 + np.exp(-windows)), targets, 9 * whole


def shares(found, scores, whole):
    """How much the whole counts, of the windows' spread."""
    spreads = [np.std(part) for part in (calibration.log_odds(scores), whole)]
    return found.whole_slopes[0] * spreads[1] / (found.slopes[0] * spreads[0])


def test_two_parts_that_know_as_much_weigh_the_same_whatever_their_scale():
    scores, targets, whole = parted()
    found, own = fit_calibration.calibrate(scores, targets, whole)
    assert shares(found, scores, whole) == pytest.approx(1) and own == [True]
    before, after = (
        calibration.expected_error(p, targets) for p in (scores, found(scores, whole))
    )
    assert after < before


def test_a_whole_model_that_says_the_contrary_is_left_out():
    scores, targets, whole = parted()
    found, _ = fit_calibration.calibrate(scores, targets, -whole)
    assert shares(found, scores, whole) == 0
    alone = fitted(scores, targets)
    assert (found.slopes, found.intercepts) == (alone.slopes, alone.intercepts)


def test_few_photographs_do_not_choose_how_much_the_whole_counts():
    scores, targets, whole = parted(count=99)
    for said in (whole, -whole):
        found, _ = fit_calibration.calibrate(scores, targets, said)
        assert shares(found, scores, whole) == pytest.approx(0.3)


def test_a_whole_model_that_says_nothing_changes_nothing():
    scores, targets, _ = parted()
    found, _ = fit_calibration.calibrate(scores, targets, np.zeros(scores.shape))
    assert found(scores, np.zeros(scores.shape)) == pytest.approx(
        fitted(scores, targets)(scores)
    )
