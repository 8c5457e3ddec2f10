"""Aggregations: from the window scores of a photograph to its image scores.

`power`: the mean of y ** k, k >= 1 (Oquab et al., CVPR 2014, section 3.3), here its
k-th root: the order of images and so every average precision is the same, but scores
stay on the scale of the window scores whatever k is. k = 1 is the mean; large k nears
the maximum.
`max`: the highest (Oquab et al., CVPR 2015, "Is object localization for free?",
section 3).
`top`: the mean of the highest share of windows (Durand et al., CVPR 2017, "WILDCAT",
section 3.3, without its lowest).
`lse`: log(mean(exp(r f))) / r, a smooth maximum (Pinheiro and Collobert, CVPR 2015,
"From image-level to pixel-level labeling", section 4).

The last two are over log-odds f of window scores, and a sigmoid leads back.
"""

from dataclasses import dataclass

import numpy as np

from midlevel.method import calibration

POWER, MAX, TOP, LSE = HOW = ("power", "max", "top", "lse")
K_CHOICES = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0)  # the paper tunes k, gets 5
K_LEARNED = 2.0  # of the image loss
PARTS = 1000  # of windows that a share of `top` is counted in: whole numbers everywhere


@dataclass(frozen=True)
class Aggregation:
    """How the window scores of a photograph become its image scores.

    Attributes:
        how: one of `HOW`.
        by: k of `power`, the share of windows of `top`, r of `lse`; of `max` nothing.
    """

    how: str = POWER
    by: float = K_LEARNED

    def __call__(self, window_scores: np.ndarray) -> np.ndarray:
        """One score per class, `(n, classes)` to float64 `(classes,)`, in [0, 1].

        >>> y = np.array([[0.0], [0.8]])
        >>> Aggregation("power", 2)(y).round(3).tolist(), Aggregation("max")(y).tolist()
        ([0.566], [0.8])
        >>> Aggregation("top", 0.5)(y).round(6).tolist()
        [0.8]
        """
        y = np.asarray(window_scores, np.float64)
        if self.how == POWER:
            return np.asarray((y**self.by).mean(axis=0) ** (1 / self.by))
        if self.how == MAX:
            return np.asarray(y.max(axis=0))
        odds = calibration.log_odds(y)
        found = self._top(odds) if self.how == TOP else self._lse(odds)
        return np.asarray(1 / (1 + np.exp(-found)))

    def __str__(self) -> str:
        return {
            POWER: f"power mean, k = {self.by:g}",
            MAX: "highest",
            TOP: f"mean of the highest {100 * self.by:g} %",
            LSE: f"log-mean-exp, r = {self.by:g}",
        }[self.how]

    @property
    def in_short(self) -> str:
        """For a line: `k = 2`, `image scores: highest`, ..."""
        return f"k = {self.by:g}" if self.how == POWER else f"image scores: {self}"

    @property
    def k(self) -> float | None:
        """The exponent of the power mean; None where it is none."""
        return self.by if self.how == POWER else None

    @property
    def mean(self) -> "Aggregation":
        """The mean on the same scale: of scores for `power`, else of log-odds."""
        return Aggregation(POWER, 1.0) if self.how == POWER else Aggregation(TOP, 1.0)

    @property
    def parts(self) -> int:
        """Of `top`: the share of windows, in `PARTS`; see `count_of`."""
        return round(self.by * PARTS)

    def _top(self, odds: np.ndarray) -> np.ndarray:
        count = count_of(len(odds), self.parts)
        return np.asarray(np.sort(odds, axis=0)[-count:].mean(axis=0))

    def _lse(self, odds: np.ndarray) -> np.ndarray:
        peak = odds.max(axis=0)
        powers = np.exp(self.by * (odds - peak)).mean(axis=0)
        return np.asarray(peak + np.log(powers) / self.by)


def count_of(windows: int, parts: int) -> int:
    """How many windows a share has, rounded down, at least one.

    >>> count_of(393, 100), count_of(4, 100)
    (39, 1)
    """
    return max(1, windows * parts // PARTS)
