"""What single units answer to: the windows that excite each of them most.

Girshick et al. 2014 ("Rich feature hierarchies", figure 4) show a unit by the regions
that activate it most; Wang, Ramanan and Hebert 2017 ("Growing a Brain") do so for units
that were added. Nothing is fitted: the unit speaks for itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

WINDOWS = 16  # windows of a unit, as in the paper's figure
SHOWN = 16  # units, about, where none is named


class Strongest:
    """The windows that excite each unit most, one of a photograph at most.

    Only these are kept in memory, however many photographs are taken.

    Attributes:
        values: float32 `(count, units)`, activations, the strongest first; -inf where
            there were fewer photographs.
        photographs: int `(count, units)`, numbers in the order of taking, from 0.
        windows: int `(count, units)`, numbers within their photograph.
    """

    def __init__(self, width: int, classes: int, count: int = WINDOWS):
        """Take none yet; `width` is how many units there are."""
        self.values = np.full((count, width), -np.inf, np.float32)
        self.photographs = np.full((count, width), -1)
        self.windows = np.full((count, width), -1)
        self._taken = 0
        self._rows = np.zeros(1 + classes)
        self._sums = np.zeros((1 + classes, width))
        self._squares = np.zeros(width)

    def take(self, activations: np.ndarray, ids: np.ndarray) -> None:
        """Take the next photograph.

        Args:
            activations: `(n windows, units)`.
            ids: `(n,)`, the class that each window lies on, 0 for background.
        """
        best = activations.argmax(axis=0)
        news = activations.max(axis=0), np.full(len(best), self._taken), best
        olds = self.values, self.photographs, self.windows
        order = np.argsort(-np.vstack([self.values, news[0]]), axis=0, kind="stable")
        self.values, self.photographs, self.windows = (
            np.take_along_axis(np.vstack([old, new]), order[:-1], axis=0)
            for old, new in zip(olds, news, strict=True)
        )
        self._taken += 1
        of_class = np.eye(len(self._rows), dtype=np.float32)[ids]  # (n, 1 + classes)
        self._rows += of_class.sum(axis=0)
        self._sums += of_class.T @ activations
        self._squares += np.square(activations, dtype=np.float64).sum(axis=0)

    @property
    def variance(self) -> np.ndarray:
        """Variance of each unit over all windows, float64 `(units,)`."""
        count = max(self._rows.sum(), 1)
        mean = self._sums.sum(axis=0) / count
        return np.maximum(self._squares / count - mean**2, 0)

    @property
    def means(self) -> np.ndarray:
        """Mean of each unit over the windows on background and on each class.

        Float64 `(1 + classes, units)`; over all windows for what none lies on, such as
        a class whose labels have no boxes.
        """
        rows, sums = self._rows[:, None], self._sums
        whole = sums.sum(axis=0) / max(rows.sum(), 1)
        return np.where(rows > 0, sums / np.maximum(rows, 1), whole)


def heaviest(
    weights: np.ndarray, means: np.ndarray, classes: Sequence[str]
) -> dict[int, str]:
    """The units that add most to the score of each class, and which class that is.

    A unit adds its weight towards the class times its mean activation on the class's
    windows; a large weight of a unit that is never excited there says nothing. About
    `SHOWN` of them, at least one a class; each once.

    Args:
        weights: `(units, 1 + classes)`, background first.
        means: `(1 + classes, units)`, see `Strongest.means`.

    >>> heaviest(np.array([[0, 1.0, 0], [0, 0, 2.0]]), np.ones((3, 2)), ["cat", "dog"])
    {0: 'cat', 1: 'dog'}
    """
    each = max(1, SHOWN // len(classes))
    chosen: dict[int, str] = {}
    for i, name in enumerate(classes, 1):
        added = weights[:, i] * means[i]
        order = np.argsort(-added, kind="stable").tolist()
        free = [unit for unit in order if unit not in chosen and added[unit] > 0]
        chosen |= dict.fromkeys(free[:each], name)
    return chosen


@dataclass(frozen=True)
class Leaning:
    """Which classes a unit speaks for, and which against.

    Attributes:
        towards, against: the largest and smallest weights, as `(class, weight)`.
    """

    towards: list[tuple[str, float]]
    against: list[tuple[str, float]]


def leaning(weights: np.ndarray, names: Sequence[str], count: int = 2) -> Leaning:
    """Which classes, background among them, a unit's weights `(names,)` speak for."""
    order = np.argsort(-weights, kind="stable")
    rows = [(names[i], float(weights[i])) for i in order]
    towards = [row for row in rows if row[1] > 0][:count]
    return Leaning(towards, [row for row in rows[::-1] if row[1] < 0][:count])
