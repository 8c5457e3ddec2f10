"""What the numbers of boxes count, where it seems not to be pixels.

Boxes in other units lie in the corner of a photograph or outside. Dropped or kept, they
would teach that their objects are background.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from midlevel import errors
from midlevel.datasets import mending
from midlevel.datasets.annotation import Annotation, Problem
from midlevel.images import headers

AUTO, PIXELS = "auto", "pixels"
WHOLE = {"shares": 1, "percent": 100, "thousandths": 1000}  # numbers of a whole side
LOOKED_AT = 50  # photographs whose sizes are found out
LEAST = 3  # photographs from which units are concluded
CHANCE = 2e-3  # that boxes anywhere lie so near the corner as these do
SLIP = 0.02  # of a side: by as much may boxes in other units reach out
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
    """Refuse a data set whose boxes seem to be in other units, or of other sizes.

    Raises:
        errors.DataError: they do; it says what they seem to be.
    """
    rows = [row for row in rows if len(row.boxes) and not row.relative]
    some = rows[:: -(-len(rows) // LOOKED_AT) or 1]
    if units := _seeming(rows, some):
        count = sum(len(row.boxes) for row in rows)
        raise errors.DataError(
            f"{_first(rows[0])} seems to be in {units}, from 0 to {WHOLE[units]} along "
            f"a side, as all {count} boxes here do; expected pixels. If so, add --set "
            f"data.units={units}; if they are pixels, --set data.units={PIXELS}."
        )
    far = [row for row in some if _reaches_out(row) or _is_of_other_shape(row)]
    if len(some) >= LEAST and 2 * len(far) > len(some):
        raise errors.DataError(
            f"{_first(far[0])} reaches far out of its photograph, as those of most "
            "photographs here do. Boxes seem drawn on photographs of another size: "
            "expected pixels of these; export them again. To cut off what is outside, "
            f"add --set data.units={PIXELS}."
        )


def _first(row: Annotation) -> str:
    """The first box of a photograph, by file and line."""
    line = f":{row.lines[0]}" if len(row.lines) else ""
    return f"{row.source}{line}: box {_shown(_written(row)[0])} of {row.path.name}"


def odd(row: Annotation) -> list[Problem]:
    """The boxes of a photograph that cannot be in pixels; it must be left out."""
    if row.relative or not len(row.boxes):
        return []
    problems = []
    for i, box in enumerate(_written(row)):
        extent = np.abs(box[2:] - box[:2] + row.counts_from)
        is_share = _are_shares(box) or _is_whole(row, box)
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
    are_near = (boxes >= -SLIP).all() and (boxes <= 1 + SLIP).all()
    return bool(are_near and (boxes % 1).any())


def _is_whole(row: Annotation, box: np.ndarray) -> bool:
    """Whether a box is all of a photograph in shares: one pixel of it is no object."""
    if not (box == (0, 0, 1, 1)).all():
        return False
    size_wh = row.size_wh or _size_wh(row.path)
    return bool(size_wh and max(size_wh) >= WHOLE["percent"])


def _seeming(rows: Sequence[Annotation], some: Sequence[Annotation]) -> str | None:
    """The units, a key of `WHOLE`, that all boxes seem to be in; None if pixels.

    Boxes that are at most 100 or 1000 are per cent or thousandths if most reach far out
    of their photographs, or if all lie nearer to the corner than boxes anywhere would
    by chance.
    """
    boxes = np.concatenate([np.zeros((0, 4)), *map(_written, rows)])
    if not len(boxes) or not np.isfinite(boxes).all():
        return None
    if boxes.max() <= 1 and any(_is_whole(r, b) for r in some for b in _written(r)):
        return "shares"
    if _are_shares(boxes):
        return "shares"
    for units in ("percent", "thousandths"):
        is_within = boxes.min() >= -SLIP * WHOLE[units]
        is_within &= WHOLE[units] / 2 < boxes.max() <= (1 + SLIP) * WHOLE[units]
        if is_within and len(some) >= LEAST:
            is_near = _chance(some, WHOLE[units]) < CHANCE
            are_out = 2 * sum(map(_reaches_out, some)) > len(some)
            return units if is_near or are_out else None
    return None


def _chance(rows: Sequence[Annotation], side: int) -> float:
    """How likely photographs' boxes all lie within `side` pixels of the corner."""
    chance = 1.0
    for row in rows:
        size_wh = row.size_wh or _size_wh(row.path) or (side, side)
        chance *= min(1, side / size_wh[0]) * min(1, side / size_wh[1])
    return chance


def _reaches_out(row: Annotation) -> bool:
    """Whether boxes reach far out of a photograph, as it is and as it is said to be."""
    corner = _written(row)[:, 2:].max(axis=0)
    if row.size_wh and (corner <= np.multiply(row.size_wh, 1 + FAR)).all():
        return False
    size_wh = _size_wh(row.path)
    return bool(size_wh and corner.max() > max(size_wh) * (1 + FAR))  # lying or upright


def _is_of_other_shape(row: Annotation) -> bool:
    """Whether boxes reach far out, and the size that is stated is of another shape.

    Of the same shape, `mending.fit` scales them.
    """
    size_wh = _size_wh(row.path)
    if not row.size_wh or not size_wh:
        return False
    either = (size_wh, size_wh[::-1])
    is_alike = any(mending.is_alike(row.size_wh, sides) for sides in either)
    return not is_alike and _reaches_out(replace(row, size_wh=None))


def _size_wh(path: Path) -> tuple[int, int] | None:
    """A photograph's sides, perhaps lying down."""
    try:
        with path.open("rb") as file:
            return headers.size_wh(file.read(HEADER))
    except OSError:
        return None


def _shown(box: np.ndarray) -> str:
    return "(" + ", ".join(f"{value + 0.0:g}" for value in box) + ")"
