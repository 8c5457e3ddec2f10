"""Fitting calibrations and thresholds, and measuring them on photographs kept apart."""

import functools
from dataclasses import dataclass

import numpy as np

from midlevel.method import calibration, metrics
from midlevel.method.calibration import Calibration
from midlevel.settings.sections import Scores
from midlevel.system import runtime

LEAST = 2  # photographs with and without a class, to fit it


@dataclass(frozen=True)
class Fitted:
    """What a labelled split says of scores.

    Attributes:
        calibration: from image scores to probabilities.
        own: of each class, whether its calibration was fitted to its own photographs.
        thresholds: of each class, the probability from which it is a label.
    """

    calibration: Calibration
    own: list[bool]
    thresholds: list[float]


def fit(scores: np.ndarray, targets: np.ndarray, settings: Scores) -> Fitted:
    """Calibration, unless the settings want none, and thresholds, of a labelled split.

    Args:
        scores: `(images, classes)` in [0, 1].
        targets: `(images, classes)` of 1, 0, -1; -1 counts neither way.
    """
    fitted, own = calibration.none(scores.shape[1]), [True] * scores.shape[1]
    if settings.calibrate:
        fitted, own = calibrate(scores, targets)
    found = thresholds(fitted(scores), targets, settings.precision)
    return Fitted(fitted, own, found)


def calibrate(
    scores: np.ndarray, targets: np.ndarray
) -> tuple[Calibration, list[bool]]:
    """The calibration of a labelled split, by scikit-learn's logistic regression.

    A class that fewer than two photographs show, or do not show, or whose scores
    say the contrary of the labels, takes what fits all classes together; where that
    does not serve either, it is left as it is. The second result is which classes have
    a calibration of their own.
    """
    together = _fit_one(scores.ravel(), targets.ravel()) or (1.0, 0.0)
    found = [_fit_one(*pair) for pair in zip(scores.T, targets.T, strict=True)]
    slopes, intercepts = zip(*(one or together for one in found), strict=True)
    return Calibration(slopes, intercepts), [one is not None for one in found]


def _fit_one(scores: np.ndarray, targets: np.ndarray) -> tuple[float, float] | None:
    """Slope and intercept; None where they cannot be told."""
    linear_model = runtime.load("sklearn.linear_model", "scikit-learn")
    counted = targets >= 0
    shows = targets[counted] == 1
    if min(shows.sum(), (~shows).sum()) < LEAST:
        return None
    # Its mild penalty keeps the slope finite where a class is told apart perfectly.
    model = linear_model.LogisticRegression()
    model.fit(calibration.log_odds(scores[counted])[:, None], shows)
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    return (slope, intercept) if slope > 0 else None


def thresholds(
    probabilities: np.ndarray, targets: np.ndarray, precision: float | None
) -> list[float]:
    """Of each class the threshold of the highest F1, or that reaches `precision`.

    That of a class nobody shows is the mean of the others.
    """
    choose = metrics.best_threshold
    if precision:
        choose = functools.partial(metrics.threshold_of_precision, precision=precision)
    pairs = zip(probabilities.T, targets.T, strict=True)
    found = np.array([choose(*pair) for pair in pairs])
    return np.nan_to_num(found, nan=np.nanmean(found)).tolist()


@dataclass(frozen=True)
class KeptApart:
    """Probabilities of photographs that were not fitted to.

    Attributes:
        probabilities: float64 `(images, classes)`; the scores where the settings want
            no calibration.
        error: expected calibration error `before` and `after`, means over the two
            halves; None where neither half shows a class, and `after` no calibration.
    """

    probabilities: np.ndarray
    error: dict[str, float | None]


def keep_apart(
    scores: np.ndarray, targets: np.ndarray, settings: Scores, seed: int
) -> KeptApart:
    """Calibrate each half of the photographs, drawn by `seed`, by the other half."""
    order = np.random.default_rng(seed).permutation(len(scores))
    halves = np.array_split(order, 2)

    def error(probabilities: np.ndarray) -> float | None:
        return metrics.mean(
            [calibration.expected_error(probabilities[h], targets[h]) for h in halves]
        )

    if not settings.calibrate:
        return KeptApart(scores, {"before": error(scores), "after": None})
    found = np.zeros(scores.shape)
    for known, kept in (halves, halves[::-1]):
        fitted, _ = calibrate(scores[known], targets[known])
        found[kept] = fitted(scores[kept])
    return KeptApart(found, {"before": error(scores), "after": error(found)})
