"""From image scores to probabilities: how often photographs of such a score show it.

An image score orders photographs; it is no probability, because a class fills few of a
photograph's windows. Platt's sigmoid over the log-odds of the score, two numbers a
class, makes it one (Platt 1999; "beta" forms of more numbers need more photographs).
A third number a class adds what a model of the whole photograph says (`method.whole`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from midlevel import errors

LOWEST, HIGHEST = 1e-12, 1 - 1e-6  # that a score is taken to be; float32 tells both
STEEPEST = 700.0  # log-odds beyond which exp leaves float64
BINS = 15  # of the expected calibration error (Guo et al. 2017, section 2)


@dataclass(frozen=True)
class Calibration:
    """From image scores, and log-odds of the whole photograph, to probabilities.

    A slope is above zero: without `whole_slopes`, probabilities order photographs as
    scores do.

    Attributes:
        slopes: of each class, the factor of the score's log-odds.
        intercepts: of each class, what is added.
        whole_slopes: of each class, the factor of the whole model's log-odds; empty
            where there is no such model.
    """

    slopes: Sequence[float]
    intercepts: Sequence[float]
    whole_slopes: Sequence[float] = ()

    def __call__(
        self, scores: np.ndarray, whole: np.ndarray | None = None
    ) -> np.ndarray:
        """Probabilities float64 `(..., classes)`: the sigmoid of `combined`.

        >>> Calibration([1.0, 2.0], [0.0, 1.0])(np.array([0.2, 0.5])).round(3).tolist()
        [0.2, 0.731]
        """
        return 1 / (1 + np.exp(-np.maximum(self.combined(scores, whole), -STEEPEST)))

    def combined(
        self, scores: np.ndarray, whole: np.ndarray | None = None
    ) -> np.ndarray:
        """Log-odds float64 `(..., classes)`: both `parts` and the intercept.

        >>> both = Calibration([2.0], [1.0], [0.5])
        >>> both.combined(np.array([0.5]), np.array([3.0])).tolist()
        [2.5]

        Args:
            scores: image scores `(..., classes)`.
            whole: the whole model's log-odds `(..., classes)`; not looked at where
                there are no `whole_slopes`.

        Raises:
            errors.MidlevelError: there are `whole_slopes`, and `whole` is not given.
        """
        of_windows, of_whole = self.parts(scores, whole)
        return of_windows + of_whole + np.asarray(self.intercepts)

    def parts(
        self, scores: np.ndarray, whole: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """What windows and the whole photograph add to `combined`, which see."""
        of_windows = log_odds(scores) * np.asarray(self.slopes)
        if not len(self.whole_slopes):
            return of_windows, np.zeros_like(of_windows)
        if whole is None:
            raise errors.MidlevelError(
                "The model looks at the whole photograph too: expected its log-odds "
                "beside the image scores. Received: image scores alone."
            )
        return of_windows, np.asarray(whole, np.float64) * np.asarray(self.whole_slopes)


def none(count: int) -> Calibration:
    """What leaves the scores of `count` classes as they are."""
    return Calibration((1.0,) * count, (0.0,) * count)


def log_odds(scores: np.ndarray) -> np.ndarray:
    """log(s / (1 - s)), float64, finite also where a score is 0 or 1."""
    s = np.clip(np.asarray(scores, np.float64), LOWEST, HIGHEST)
    return np.log(s) - np.log1p(-s)


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


def reliability(probabilities: np.ndarray, targets: np.ndarray) -> list[dict[str, Any]]:
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
