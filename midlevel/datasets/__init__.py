"""Labelled photographs on disk, whatever the format: `read(place)` gives a `Dataset`.

Each format is one module with two functions, named in `FORMATS`: `matches(place)` says
whether a folder or file is of that format, `read(place)` reads it into annotations with
class names. What is common to all formats (class ids, broken boxes) is done here.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from midlevel import errors
from midlevel.datasets import mending
from midlevel.datasets.annotation import Annotation, Problem, Reading
from midlevel.datasets.dataset import Dataset, Example
from midlevel.datasets.formats import coco, folders, table, voc, yolo

__all__ = ["FORMATS", "Dataset", "Example", "Problem", "detect", "read"]

FORMATS = {  # in the order in which they are tried
    "coco": coco,
    "voc": voc,
    "yolo": yolo,
    "csv": table,
    "folders": folders,
}
AUTO = "auto"
BACKGROUND = "background"  # class 0 of every head


def read(
    place: str | Path,
    classes: Sequence[str] | None = None,
    must_occur: bool = True,
    *,
    form: str = AUTO,
    ignore: Sequence[str] = (),
    merge: Mapping[str, Sequence[str]] | None = None,
) -> Dataset:
    """Read a data set; the format is found from what the place holds.

    Args:
        place: a folder, or the file that some formats begin with.
        classes: the names to keep, in this order; by default all that occur, in the
            data's own order or sorted.
        must_occur: refuse a name in `classes`, `ignore` or `merge` that nothing bears.
        form: a key of `FORMATS`, or `auto`.
        ignore: names to treat as background.
        merge: for a new name the names that it stands for.

    Raises:
        errors.DataError: no such place, no known format, nothing usable in it, a name
            that does not occur, or a class named as the background is. Where nothing
            is usable, its `problems` are all that is wrong.
    """
    place = Path(place)
    form = detect(place) if form == AUTO else form
    found = FORMATS[form].read(place)
    rows, problems = _usable(found, merge or {})
    names = _occurring(rows, found.classes, merge or {})
    if not names:
        raise errors.DataError(f"{place}: {_why_empty(rows, problems)}", problems)
    if must_occur:
        written = _written(found)
        merged = [old for olds in (merge or {}).values() for old in olds]
        _check_names(place, "data.classes", classes or (), names)
        _check_names(place, "data.ignore_classes", ignore, names)
        _check_names(place, "data.merge", merged, written)
    wanted = tuple(classes or [name for name in names if name not in ignore])
    _check_wanted(place, wanted, names)
    splits = {
        split: [_example(row, wanted) for row in of_split]
        for split, of_split in rows.items()
    }
    folder = found.folder or place
    ignored = {n: c for n, c in sorted(_counted(rows).items()) if n not in wanted}
    return Dataset(folder, form, wanted, splits, tuple(problems), ignored)


def detect(place: Path) -> str:
    """Name of the format of `place`, a key of `FORMATS`.

    Raises:
        errors.DataError: there is no such place, or it is of no known format.
    """
    if not place.exists():
        raise errors.DataError(f"{place}: expected a folder with labelled photographs.")
    for name, module in FORMATS.items():
        if module.matches(place):
            return name
    if refusal := table.refusal(place):
        raise refusal
    known = "; ".join(f"{name}: {m.EXPECTED}" for name, m in FORMATS.items())
    raise errors.DataError(
        f"{place}: holds no data set in a known format. Expected one of: {known}."
    )


def _usable(found: Reading, merge) -> tuple[dict[str, list[Annotation]], list[Problem]]:
    """Annotations with mended boxes and merged names; each photograph mended once."""
    new_name = {old: new for new, olds in merge.items() for old in olds}
    mended: dict[int, Annotation | None] = {}
    problems = list(found.problems)
    for row in (row for rows in found.splits.values() for row in rows):
        if id(row) not in mended:
            better, of_row = mending.upright(row)
            problems += of_row
            if nothing := mending.nothing_left(row, better):
                problems.append(nothing)
            names, labels = (
                [new_name.get(name, name) for name in given]
                for given in (better.names, better.labels)
            )
            renamed = replace(better, names=names, labels=labels)
            mended[id(row)] = None if nothing else renamed
    splits = {
        split: [mended[id(row)] for row in rows if mended[id(row)]]
        for split, rows in found.splits.items()
    }
    return splits, problems


def _occurring(rows, order: Sequence[str], merge) -> list[str]:
    """Names that occur, in the data's own order where it has one."""
    names = _counted(rows)
    new_name = {old: new for new, olds in merge.items() for old in olds}
    ordered = dict.fromkeys(new_name.get(name, name) for name in order)
    return [n for n in ordered if n in names] + sorted(set(names) - set(ordered))


def _counted(rows) -> Counter:
    """How often each name occurs; what two splits say alike of a photograph, once."""
    each_once = {
        (row.path, *row.names, None, *row.labels): (*row.names, *row.labels)
        for of_split in rows.values()
        for row in of_split
    }
    return Counter(name for names in each_once.values() for name in names)


def _why_empty(annotations, problems) -> str:
    if problems:
        return (
            f"none of {len(problems)} annotations can be used. The first: {problems[0]}"
        )
    if not any(annotations.values()):
        return "its lists of photographs are empty."
    return "no photograph has a box or a label; there is nothing to learn."


def _written(found: Reading) -> list[str]:
    """Names as they stand in the data, before some are merged."""
    rows = (row for of_split in found.splits.values() for row in of_split)
    return sorted({name for row in rows for name in (*row.names, *row.labels)})


def _check_names(place, setting: str, asked: Sequence[str], found: Sequence[str]):
    missing = [name for name in asked if name not in found]
    if missing:
        raise errors.DataError(
            f"{place}: no box or label is named {', '.join(missing)} ({setting}). "
            f"Names found: {', '.join(found)}."
        )


def _check_wanted(place, wanted: Sequence[str], found: Sequence[str]):
    if not wanted:
        raise errors.DataError(
            f"{place}: data.ignore_classes leaves none of the classes: "
            f"{', '.join(found)}. Expected at least one to learn."
        )
    for name in wanted:
        if name.lower() == BACKGROUND:
            raise errors.DataError(
                f"{place}: a class is named {name!r}, as midlevel names what no box "
                f"holds. If it means that, add --set data.ignore_classes=[{name}]; "
                f"if not, rename it: --set 'data.merge={{scenery: [{name}]}}'."
            )


def _example(row: Annotation, classes: tuple[str, ...]) -> Example:
    keep = np.array([name in classes for name in row.names], bool)
    ids, labels = (
        [classes.index(name) + 1 for name in names if name in classes]
        for names in (row.names, dict.fromkeys(row.labels))
    )
    return Example(
        row.path,
        row.size_wh,
        np.asarray(row.boxes, np.float32).reshape(-1, 4)[keep],
        np.array(ids, np.int16),
        np.array(row.difficult, bool)[keep],
        np.array(labels, np.int16),
        np.array(row.lines, int)[keep] if len(row.lines) else np.array([], int),
        row.source or row.path,
        row.relative,
    )
