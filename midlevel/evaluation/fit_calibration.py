"""Fitting calibrations and thresholds, and measuring them on photographs kept apart."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from midlevel.evaluation.validation import Scored
from midlevel.method import calibration, metrics
from midlevel.method.aggregation import Aggregation
from midlevel.method.calibration import Calibration
from midlevel.settings.scores import Scores
from midlevel.system import runtime

LEAST = 2  # photographs with and without a class, to fit it
SHARES = (1.0, 0.3, 0.0)  # of the whole photograph; of equal ones the first is taken
ENOUGH, USUAL = 100, 0.3  # photographs to choose one of them by, and the one without
LEAST_SPREAD = 1e-6  # of log-odds; those that are all alike say nothing


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


def fit(
    scores: np.ndarray,
    targets: np.ndarray,
    settings: Scores,
    whole: np.ndarray | None = None,
) -> Fitted:
    """Calibration, and thresholds, of labelled photographs.

    Where the settings want no calibration, the scores stay as they are; with a whole
    model they are still joined.

    Args:
        scores: `(images, classes)` in [0, 1].
        targets: `(images, classes)` of 1, 0, -1; -1 counts neither way.
        whole: log-odds of the whole model `(images, classes)`, where there is one.
    """
    fitted, own = calibration.none(scores.shape[1]), [True] * scores.shape[1]
    if settings.calibrate or whole is not None:
        fitted, own = calibrate(scores, targets, whole)
    found = thresholds(fitted(scores, whole), targets, settings.precision)
    return Fitted(fitted, own, found)


def calibrate(
    scores: np.ndarray, targets: np.ndarray, whole: np.ndarray | None = None
) -> tuple[Calibration, list[bool]]:
    """The calibration of labelled photographs, by scikit-learn's logistic regression.

    Platt's sigmoid over the log-odds of the score; with a whole model, over the sum of
    both log-odds, each brought to one spread. The whole counts for one of `SHARES` of
    the windows, the one of the highest mAP: of few photographs windows know more, of
    many both know as much. A weight of its own for each part and class was tried: it
    orders other photographs no better, and calibrates them worse.

    A class that fewer than `LEAST` photographs show, or do not show, or whose scores
    say the contrary of the labels, takes what fits all classes together; where that
    does not serve either, it is left as it is. The second result is which classes have
    a calibration of their own.

    Args:
        scores, targets, whole: as of `fit`.
    """
    odds = calibration.log_odds(scores)
    share = 0.0 if whole is None else _best_share(odds, whole, targets)
    odds = odds if whole is None else odds + share * whole
    together = _fit_one(odds.ravel(), targets.ravel()) or (1.0, 0.0)
    found = [_fit_one(*pair) for pair in zip(odds.T, targets.T, strict=True)]
    slopes, intercepts = zip(*(one or together for one in found), strict=True)
    whole_slopes = () if whole is None else tuple(share * slope for slope in slopes)
    fitted = Calibration(slopes, intercepts, whole_slopes)
    return fitted, [one is not None for one in found]


def _best_share(odds: np.ndarray, whole: np.ndarray, targets: np.ndarray) -> float:
    """The factor of `whole` with which the sum orders photographs best.

    Fewer than `ENOUGH` photographs do not tell; of them the whole counts for `USUAL`.
    """
    same = _spread(odds) / _spread(whole)
    if len(targets) < ENOUGH:
        return same * USUAL
    found = [
        metrics.mean_average_precision(odds + share * same * whole, targets)
        for share in SHARES
    ]
    return same * SHARES[int(np.argmax(np.nan_to_num(found)))]


def _spread(odds: np.ndarray) -> float:
    """Standard deviation of log-odds over photographs and classes, never zero."""
    return max(float(odds.std()), LEAST_SPREAD) if odds.size else 1.0


def _fit_one(odds: np.ndarray, targets: np.ndarray) -> tuple[float, float] | None:
    """Slope and intercept; None where they cannot be told."""
    linear_model = runtime.load("sklearn.linear_model", "scikit-learn")
    counted = targets >= 0
    shows = targets[counted] == 1
    if min(shows.sum(), (~shows).sum()) < LEAST:
        return None
    # Its mild penalty keeps the slope finite where a class is told apart perfectly.
    model = linear_model.LogisticRegression()
    model.fit(odds[counted][:, None], shows)
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


def apart(
    scored: Scored,
    aggregation: Aggregation,
    settings: Scores,
    seed: int,
    fitted: Calibration | None = None,
) -> KeptApart:
    """Probabilities of photographs by a calibration that has not seen them.

    Args:
        aggregation: one of those in question.
        fitted: to others; None: each half of the photographs, drawn by `seed`, is
            calibrated by the other half.
    """
    scores, targets, whole = scored.at(aggregation), scored.targets, scored.whole
    order = np.random.default_rng(seed).permutation(len(scores))
    parts = [order] if fitted else np.array_split(order, 2)

    def error(probabilities: np.ndarray) -> float | None:
        return metrics.mean(
            [calibration.expected_error(probabilities[p], targets[p]) for p in parts]
        )

    if not settings.calibrate and whole is None:
        return KeptApart(scores, {"before": error(scores), "after": None})
    if fitted:
        found = fitted(scores, whole)
    else:
        found = _by_others(scores, targets, whole, parts)
    return KeptApart(found, {"before": error(scores), "after": error(found)})


def _by_others(
    scores: np.ndarray,
    targets: np.ndarray,
    whole: np.ndarray | None,
    halves: Sequence[np.ndarray],
) -> np.ndarray:
    """Probabilities of each half by the calibration of the other."""
    found = np.zeros(scores.shape)
    for known, kept in (halves, halves[::-1]):
        of_known, of_kept = (
            None if whole is None else whole[rows] for rows in (known, kept)
        )
        fitted, _ = calibrate(scores[known], targets[known], of_known)
        found[kept] = fitted(scores[kept], of_kept)
    return found
