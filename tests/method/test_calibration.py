import numpy as np
import pytest

from midlevel.evaluation import calibrating
from midlevel.method import calibration
from midlevel.method.calibration import Calibration


def skewed(slope, intercept, count=4000, seed=0):
    """Scores whose log-odds are those of the truth, moved and stretched."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 2, (count, 1))
    shows = rng.random((count, 1)) < 1 / (1 + np.exp(-odds))
    scores = 1 / (1 + np.exp(-(odds - intercept) / slope))
    return scores, shows.astype(np.int8)


@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (3, 2), (0.5, -4)])
def test_a_sigmoid_is_found_again(slope, intercept):
    found = calibrating.fit(*skewed(slope, intercept))
    assert found.slopes[0] == pytest.approx(slope, rel=0.1)
    assert found.intercepts[0] == pytest.approx(intercept, abs=0.2)


def test_error_on_halves_kept_apart_falls_where_scores_are_skewed():
    found = calibrating.held_out(*skewed(3, 3, 600), seed=1)
    assert found["after"] < 0.1 < 0.2 < found["before"]


def test_error_of_scores_that_are_probabilities_hardly_changes():
    found = calibrating.held_out(*skewed(1, 0), seed=1)
    assert found["before"] < 0.03 and found["after"] < 0.03


def test_probabilities_order_photographs_as_scores_do():
    scores = np.array([0, 1e-9, 1e-4, 0.3, 0.99999])[:, None]
    found = Calibration([0.7], [-1.0])(scores)[:, 0]
    assert (np.diff(found) > 0).all() and found[0] > 0 and found[-1] < 1


def test_a_class_told_apart_perfectly_has_finite_numbers():
    scores = np.array([1.0, 0.9, 0.0, 0.1])[:, None]
    found = calibrating.fit(scores, np.array([[1], [1], [0], [0]]))
    assert 0 < found.slopes[0] < 100 and abs(found.intercepts[0]) < 100


@pytest.mark.parametrize(
    "targets",
    [[1, 0, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0], [1, -1, -1, 0], [0, 0, 1, 1]],
    ids=["one shown", "one not", "none", "only difficult", "contrary"],
)
def test_a_class_without_enough_to_go_by_is_left_as_it_is(targets):
    scores = np.array([0.9, 0.8, 0.2, 0.1])[:, None]
    found = calibrating.fit(scores, np.array(targets)[:, None])
    assert found == calibration.none(1)
    np.testing.assert_allclose(found(scores), scores)


def test_difficult_objects_count_neither_way():
    scores, targets = skewed(2, 1, 200)
    more = np.vstack([scores, np.full((50, 1), 0.999)])
    ignored = np.vstack([targets, np.full((50, 1), -1)])
    assert calibrating.fit(more, ignored) == calibrating.fit(scores, targets)
    errors = [
        calibration.expected_error(*pair)
        for pair in [(scores, targets), (more, ignored)]
    ]
    assert errors[0] == errors[1]


def test_expected_error_of_hand_computed_bins():
    """Two bins: 0.2 said and a half true, twice; 0.9 said and true, once."""
    probabilities = np.array([0.2, 0.2, 0.9])[:, None]
    targets = np.array([1, 0, 1])[:, None]
    expected = (2 * 0.3 + 1 * 0.1) / 3
    assert calibration.expected_error(probabilities, targets) == pytest.approx(expected)


def test_expected_error_is_a_mean_over_classes_that_are_shown():
    probabilities = np.array([[0.9, 0.5, 0.7], [0.9, 0.5, 0.7]])
    targets = np.array([[1, 1, 0], [1, 0, 0]])
    assert calibration.expected_error(probabilities, targets) == pytest.approx(0.05)
    assert np.isnan(calibration.expected_error(probabilities[:, 2:], targets[:, 2:]))


def test_bins_hold_all_that_is_counted():
    rows = calibration.reliability(np.array([0.0, 1.0, 0.5]), np.array([0, 1, -1]))
    assert [row["count"] for row in rows] == [1, 1]
    assert [row["frequency"] for row in rows] == [0, 1]


def test_a_class_nobody_shows_is_calibrated_as_the_others_are():
    """Else its raw scores would be held against a threshold of probabilities."""
    scores, targets = skewed(3, 2, 400)
    both = np.hstack([scores, scores]), np.hstack([targets, np.zeros_like(targets)])
    found = calibrating.fit(*both)
    assert calibrating.fits(*both) == [True, False]
    together = calibrating.fit(*(column.reshape(-1, 1) for column in both))
    assert (found.slopes[1], found.intercepts[1]) == (
        together.slopes[0],
        together.intercepts[0],
    )
    assert found.slopes[0] > 2 > found.slopes[1]


def test_a_split_too_small_to_halve_gives_no_number():
    scores, targets = np.array([[0.9]]), np.array([[0]])
    assert calibrating.held_out(scores, targets, 0) == {"before": None, "after": None}
