import numpy as np
import pytest

from midlevel import errors
from midlevel.method import calibration
from midlevel.method.calibration import Calibration


def test_probabilities_order_photographs_as_scores_do():
    scores = np.array([0, 1e-9, 1e-4, 0.3, 0.99999])[:, None]
    found = Calibration([0.7], [-1.0])(scores)[:, 0]
    assert (np.diff(found) > 0).all() and found[0] > 0 and found[-1] < 1


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


def test_the_whole_photograph_is_added_to_the_windows():
    fitted = Calibration([2.0, 1.0], [1.0, 0.0], [0.5, 3.0])
    scores, whole = np.array([0.5, 0.75]), np.array([4.0, -1.0])
    of_windows, of_whole = fitted.parts(scores, whole)
    np.testing.assert_allclose(of_windows, [0, np.log(3)])
    np.testing.assert_allclose(of_whole, [2, -3])
    odds = np.array([3, np.log(3) - 3])
    np.testing.assert_allclose(fitted.combined(scores, whole), odds)
    np.testing.assert_allclose(fitted(scores, whole), 1 / (1 + np.exp(-odds)))


def test_without_factors_the_whole_photograph_counts_for_nothing():
    scores, fitted = np.array([[0.1], [0.9]]), Calibration([0.7], [-1.0])
    with_whole = Calibration([0.7], [-1.0], [0.0])
    whole = np.array([[5.0], [-5.0]])
    np.testing.assert_array_equal(fitted(scores, whole), fitted(scores))
    np.testing.assert_array_equal(with_whole(scores, whole), fitted(scores))
    assert fitted.parts(scores)[1].tolist() == [[0], [0]]


def test_with_factors_the_whole_photograph_must_be_given():
    with pytest.raises(errors.MidlevelError, match="whole photograph too"):
        Calibration([0.7], [-1.0], [1.0])(np.array([0.5]))


def test_the_most_certain_log_odds_give_a_probability():
    fitted = Calibration([1.0], [0.0], [1.0])
    whole = np.array([[-1e6], [1e6]])
    found = fitted(np.full((2, 1), 0.5), whole)
    np.testing.assert_allclose(found, [[0], [1]], atol=1e-300)
