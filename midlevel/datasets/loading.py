"""From a place on disk to a `Dataset`, whatever the format: mend, name, select."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from midlevel import errors
from midlevel.datasets import box_units, mending, naming
from midlevel.datasets.annotation import Annotation, Problem, Reading
from midlevel.datasets.dataset import Dataset, Example
from midlevel.datasets.formats import AUTO, FORMATS, detect
from midlevel.datasets.naming import Rows


def read(
    place: str | Path,
    classes: Sequence[str] | None = None,
    must_occur: bool = True,
    *,
    form: str = AUTO,
    ignore: Sequence[str] = (),
    merge: Mapping[str, Sequence[str]] | None = None,
    unit: str = box_units.AUTO,
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
        unit: what boxes count where the format does not say; `auto`, `pixels`, or a key
            of `box_units.WHOLE`.

    Raises:
        errors.DataError: no such place, no known format, nothing usable in it, boxes
            in other units, a name that does not occur, or a class named as the
            background is. Where nothing is usable, `problems` are all that is wrong.
    """
    place, merge = Path(place), merge or {}
    form = detect(place) if form == AUTO else form
    found = FORMATS[form].read(place)
    rows, problems = _mend(found, unit)
    known = {*naming.known(found.splits), *found.classes, *found.columns}
    rows = _rename(rows, merge, known)
    names = naming.occurring(rows, found.classes, merge)
    if not names:
        raise _empty(place, form, rows, problems)
    if must_occur:
        merged = [*naming.new_names(merge)]
        naming.check_occurring(place, "data.classes", classes or (), names)
        naming.check_occurring(place, "data.ignore_classes", ignore, names)
        naming.check_occurring(place, "data.merge", merged, sorted(known))
    wanted = tuple(classes or [name for name in names if name not in ignore])
    naming.check_wanted(place, wanted, names)
    problems += _odd_names(found.folder or place, wanted)
    return _select(found.folder or place, form, rows, wanted, problems)


def _mend(
    found: Reading, unit: str
) -> tuple[dict[str, list[Annotation]], list[Problem]]:
    """Annotations with mended boxes, each mended once; and what was wrong."""
    every = {id(r): r for of_split in found.splits.values() for r in of_split}
    if unit == box_units.AUTO:
        box_units.refuse_others([*every.values()])
    mended: dict[int, Annotation] = {}
    problems = list(found.problems)
    for key, row in every.items():
        odd = box_units.odd(row) if unit == box_units.AUTO else []
        better, of_row = mending.upright(box_units.shares(row, unit))
        nothing = mending.nothing_left(row, better)
        problems += odd or [*of_row, *([nothing] if nothing else [])]
        if not odd and not nothing:
            mended[key] = better
    splits = {
        split: [mended[id(row)] for row in rows if id(row) in mended]
        for split, rows in found.splits.items()
    }
    return splits, problems


def _rename(
    rows: Rows, merge: naming.Merge, known: Collection[str]
) -> dict[str, list[Annotation]]:
    """Annotations with merged names.

    Args:
        known: all names in the data.
    """
    new_name = naming.new_names(merge)
    parts = naming.merged(new_name, known)
    return {
        split: [_renamed(row, new_name, parts) for row in of]
        for split, of in rows.items()
    }


def _renamed(
    row: Annotation, new_name: Mapping[str, str], parts: Mapping[str, set[str]]
) -> Annotation:
    """An annotation with merged names; absent is one whose every part is."""
    names, unboxed, partly_boxed = (
        [new_name.get(name, name) for name in given]
        for given in (row.names, row.unboxed, row.partly_boxed)
    )
    absent = row.absent
    if absent is not None:
        whole = [name for name, old in parts.items() if old.issubset(absent)]
        own = [name for name in absent if name not in new_name and name not in parts]
        absent = own + whole
    return replace(
        row, names=names, unboxed=unboxed, absent=absent, partly_boxed=partly_boxed
    )


def _select(
    folder: Path,
    form: str,
    rows: Rows,
    wanted: tuple[str, ...],
    problems: list[Problem],
) -> Dataset:
    """The data set of some classes; others are counted."""
    splits = {
        split: [_example(row, wanted) for row in of_split]
        for split, of_split in rows.items()
    }
    counts = naming.counted(rows)
    ignored = {name: n for name, n in sorted(counts.items()) if name not in wanted}
    return Dataset(folder, form, wanted, splits, tuple(problems), ignored)


def _odd_names(folder: Path, names: Sequence[str]) -> list[Problem]:
    return [
        Problem(folder, "name", f"class {name!r} looks like {what}", "kept")
        for name, what in naming.odd(names).items()
    ]


def _empty(
    place: Path, form: str, rows: Rows, problems: list[Problem]
) -> errors.DataError:
    """Why there is nothing to learn."""
    bad = list(filter(mending.is_of_annotation, problems))
    if problems:
        first = (bad or problems)[0]
        text = f"none of {len(bad)} annotations can be used. The first: {first}"
        text = text if bad else f"nothing can be used. The first: {first}"
    elif not any(rows.values()):
        text = (
            f"seems to be {form}, but no photograph is listed, or lies where that "
            f"format has them. Expected {FORMATS[form].EXPECTED}."
        )
    else:
        text = "no photograph has a box or a label; there is nothing to learn."
    return errors.DataError(f"{place}: {text}", problems)


def _example(row: Annotation, classes: tuple[str, ...]) -> Example:
    number = {name: i for i, name in enumerate(classes, 1)}
    keep = np.array([name in number for name in row.names], bool)
    ids, labels, not_said, partly_boxed = (
        np.array([number[name] for name in names if name in number], np.int16)
        for names in (
            row.names,
            dict.fromkeys(row.unboxed),
            _not_said(row, number),
            dict.fromkeys(row.partly_boxed),
        )
    )
    return Example(
        row.path,
        row.size_wh,
        np.asarray(row.boxes, np.float32).reshape(-1, 4)[keep],
        ids,
        np.array(row.difficult, bool)[keep],
        labels,
        np.array(row.lines, int)[keep] if len(row.lines) else np.array([], int),
        row.source or row.path,
        row.relative,
        not_said,
        partly_boxed,
    )


def _not_said(row: Annotation, names: Iterable[str]) -> list[str]:
    """Which of the names a photograph is said neither to show nor not to show."""
    if row.absent is None:
        return []
    said = {*row.absent, *row.names, *row.unboxed}
    return [name for name in names if name not in said]
