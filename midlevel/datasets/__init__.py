"""Boxed photographs on disk, whatever the format: `read(folder)` gives a `Dataset`.

Each format is one module with two functions, named in `FORMATS`: `matches(folder)`
says whether a folder is of that format, `read(folder)` reads it into annotations with
class names. What is common to all formats (class ids, splits) is done here.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from midlevel import errors
from midlevel.datasets import voc
from midlevel.datasets.annotation import Annotation

FORMATS = {"voc": voc}


@dataclass(frozen=True)
class Example:
    """One photograph with its boxes.

    Attributes:
        path: the photograph.
        size_wh: its size as the annotation states it, in pixels, or None.
        boxes: float32 `(n, 4)`.
        classes: int16 `(n,)`, ids into `(background, *Dataset.classes)`: from 1.
        difficult: bool `(n,)`.
    """

    path: Path
    size_wh: tuple[int, int] | None
    boxes: np.ndarray
    classes: np.ndarray
    difficult: np.ndarray

    def targets(self, count: int) -> np.ndarray:
        """For each of `count` classes 1 present, 0 absent, -1 only difficult; int8."""
        result = np.zeros(count, np.int8)
        result[self.classes[self.difficult] - 1] = -1
        result[self.classes[~self.difficult] - 1] = 1
        return result


@dataclass(frozen=True)
class Dataset:
    """Examples by split.

    Attributes:
        folder: where it was read from.
        format: name of the format it was found to have.
        classes: class names without background, in the order of the class ids.
        splits: examples of each split, in the data's own order.
        problems: a line for each file that could not be used, naming it.
        ignored: boxes of classes that were not asked for, by class name.
    """

    folder: Path
    format: str
    classes: tuple[str, ...]
    splits: dict[str, list[Example]]
    problems: tuple[str, ...] = ()
    ignored: dict[str, int] = field(default_factory=dict)

    def split(self, name: str) -> list[Example]:
        """The examples of a split.

        Raises:
            errors.DataError: there is no such split, or it is empty.
        """
        if self.splits.get(name):
            return self.splits[name]
        known = ", ".join(f"{key} ({len(rows)})" for key, rows in self.splits.items())
        raise errors.DataError(
            f"{self.folder}: has no photographs in a split named {name!r}; it has: "
            f"{known or 'none'}. Name another with --split or data.train, data.val."
        )


def read(
    folder: str | Path, classes: Sequence[str] | None = None, must_occur: bool = True
) -> Dataset:
    """Read a data set; the format is found from what the folder holds.

    Args:
        classes: the names to keep, in this order; by default all, sorted.
        must_occur: refuse a name in `classes` that no box bears.

    Raises:
        errors.DataError: no such folder, no known format, nothing usable in it, or a
            name that does not occur.
    """
    folder = Path(folder)
    name = detect(folder)
    annotations, problems = FORMATS[name].read(folder)
    found = sorted({n for rows in annotations.values() for r in rows for n in r.names})
    if not found:
        raise errors.DataError(f"{folder}: {_why_empty(annotations, problems)}")
    if must_occur:
        _check_classes(folder, classes or (), found)
    classes = tuple(classes or found)
    splits = {
        split: [_example(row, classes) for row in rows]
        for split, rows in annotations.items()
    }
    each_once = {row.path: row for rows in annotations.values() for row in rows}
    names = Counter(n for row in each_once.values() for n in row.names)
    ignored = {n: count for n, count in sorted(names.items()) if n not in classes}
    return Dataset(folder, name, classes, splits, tuple(problems), ignored)


def detect(folder: Path) -> str:
    """Name of the format of `folder`, a key of `FORMATS`.

    Raises:
        errors.DataError: it is no folder, or of no known format.
    """
    if not folder.is_dir():
        raise errors.DataError(f"{folder}: expected a folder with boxed photographs.")
    for name, module in FORMATS.items():
        if module.matches(folder):
            return name
    raise errors.DataError(
        f"{folder}: holds no data set in a known format. Expected VOC: "
        "Annotations/*.xml and JPEGImages/, or XML files beside the photographs."
    )


def hold_out(dataset: Dataset, train: str, val: str, fraction: float, seed: int):
    """`dataset` with a seeded random `fraction` of split `train` moved to `val`."""
    rows = dataset.split(train)
    count = min(max(1, round(len(rows) * fraction)), len(rows) - 1)
    if count < 1:
        raise errors.DataError(
            f"{dataset.folder}: {len(rows)} photographs are too few to keep some for "
            "validation. Expected at least 2."
        )
    chosen = set(np.random.default_rng(seed).permutation(len(rows))[:count].tolist())
    splits = dict(dataset.splits)
    splits[train] = [row for i, row in enumerate(rows) if i not in chosen]
    splits[val] = [row for i, row in enumerate(rows) if i in chosen]
    return replace(dataset, splits=splits)


def pick(dataset: Dataset, files: dict[str, list[str]]) -> Dataset:
    """`dataset` with splits of the named files, relative to its folder."""
    by_file = {
        example.path.relative_to(dataset.folder).as_posix(): example
        for examples in dataset.splits.values()
        for example in examples
    }
    splits = {
        split: [by_file[name] for name in names if name in by_file]
        for split, names in files.items()
    }
    return replace(dataset, splits={**dataset.splits, **splits})


def _why_empty(annotations, problems) -> str:
    if problems:
        return (
            f"none of {len(problems)} annotations can be used. The first: {problems[0]}"
        )
    if not any(annotations.values()):
        return "its lists of photographs are empty."
    return "no photograph has a box; there is nothing to learn."


def _check_classes(folder, classes, found):
    missing = [name for name in classes if name not in found]
    if missing:
        raise errors.DataError(
            f"{folder}: no box is named {', '.join(missing)} (data.classes). "
            f"Names found: {', '.join(found)}."
        )


def _example(row: Annotation, classes: tuple[str, ...]) -> Example:
    keep = np.array([name in classes for name in row.names], bool)
    ids = [classes.index(name) + 1 for name in row.names if name in classes]
    return Example(
        row.path,
        row.size_wh,
        np.asarray(row.boxes, np.float32).reshape(-1, 4)[keep],
        np.array(ids, np.int16),
        np.array(row.difficult, bool)[keep],
    )
