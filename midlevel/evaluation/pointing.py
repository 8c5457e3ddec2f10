"""The pointing game: does a score map's highest point lie on what the map is of?

Zhang et al. 2016 ("Top-down neural attention by excitation backprop") count hits and
misses of one point per photograph and class, and set the middle of the photograph
beside them. The tolerance is that of Oquab et al. 2015 ("Is object localization for
free?"), 18 pixels where the long side has 500.

A score map is a mean over the windows that cover a cell: many in the middle of a
photograph, few in its corners, where it is high or low by chance. What a mean of n is
wrong by falls with the root of n; so the highest point is that of the map times this
root, its evidence.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from midlevel.method import boxes as boxes_
from midlevel.method import metrics

if TYPE_CHECKING:
    from midlevel.evaluation.validation import Seen

TOLERANCE = 18 / 500  # of the photograph's long side
SAME = 1e-6  # scores that differ by less are the same, but for rounding
RULE = (
    "For each photograph and each class of which it has a box that is not difficult "
    "and has at least the area of the smallest window: a hit where the highest point "
    "of the class's score map (times the root of how many windows cover it) lies in a "
    f"box of the class, difficult or not, or at most {TOLERANCE:.1%} of the "
    "photograph's long side away from one."
)


def evidence(seen: "Seen", class_id: int) -> np.ndarray:
    """A class's score map times the root of how many windows cover a cell.

    Returns:
        float64 `(rows, columns)`.
    """
    return seen.map(class_id) * np.sqrt(seen.coverage)


def highest_point(heat: np.ndarray, size_wh: tuple[int, int]) -> tuple[float, float]:
    """Where a score map is highest, x and y in pixels of the photograph.

    Where several cells are highest, it is the one of them that is nearest to their
    mean.

    Args:
        heat: `(rows, columns)`, of any size.
        size_wh: the photograph.

    >>> highest_point(np.array([[0, 0, 1, 1, 1]]), (10, 2))
    (7.0, 1.0)
    """
    rows, columns = heat.shape
    highest = np.argwhere(heat >= heat.max() - SAME)
    away = ((highest - highest.mean(axis=0)) ** 2).sum(axis=1)
    row, column = highest[away.argmin()]
    width, height = size_wh
    return float((column + 0.5) * width / columns), float((row + 0.5) * height / rows)


def distance(point: tuple[float, float], boxes: np.ndarray) -> float:
    """Pixels from a point to the nearest of `(n, 4)` boxes; 0 inside one.

    >>> distance((7, 2), np.array([[0, 0, 4, 4], [20, 20, 30, 30]]))
    3.0
    """
    xy = np.asarray(point, float)
    gaps = np.maximum(np.maximum(boxes[:, :2] - xy, xy - boxes[:, 2:]), 0)
    return float(np.hypot(gaps[:, 0], gaps[:, 1]).min())


class Game:
    """Counts hits, photograph by photograph."""

    def __init__(self, classes: Sequence[str]):
        self._classes = classes
        self._away: list[list[tuple[float, ...]]] = [[] for _ in classes]

    def add(self, seen: "Seen") -> None:
        """Count a photograph."""
        example, (width, height) = seen.example, seen.size_wh
        middle, longest = (width / 2, height / 2), max(width, height)
        for i, away in enumerate(self._away):
            own = example.classes == i + 1
            if i + 1 in example.partly_boxed:
                continue  # it may point at an object without a box
            if not counts(example.boxes[own & ~example.difficult], seen.windows):
                continue
            maps = evidence(seen, i + 1), seen.map(i + 1)
            points = *(highest_point(heat, seen.size_wh) for heat in maps), middle
            boxes = example.boxes[own]
            away.append(tuple(distance(point, boxes) / longest for point in points))

    def table(self) -> dict:
        """What was counted.

        Returns:
            `mean`, the mean share of hits over the classes that have pairs, and
            `middle`, that of the middle of the photograph; `classes`, for each its
            `share`, `pairs`, `hits`, `inside`, the hits without tolerance, `bare`,
            the hits of the map without the root, and `middle`, those of the middle;
            `rule`. Shares are None where there are no pairs.
        """
        rows = {
            name: _row(np.array(away).reshape(-1, 3))
            for name, away in zip(self._classes, self._away, strict=True)
        }
        known = [row for row in rows.values() if row["pairs"]]
        return {
            "mean": metrics.mean(row["share"] for row in known),
            "middle": metrics.mean(row["middle"] / row["pairs"] for row in known),
            "classes": rows,
            "rule": RULE,
        }


def counts(boxes: np.ndarray, windows: np.ndarray) -> bool:
    """Whether the largest of `(n, 4)` boxes is as large as the smallest window."""
    return bool((boxes_.area(boxes) >= boxes_.area(windows).min()).any())


def _row(away: np.ndarray) -> dict:
    """Of `(pairs, 3)` distances, in long sides, from a box to the three points."""
    hits, bare, middle = (away <= TOLERANCE).sum(axis=0).tolist()
    return {
        "share": hits / len(away) if len(away) else None,
        "pairs": len(away),
        "hits": hits,
        "inside": int((away[:, 0] <= 0).sum()),
        "bare": bare,
        "middle": middle,
    }
