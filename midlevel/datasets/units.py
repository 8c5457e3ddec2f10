"""What the numbers of boxes count, where it seems not to be pixels.

Boxes in other units lie in the corner of a photograph or outside. Dropped or kept, they
would teach that their objects are background.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from midlevel import errors
from midlevel.datasets.annotation import Annotation, Problem
from midlevel.images import headers

AUTO, PIXELS = "auto", "pixels"
WHOLE = {"shares": 1, "percent": 100, "thousandths": 1000}  # numbers of a whole side
LOOKED_AT = 50  # photographs whose sizes are found out
LEAST = 3  # photographs from which units are concluded
CHANCE = 2e-3  # that boxes anywhere lie so near the corner as these do
FAR = 0.1  # of a side: boxes that reach out by more are no slip
HEADER = 1 << 18  # bytes that hold a photograph's size


def shares(row: Annotation, units: str) -> Annotation:
    """`row` with its boxes in shares of the photograph's sides, given in `units`."""
    if units in (AUTO, PIXELS) or row.relative:
        return row
    part = (_written(row) / WHOLE[units]).tolist()
    boxes = [(xmin, ymin, xmax, ymax) for xmin, ymin, xmax, ymax in part]
    return replace(row, boxes=boxes, relative=True)


def refuse_others(rows: Sequence[Annotation]) -> None:
    """Refuse a data set of which all boxes seem to be in other units.

    Raises:
        errors.DataError: they do; it says what they seem to be.
    """
    rows = [row for row in rows if len(row.boxes) and not row.relative]
    if rows and (units := _seeming(rows)):
        row, count = rows[0], sum(len(row.boxes) for row in rows)
        line = f":{row.lines[0]}" if len(row.lines) else ""
        raise errors.DataError(
            f"{row.source}{line}: box {_shown(_written(row)[0])} of {row.path.name} "
            f"seems to be in {units}, from 0 to {WHOLE[units]} along a side, as all "
            f"{count} boxes here do; expected pixels. If so, add --set data.units="
            f"{units}; if they are pixels, --set data.units={PIXELS}."
        )


def odd(row: Annotation) -> list[Problem]:
    """The boxes of a photograph that cannot be in pixels; it must be left out."""
    if row.relative or not len(row.boxes):
        return []
    problems = []
    for i, box in enumerate(_written(row)):
        extent = np.abs(box[2:] - box[:2] + row.counts_from)
        is_share = _are_shares(box) and (box % 1).any()
        if np.isfinite(box).all() and (is_share or (0 < extent.max() < 1)):
            what = "seems to be in shares of the sides" if is_share else "is so small"
            text = f"{row.path.name}: box {i + 1} ({row.names[i]}) {_shown(box)} "
            text += f"{what}; expected pixels. If they are, say data.units={PIXELS}"
            line = row.lines[i] if len(row.lines) else None
            source = row.source or row.path
            problems.append(Problem(source, "unit", text, "left out", line))
    return problems


def _written(row: Annotation) -> np.ndarray:
    """Boxes as they stand in the file, float64 `(n, 4)`."""
    boxes = np.asarray(row.boxes, float).reshape(-1, 4)
    return boxes + np.array([row.counts_from, row.counts_from, 0, 0])


def _are_shares(boxes: np.ndarray) -> bool:
    return bool((boxes >= 0).all() and (boxes <= 1).all())


def _seeming(rows: Sequence[Annotation]) -> str | None:
    """The units, a key of `WHOLE`, that all boxes seem to be in; None if pixels."""
    of_row = [_written(row) for row in rows]
    boxes = np.concatenate(of_row)
    if not np.isfinite(boxes).all() or boxes.min() < 0:
        return None
    if _are_shares(boxes):
        return "shares" if (boxes % 1).any() else None
    for units in ("percent", "thousandths"):
        whole = WHOLE[units]
        if whole / 2 < boxes.max() <= whole and len(rows) >= LEAST:
            return units if _fit_better(rows, of_row, whole) else None
    return None


def _fit_better(
    rows: Sequence[Annotation], of_row: list[np.ndarray], whole: int
) -> bool:
    """Whether boxes fit photographs that are `whole` wide and high, and not their own.

    Either most reach far out of their own, or all lie nearer to the corner than boxes
    anywhere would by chance.
    """
    step = -(-len(rows) // LOOKED_AT)
    chance, out, known = 1.0, 0, 0
    for row, boxes in zip(rows[::step], of_row[::step], strict=True):
        if size_wh := row.size_wh or _size_wh(row.path):
            known += 1
            chance *= float(np.prod([min(1, whole / side) for side in size_wh]))
            out += bool((boxes.max(axis=0)[2:] > np.multiply(size_wh, 1 + FAR)).any())
    return known >= LEAST and (chance < CHANCE or 2 * out > known)


def _size_wh(path: Path) -> tuple[int, int] | None:
    """A photograph's sides, perhaps lying down."""
    try:
        with path.open("rb") as file:
            return headers.size_wh(file.read(HEADER))
    except OSError:
        return None


def _shown(box: np.ndarray) -> str:
    return "(" + ", ".join(f"{value + 0.0:g}" for value in box) + ")"
