"""From image scores to probabilities: how often photographs of such a score show it.

An image score orders photographs; it is no probability, because a class fills few of a
photograph's windows. Platt's sigmoid over the log-odds of the score, two numbers a
class, makes it one (Platt 1999; "beta" forms of more numbers need more photographs).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from midlevel import runtime

LOWEST, HIGHEST = 1e-12, 1 - 1e-6  # that a score is taken to be; float32 tells both
BINS = 15  # of the expected calibration error (Guo et al. 2017, section 2)
LEAST = 2  # photographs with and without a class, to fit it


@dataclass(frozen=True)
class Calibration:
    """Slope and intercept of the log-odds, one of each for a class.

    A slope is above zero: probabilities order photographs as scores do.
    """

    slopes: Sequence[float]
    intercepts: Sequence[float]

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """Probabilities float64 of image scores, both `(..., classes)`.

        >>> Calibration([1.0, 2.0], [0.0, 1.0])(np.array([0.2, 0.5])).round(3).tolist()
        [0.2, 0.731]
        """
        odds = log_odds(scores) * np.asarray(self.slopes) + np.asarray(self.intercepts)
        return 1 / (1 + np.exp(-odds))


def none(count: int) -> Calibration:
    """What leaves the scores of `count` classes as they are."""
    return Calibration((1.0,) * count, (0.0,) * count)


def log_odds(scores: np.ndarray) -> np.ndarray:
    """log(s / (1 - s)), float64, finite also where a score is 0 or 1."""
    s = np.clip(np.asarray(scores, np.float64), LOWEST, HIGHEST)
    return np.log(s) - np.log1p(-s)


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


def expected_error(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """Expected calibration error, the mean over classes that some photograph shows.

    The mean distance between probability and frequency over `BINS` equal bins of
    probability, weighted by how many fall into each (Guo et al. 2017, section 2; for
    each class alone, Kull et al. 2019). nan where no class is shown.

    >>> round(expected_error(np.array([[0.9], [0.9]]), np.array([[1], [0]])), 3)
    0.4
    """
    pairs = zip(probabilities.T, targets.T, strict=True)
    found = [_error_of_one(*pair) for pair in pairs if (pair[1] == 1).any()]
    return float(np.mean(found)) if found else float("nan")


def _error_of_one(probabilities: np.ndarray, targets: np.ndarray) -> float:
    rows = reliability(probabilities, targets)
    counts = np.array([row["count"] for row in rows])
    gaps = np.array([abs(row["probability"] - row["frequency"]) for row in rows])
    return float((counts * gaps).sum() / counts.sum())


def reliability(probabilities: np.ndarray, targets: np.ndarray) -> list[dict]:
    """For each bin that is not empty: mean `probability`, `frequency`, `count`.

    Args:
        probabilities: of one class or of several, any shape.
        targets: of the same shape, 1, 0, -1.
    """
    counted = targets >= 0
    p, shows = probabilities[counted], targets[counted] == 1
    bins = np.minimum((p * BINS).astype(int), BINS - 1)
    return [
        {
            "probability": float(p[bins == i].mean()),
            "frequency": float(shows[bins == i].mean()),
            "count": int((bins == i).sum()),
        }
        for i in np.unique(bins)
    ]


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
    return {"before": _mean(before), "after": _mean(after)}


def _mean(values: list[float]) -> float | None:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else None


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
