"""How many windows teach what: by size, by class, by box."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from midlevel.datasets import Example, label_levels
from midlevel.method import boxes as boxes_
from midlevel.method import labels, windows
from midlevel.method.windows import Geometry, Plan
from midlevel.settings.config import Config


@dataclass(frozen=True)
class Taught:
    """What one box teaches.

    Attributes:
        windows: those for which it qualifies.
        learned: those of them that learn its class.
        fills: the largest share of a window that it fills, of the windows that show
            enough of it; 0 where none does.
        shows: the largest share of it that a window shows.
        is_difficult: whether it is left out for being hard to see.
    """

    windows: int
    learned: int
    fills: float
    shows: float
    is_difficult: bool


def of_boxes(
    windows: np.ndarray, example: Example, judged: labels.Judged, config: Config
) -> list[Taught]:
    """What each box of a photograph teaches, in their order; see `labels.judge`."""
    rules = config.labels.rules()
    hits = labels.qualifies(
        windows, example.boxes, rules.min_of_window, rules.min_of_box
    )
    hard = example.difficult & (rules.difficult != "use")
    learned = hits & ~hard & (judged.ids[:, None] == example.classes)
    fills, shows = boxes_.shares(windows, example.boxes)
    fills = np.where(shows >= rules.min_of_box * labels.ROUNDING, fills, 0)
    columns = (hits.sum(axis=0), learned.sum(axis=0), *(fills, shows), hard)
    rows = zip(*(column.tolist() for column in _tops(columns)), strict=True)
    return [Taught(*row) for row in rows]


def _tops(columns: Iterable[np.ndarray]) -> list[np.ndarray]:
    """Each `(windows, boxes)` as its largest of each box; what is `(boxes,)` stays."""
    return [c.max(axis=0, initial=0) if c.ndim > 1 else c for c in columns]


KINDS = {  # of boxes, in the order in which people read them
    "teaches": "teach",
    "difficult": "difficult",
    "shared": "crowded",
    "long": "always cut",
    "small": "too small",
    "unused": "not used",
}


def kind(taught: Taught, config: Config) -> str:
    """Whether a box teaches, or why not: a key of `KINDS`."""
    if config.labels.level == label_levels.IMAGE:
        return "unused"
    if taught.learned:
        return "teaches"
    if taught.is_difficult:
        return "difficult"
    if taught.windows:
        return "shared"
    is_cut = taught.shows < config.labels.min_of_box * labels.ROUNDING
    return "long" if is_cut else "small"


def why(taught: Taught, config: Config) -> str:
    """What a box teaches, or why it teaches nothing, for a person."""
    rules = config.labels
    lost = taught.windows - taught.learned
    return {
        "teaches": f"teaches {taught.learned} window{'s'[: taught.learned != 1]}"
        + (f"; {lost} more left out, another box qualifies too" if lost else ""),
        "difficult": "teaches nothing: it is difficult (labels.difficult is "
        f"{rules.difficult})",
        "shared": "teaches nothing: another box qualifies for each of its "
        f"{taught.windows} windows too",
        "long": f"teaches nothing: no window shows more than {taught.shows:.0%} of "
        f"it, {rules.min_of_box:.0%} is needed (labels.min_of_box)",
        "small": f"teaches nothing: it fills {taught.fills:.0%} of a window at most, "
        f"{rules.min_of_window:.0%} is needed (labels.min_of_window)",
        "unused": "its box is not used, labels alone teach (labels.level)",
    }[kind(taught, config)]


def size_names(geometry: Geometry) -> list[str]:
    """The pyramid's window sizes as shares of a photograph's short side.

    >>> size_names(Geometry(windows.PYRAMIDS["octaves"]))
    ['100 %', '80 %', '60 %', '50 %', '40 %', '35 %', '30 %', '25 %']
    """
    square = [
        windows.grid((9999, 9999), row.scale, geometry) for row in geometry.levels
    ]
    return [
        f"{min(1, size / cells):.0%}".replace("%", " %")
        for (cells, _), level in zip(square, geometry.levels, strict=True)
        for size in level.sizes
    ]


def size_numbers(plan: Plan, geometry: Geometry) -> np.ndarray:
    """Which of `size_names` each window has, int `(n,)`.

    Where a level is too small for several sizes, their windows are alike, and all
    count for the first.
    """
    sides = (plan.cells[:, 2:] - plan.cells[:, :2]).max(axis=1)
    numbers, first = np.zeros(len(plan), int), 0
    for level, (row, grid) in enumerate(zip(geometry.levels, plan.grids, strict=True)):
        cut = [min(size, max(grid)) for size in row.sizes]
        for side in set(cut):
            numbers[(plan.level == level) & (sides == side)] = first + cut.index(side)
        first += len(cut)
    return numbers


def columns(classes: Sequence[str]) -> list[str]:
    """Headings of the columns of `count`: classes, then reasons to learn none."""
    return [*classes, *labels.OTHERS]


def count(
    judged: labels.Judged,
    numbers: np.ndarray,
    sizes: int,
    classes: Sequence[str],
) -> np.ndarray:
    """How many windows of each size teach what, int `(sizes, columns)`."""
    column = judged.ids.astype(int) - 1
    for i, reason in enumerate(labels.OTHERS):
        column[judged.reasons == reason] = len(classes) + i
    found = np.zeros((sizes, len(columns(classes))), int)
    np.add.at(found, (numbers, column), 1)
    return found
