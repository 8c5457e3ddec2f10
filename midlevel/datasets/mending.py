"""Broken boxes: swapped, clipped or dropped, and always named."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from midlevel.datasets.annotation import Annotation, Problem
from midlevel.datasets.dataset import Dataset, Example
from midlevel.datasets.formats import values
from midlevel.method import boxes as boxes_

Value = TypeVar("Value")
OWN = {".xml", ".txt"}  # files of boxes that are about one photograph
NOTHING_LEFT = "nobody knows what it shows"
NEARLY = 1.05  # sizes that differ by less are not of two copies, but a border cut off
ROUNDING = 1.0  # pixels outside that are no mistake: formats count from 0 or from 1


def upright(row: Annotation) -> tuple[Annotation, list[Problem]]:
    """`row` without boxes that need no size to be seen as broken.

    Corners in the wrong order are swapped; a box without area, with a number that is
    none, or that is there twice, is dropped.
    """
    boxes, problems, kept, seen = [], [], [], set()
    for i, box in enumerate(row.boxes):
        xmin, ymin, xmax, ymax = box
        ordered = (min(xmin, xmax), min(ymin, ymax), max(xmin, xmax), max(ymin, ymax))
        are_numbers = all(map(values.is_coordinate, box))
        if not are_numbers or xmin == xmax or ymin == ymax:
            text = "no area" if are_numbers else "expected numbers"
            problems.append(_of_box(row, i, text, "dropped"))
            continue
        if (ordered, row.names[i]) in seen:
            problems.append(_of_box(row, i, "is there twice", "dropped"))
            continue
        seen.add((ordered, row.names[i]))
        if ordered != tuple(box):
            problems.append(_of_box(row, i, "is inverted", "swapped"))
        boxes.append(ordered)
        kept.append(i)
    if not problems:
        return row, []
    mended = replace(
        row,
        boxes=boxes,
        names=_take(row.names, kept),
        difficult=_take(row.difficult, kept),
        lines=_take(row.lines, kept),
    )
    return mended, problems


def fit(example: Example, size_wh: tuple[int, int]) -> tuple[Example, list[Problem]]:
    """`example` with boxes in pixels inside a photograph of `size_wh`.

    A box that reaches out is clipped, one that lies outside is dropped. Where the
    annotation states the sides of the photograph lying down, its boxes are meant for
    that, and the problem's fate is `left out`; where it states sides of the same shape,
    they are scaled. Neither, if they fit the photograph as it is alone.
    """
    boxes, problems = _in_pixels(example, size_wh)
    clipped = boxes_.clip(boxes, size_wh)
    inside = boxes_.area(clipped) > 0
    reaches_out = np.abs(boxes - clipped).max(axis=1, initial=0) > ROUNDING
    for i in np.flatnonzero(reaches_out | ~inside):
        text = f"box {_numbers(boxes[i])} "
        text += "reaches out of" if inside[i] else "lies outside"
        text += f" the photograph of {_times(size_wh)} pixels"
        line = int(example.lines[i]) if len(example.lines) else None
        fate = "clipped" if inside[i] else "dropped"
        problems.append(_problem(example, "box", text, fate, line))
    return replace(example.with_boxes(clipped, inside), size_wh=size_wh), problems


def _in_pixels(
    example: Example, size_wh: tuple[int, int]
) -> tuple[np.ndarray, list[Problem]]:
    """Boxes in pixels of a photograph, and what to say where another size is stated."""
    sides, stated = np.tile(size_wh, 2), example.size_wh
    boxes = example.boxes * (sides if example.relative else 1)
    if not stated or stated == size_wh:
        return boxes, []
    text = f"is said to be {_times(stated)} pixels and is {_times(size_wh)} upright"
    fate = "kept"
    if not example.relative and not _fits_only(boxes, size_wh, stated):
        if stated == size_wh[::-1]:
            text, fate = f"{text}; its boxes seem drawn on it lying down", "left out"
        elif len(boxes) and is_alike(stated, size_wh):
            boxes, fate = boxes * (sides / np.tile(stated, 2)), "scaled"
    return boxes, [_problem(example, "size", text, fate)]


def is_alike(size_wh: tuple[int, int], other_wh: tuple[int, int]) -> bool:
    """Whether two sizes are of one shape, but for rounding to whole pixels."""
    (width, height), (other_width, other_height) = sorted((size_wh, other_wh))
    factor = (other_width + other_height) / (width + height)
    most = factor / 2 + ROUNDING
    off = max(abs(other_width - width * factor), abs(other_height - height * factor))
    return factor > NEARLY and off <= most


def _fits_only(
    boxes: np.ndarray, size_wh: tuple[int, int], other_wh: tuple[int, int]
) -> bool:
    """Whether the boxes lie in a photograph of one size and reach out of another."""
    out, other = (
        np.abs(boxes - boxes_.clip(boxes, wh)).max(initial=0)
        for wh in (size_wh, other_wh)
    )
    return out <= ROUNDING < other


def fit_or_leave_out(
    example: Example, size_wh: tuple[int, int]
) -> tuple[Example | None, list[Problem]]:
    """`fit`; None instead of an example that must be left out."""
    fitted, problems = fit(example, size_wh)
    nothing = nothing_left(example, fitted)
    problems += [nothing] if nothing else []
    is_out = any(problem.fate == "left out" for problem in problems)
    return None if is_out else fitted, problems


def fit_splits(
    dataset: Dataset,
    splits: Iterable[str],
    size_of: Callable[[Path], tuple[int, int] | None],
) -> tuple[Dataset, list[Problem]]:
    """`dataset` with boxes in pixels of its photographs, and what had to be mended.

    Args:
        splits: those to look at.
        size_of: of a photograph; None if it cannot be read, and stays as it is.
    """
    fitted, groups = dict(dataset.splits), []
    for split in splits:
        rows: list[Example | None] = []
        for example in dataset.splits[split]:
            size_wh = size_of(example.path)
            if size_wh is None:
                rows.append(example)
                continue
            better, problems = fit_or_leave_out(example, size_wh)
            rows.append(better)
            groups.append(problems)
        fitted[split] = [row for row in rows if row]
    return replace(dataset, splits=fitted), each_once(groups)


def nothing_left(
    before: Annotation | Example, after: Annotation | Example
) -> Problem | None:
    """What to say of a photograph whose boxes were all dropped: it is no background."""
    if len(after.boxes) or len(after.unboxed) or not len(before.boxes):
        return None
    text = f"none of its {len(before.boxes)} boxes is left; {NOTHING_LEFT}"
    return _problem(before, "photograph", text, "left out")


def is_of_annotation(problem: Problem) -> bool:
    """Whether a problem is about one annotation, and does not follow from another."""
    is_of_files = problem.kind in ("unlabelled", "unused")
    return not is_of_files and not problem.text.endswith(NOTHING_LEFT)


def each_once(groups: Iterable[Sequence[Problem]]) -> list[Problem]:
    """The problems of photographs, one group each; alike in two groups, told once.

    A photograph may be in two splits. What is alike within a group is told as often.
    """
    counts: Counter[Problem] = Counter()
    for problems in groups:
        for problem, count in Counter(problems).items():
            counts[problem] = max(counts[problem], count)
    return list(counts.elements())


def _of_box(row: Annotation, i: int, what: str, fate: str) -> Problem:
    text = f"box {i + 1} ({row.names[i]}) {_numbers(row.boxes[i])}: {what}"
    line = row.lines[i] if row.lines else None
    return _problem(row, "box", text, fate, line)


def _problem(
    row: Annotation | Example, kind: str, text: str, fate: str, line: int | None = None
) -> Problem:
    """A problem that names the photograph, where neither its file nor a line does."""
    source = row.source or row.path
    if line is None and source != row.path and source.suffix.lower() not in OWN:
        text = f"{_name(row.path, source)}: {text}"
    return Problem(source, kind, text, fate, line)


def _name(path: Path, source: Path) -> str:
    """A photograph as seen from the deepest folder that holds it and `source`."""
    folder = next((f for f in source.parents if path.is_relative_to(f)), None)
    return (path.relative_to(folder) if folder else path).as_posix()


def _take(column: Sequence[Value], kept: list[int]) -> list[Value]:
    return [column[i] for i in kept] if len(column) else []


def _times(size_wh: tuple[int, int]) -> str:
    return f"{size_wh[0]} x {size_wh[1]}"


def _numbers(box: Iterable[float]) -> str:
    return "(" + ", ".join(f"{value + 0.0:g}" for value in box) + ")"
