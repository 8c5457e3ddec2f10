"""The pointing game: does a score map's highest point lie on what the map is of?

Zhang et al. 2016 ("Top-down neural attention by excitation backprop") count hits and
misses of one point per photograph and class, and set the middle of the photograph
beside them. The tolerance is that of Oquab et al. 2015 ("Is object localization for
free?", section 4), 18 pixels in VOC's photographs, whose long side has 500.

They also rank photographs by what is said of a class, as average precision does, and
count one that shows it as found only where the point hits; where it does not, it stays
unfound and its score is a false one. That is the *point AP* here.

A score map is a mean over the windows that cover a cell: many in the middle of a
photograph, few in its corners, where it is high or low by chance. What a mean of n is
wrong by falls with the root of n; so the highest point is that of the map times this
root, its evidence.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from midlevel.method import boxes as boxes_
from midlevel.method import detection, metrics

if TYPE_CHECKING:
    from midlevel.datasets import Example
    from midlevel.evaluation.validation import Seen

PIXELS = 18  # of the photograph as it is (Oquab et al. 2015)
TOLERANCE = PIXELS / 500  # share of the photograph's long side
SAME = 1e-6  # scores that differ by less are the same, but for rounding
RULE = (
    "For each photograph and each class of which it has a box that is not difficult "
    "and has at least the area of the smallest window: a hit where the highest point "
    "of the class's score map (times the root of how many windows cover it) lies in a "
    f"box of the class, difficult or not, or at most {TOLERANCE:.1%} of the "
    "photograph's long side away from one. Point AP: photographs ranked by the class, "
    "right where they show it, a box of any size, and the point hits so."
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
        self._away: list[list[list[float]]] = [[] for _ in classes]  # see `_row`
        self._targets: list[np.ndarray] = []  # -1 where nobody says where it is
        self._nearest: list[np.ndarray] = []  # pixels from each class's point to a box
        self._longest: list[int] = []

    def add(self, seen: "Seen") -> None:
        """Count a photograph."""
        example, (width, height) = seen.example, seen.size_wh
        middle, longest = (width / 2, height / 2), max(width, height)
        count = len(self._classes)
        nearest = np.full(count, np.inf)
        for i, away in enumerate(self._away):
            boxes = example.boxes[example.classes == i + 1]
            # Of a class not all of whose objects have boxes it may point at another.
            if not len(boxes) or i + 1 in example.partly_boxed:
                continue
            point = highest_point(evidence(seen, i + 1), seen.size_wh)
            nearest[i] = distance(point, boxes)
            plain = example.boxes[(example.classes == i + 1) & ~example.difficult]
            if counts(plain, seen.windows):
                points = point, highest_point(seen.map(i + 1), seen.size_wh), middle
                away.append([distance(point, boxes) for point in points] + [longest])
        targets = np.where(is_boxed(example, count), example.targets(count), -1)
        self._targets.append(targets)
        self._nearest.append(nearest)
        self._longest.append(longest)

    def table(self, ranking: np.ndarray) -> dict[str, Any]:
        """What was counted.

        Args:
            ranking: `(photographs, classes)`, what orders the photographs that were
                counted, in their order.

        Returns:
            `mean`, the mean share of hits over the classes that have pairs, and
            `middle`, that of the middle of the photograph; `AP`, the mean point AP,
            `AP_18px` that with 18 pixels of the photograph as it is; `classes`, for
            each its `share`, `pairs`, `hits`, `inside`, the hits without tolerance,
            `bare`, the hits of the map without the root, `middle`, those of the
            middle, `pixels`, the hits within 18 pixels, `AP` and `AP_18px`; `rule`.
            Shares are None where there are no pairs, APs where there are no boxes.
        """
        rows = {
            name: {
                **_row(np.array(self._away[i]).reshape(-1, 4)),
                **self._aps(i, ranking),
            }
            for i, name in enumerate(self._classes)
        }
        known = [row for row in rows.values() if row["pairs"]]
        return {
            "mean": metrics.mean(row["share"] for row in known),
            "middle": metrics.mean(row["middle"] / row["pairs"] for row in known),
            "AP": metrics.mean(row["AP"] for row in rows.values()),
            "AP_18px": metrics.mean(row["AP_18px"] for row in rows.values()),
            "classes": rows,
            "rule": RULE,
        }

    def _aps(self, i: int, ranking: np.ndarray) -> dict[str, float | None]:
        """Point AP of a class with both tolerances."""
        targets = np.array([row[i] for row in self._targets], int)
        nearest = np.array([row[i] for row in self._nearest])
        scaled, shown = TOLERANCE * np.array(self._longest), targets == 1
        found = {}
        for key, tolerance in (("AP", scaled), ("AP_18px", PIXELS)):
            hits = np.where(shown, nearest <= tolerance, targets)
            ap = detection.average_precision(ranking[:, i], hits, int(shown.sum()))
            found[key] = None if np.isnan(ap) else ap
        return found


def is_boxed(example: "Example", count: int) -> np.ndarray:
    """Of which classes all that a photograph shows has boxes, bool `(classes,)`.

    So it is too where it shows none; not where a label has no box, or nothing is said.
    """
    ids = np.arange(count) + 1
    has_boxes = np.isin(ids, example.classes)
    known = has_boxes | (example.targets(count) == 0)
    in_part = np.concatenate([example.unboxed, example.partly_boxed])
    return known & ~np.isin(ids, in_part)


def counts(boxes: np.ndarray, windows: np.ndarray) -> bool:
    """Whether the largest of `(n, 4)` boxes is as large as the smallest window."""
    return bool((boxes_.area(boxes) >= boxes_.area(windows).min()).any())


def _row(away: np.ndarray) -> dict[str, Any]:
    """Hits of one class.

    Args:
        away: `(pairs, 4)` in pixels: how far from a box the highest point is, that of
            the map without the root, the middle; and the photograph's long side.
    """
    points, longest = away[:, :3], away[:, 3:]
    hits, bare, middle = (points <= TOLERANCE * longest).sum(axis=0).tolist()
    return {
        "share": hits / len(away) if len(away) else None,
        "pairs": len(away),
        "hits": hits,
        "inside": int((points[:, 0] <= 0).sum()),
        "bare": bare,
        "middle": middle,
        "pixels": int((points[:, 0] <= PIXELS).sum()),
    }
