"""Fitting a calibration, and measuring it on photographs that were not fitted to."""

import numpy as np

from midlevel.method import metrics
from midlevel.method.calibration import Calibration, expected_error, log_odds
from midlevel.system import runtime

LEAST = 2  # photographs with and without a class, to fit it


def fit(scores: np.ndarray, targets: np.ndarray) -> Calibration:
    """The calibration of a labelled split, by scikit-learn's logistic regression.

    A class that fewer than two photographs show, or do not show, or whose scores
    say the contrary of the labels, takes what fits all classes together; where that
    does not serve either, it is left as it is.

    Args:
        scores: `(images, classes)` in [0, 1].
        targets: `(images, classes)` of 1, 0, -1; -1 counts neither way.
    """
    together = _fit_one(scores.ravel(), targets.ravel()) or (1.0, 0.0)
    pairs = zip(scores.T, targets.T, strict=True)
    slopes, intercepts = zip(
        *(_fit_one(*pair) or together for pair in pairs), strict=True
    )
    return Calibration(slopes, intercepts)


def fits(scores: np.ndarray, targets: np.ndarray) -> list[bool]:
    """Whether each class has photographs enough for a calibration of its own."""
    pairs = zip(scores.T, targets.T, strict=True)
    return [_fit_one(*pair) is not None for pair in pairs]


def _fit_one(scores: np.ndarray, targets: np.ndarray) -> tuple[float, float] | None:
    """Slope and intercept; None where they cannot be told."""
    linear_model = runtime.load("sklearn.linear_model", "scikit-learn")
    counted = targets >= 0
    shows = targets[counted] == 1
    if min(shows.sum(), (~shows).sum()) < LEAST:
        return None
    # Its mild penalty keeps the slope finite where a class is told apart perfectly.
    model = linear_model.LogisticRegression()
    model.fit(log_odds(scores[counted])[:, None], shows)
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    return (slope, intercept) if slope > 0 else None


def held_out(scores: np.ndarray, targets: np.ndarray, seed: int) -> dict:
    """Calibration error before and after, on photographs that were not fitted to.

    Returns:
        `before` and `after`, means over the two halves of `kept_apart`; None where
        neither shows a class.
    """
    found, halves = kept_apart(scores, targets, seed)
    before, after = (
        [expected_error(some[half], targets[half]) for half in halves]
        for some in (scores, found)
    )
    return {"before": metrics.mean(before), "after": metrics.mean(after)}


def kept_apart(
    scores: np.ndarray, targets: np.ndarray, seed: int
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Probabilities `(images, classes)` of photographs that were not fitted to.

    Half of the photographs, drawn by `seed`, calibrate the other half, and the other
    way round. The second result is the numbers of the photographs of each half.
    """
    order = np.random.default_rng(seed).permutation(len(scores))
    halves = np.array_split(order, 2)
    found = np.zeros(scores.shape)
    for known, kept in (halves, halves[::-1]):
        found[kept] = fit(scores[known], targets[known])(scores[kept])
    return found, halves
