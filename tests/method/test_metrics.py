import numpy as np
import pytest
from helpers import slow_average_precision
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from midlevel import errors
from midlevel.method import metrics

forms = st.sampled_from(metrics.FORMS)
few_scores = st.integers(0, 5).map(lambda tenth: tenth / 10)  # so that many are tied


def examples(values):
    rows = st.lists(st.tuples(few_scores, st.sampled_from(values)), min_size=1)
    return rows.map(
        lambda r: (np.array([s for s, _ in r]), np.array([t for _, t in r]))
    )


@given(examples([-1, 0, 1]), forms)
def test_average_precision_agrees_with_its_definition(drawn, form):
    scores, targets = drawn
    assume((targets == 1).any())
    found = metrics.average_precision(scores, targets, form)
    assert found == pytest.approx(slow_average_precision(scores, targets, form))
    assert 0 < found <= 1


@given(examples([0, 1]))
def test_the_non_interpolated_form_is_scikit_learns(drawn):
    scores, targets = drawn
    assume(targets.any())
    found = metrics.average_precision(scores, targets, "non_interpolated")
    assert found == pytest.approx(average_precision_score(targets, scores))


@pytest.mark.parametrize(
    ("targets", "area", "eleven_point", "non_interpolated"),
    [
        # in the order of falling scores
        ([1, 1, 0, 0], 1, 1, 1),
        ([0, 1], 1 / 2, 1 / 2, 1 / 2),
        # precision 1 up to recall 1/2 (6 points), 2/3 beyond (5 points)
        ([1, 0, 1, 0], (1 + 2 / 3) / 2, (6 + 5 * 2 / 3) / 11, (1 + 2 / 3) / 2),
        # precisions 1/2, 2/3, 3/4: the envelope is 3/4 everywhere
        ([0, 1, 1, 1], 3 / 4, 3 / 4, (1 / 2 + 2 / 3 + 3 / 4) / 3),
        # ten positives, then one miss after the third: recall 3/10 reaches point 0.3
        (
            [1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1],
            0.3 + 0.7 * 10 / 11,
            (4 + 7 * 10 / 11) / 11,
            (3 + sum(i / (i + 1) for i in range(4, 11))) / 10,
        ),
    ],
)
def test_the_three_forms_by_hand(targets, area, eleven_point, non_interpolated):
    scores = np.linspace(1, 0, len(targets))
    expected = {
        "area": area,
        "eleven_point": eleven_point,
        "non_interpolated": non_interpolated,
    }
    for form, value in expected.items():
        found = metrics.average_precision(scores, np.array(targets), form)
        assert found == pytest.approx(value), form


@given(examples([-1, 0, 1]), forms)
def test_difficult_examples_count_neither_way(drawn, form):
    scores, targets = drawn
    assume((targets == 1).any())
    kept = targets >= 0
    found = metrics.average_precision(scores, targets, form)
    assert found == metrics.average_precision(scores[kept], targets[kept], form)


@given(examples([-1, 0, 1]), forms, st.randoms(use_true_random=False))
def test_the_order_of_examples_does_not_matter(drawn, form, random):
    scores, targets = drawn
    assume((targets == 1).any())
    order = list(range(len(scores)))
    random.shuffle(order)
    found = metrics.average_precision(scores[order], targets[order], form)
    assert found == metrics.average_precision(scores, targets, form)


def test_ties_are_taken_together():
    precision, recall, threshold = metrics.precision_recall(
        np.array([0.5, 0.9, 0.5, 0.5]), np.array([1, 1, 0, 1])
    )
    assert threshold.tolist() == [0.9, 0.5]
    np.testing.assert_allclose(precision, [1, 3 / 4])
    np.testing.assert_allclose(recall, [1 / 3, 1])


@pytest.mark.parametrize("targets", [[0, 0], [-1, 0], [-1, -1], []])
@pytest.mark.parametrize("form", metrics.FORMS)
def test_a_class_without_an_example_has_no_average_precision(targets, form):
    scores = np.linspace(0, 1, len(targets))
    assert np.isnan(metrics.average_precision(scores, np.array(targets), form))
    assert np.isnan(metrics.best_threshold(scores, np.array(targets)))


def test_precision_recall_without_examples_is_empty():
    curves = metrics.precision_recall(np.array([0.5]), np.array([-1]))
    assert [len(curve) for curve in curves] == [0, 0, 0]


def test_an_unknown_form_is_refused():
    with pytest.raises(
        errors.MidlevelError, match="must be one of area, .* Received: voc"
    ):
        metrics.average_precision(np.array([0.5]), np.array([1]), "voc")


# === Tables ===


def test_a_table_leaves_classes_without_examples_out_of_the_mean():
    scores = np.array([[0.9, 0.1, 0.3], [0.8, 0.2, 0.2], [0.1, 0.3, 0.1]])
    targets = np.array([[1, 0, 0], [0, 0, 1], [1, -1, 0]])
    found = metrics.table(scores, targets, ["cat", "dog", "cow"])
    assert found["AP"]["dog"] == dict.fromkeys(metrics.FORMS)
    assert found["AP"]["cow"]["area"] == 0.5
    for form in metrics.FORMS:
        both = [found["AP"][name][form] for name in ("cat", "cow")]
        assert found["mAP"][form] == pytest.approx(np.mean(both))
        mean = metrics.mean_average_precision(scores, targets, form)
        assert mean == pytest.approx(found["mAP"][form])


def test_a_table_without_any_example_has_no_mean():
    found = metrics.table(np.array([[0.5]]), np.array([[-1]]), ["cat"])
    assert found["mAP"] == dict.fromkeys(metrics.FORMS)
    assert np.isnan(metrics.mean_average_precision(np.array([[0.5]]), np.array([[0]])))


# === Thresholds ===


@given(examples([-1, 0, 1]))
def test_no_threshold_has_a_higher_f1_than_the_best(drawn):
    scores, targets = drawn
    assume((targets == 1).any())
    kept = targets >= 0
    scores, present = scores[kept], targets[kept]

    def f1(threshold):
        chosen = scores >= threshold
        hits = (chosen & (present == 1)).sum()
        return 2 * hits / (chosen.sum() + (present == 1).sum())

    best = metrics.best_threshold(*drawn)
    assert f1(best) == pytest.approx(max(f1(score) for score in scores))


@pytest.mark.parametrize(
    ("scores", "targets", "expected"),
    [
        ([0.9, 0.8, 0.1], [1, 1, 0], 0.45),  # half-way to the next lower score
        ([0.9, 0.8], [1, 1], 0.4),  # there is none lower: half-way to nought
        ([0.9, 0.8, 0.1], [1, -1, 0], 0.5),  # not to that of a difficult example
        ([0.7, 0.7], [1, 0], 0.35),
    ],
)
def test_the_best_threshold_lies_between_two_scores(scores, targets, expected):
    found = metrics.best_threshold(np.array(scores), np.array(targets))
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "measure",
    [
        metrics.average_precision,
        metrics.precision_recall,
        metrics.best_threshold,
        lambda scores, targets: metrics.threshold_of_precision(scores, targets, 0.5),
        lambda scores, targets: metrics.mean_average_precision(
            scores[:, None], targets[:, None]
        ),
    ],
)
def test_scores_that_have_no_order_are_refused(measure, bad):
    with pytest.raises(errors.MidlevelError, match="1 of 2 that are not, such as"):
        measure(np.array([bad, 0.5]), np.array([0, 1]))


def test_scores_of_a_class_that_nobody_shows_must_be_numbers_too():
    with pytest.raises(errors.MidlevelError, match="finite"):
        metrics.average_precision(np.array([np.nan]), np.array([0]))
