"""A data set as the rest of midlevel knows it, whatever its format."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from midlevel import errors
from midlevel.datasets.annotation import Problem


@dataclass(frozen=True)
class Example:
    """One photograph with its boxes.

    Attributes:
        path: the photograph.
        size_wh: its size in pixels, as the annotation states it, or None; once the
            boxes are fitted to the photograph, what it really is.
        boxes: float32 `(n, 4)`.
        classes: int16 `(n,)`, ids into `(background, *Dataset.classes)`: from 1.
        difficult: bool `(n,)`.
        unboxed: int16 `(m,)`, ids of classes that the photograph shows without a box.
        lines: int `(n,)` or empty, the line of each box in `source`.
        source: the file that holds the boxes.
        relative: `boxes` are shares of the photograph's sides; `mending.fit` makes
            them pixels.
        not_said: int16, ids of classes of which nobody says whether it shows them.
        partly_boxed: int16, ids of classes of which only some objects have a box.
    """

    path: Path
    size_wh: tuple[int, int] | None
    boxes: np.ndarray
    classes: np.ndarray
    difficult: np.ndarray
    unboxed: np.ndarray
    lines: np.ndarray
    source: Path
    relative: bool = False
    not_said: np.ndarray = field(default_factory=lambda: np.array([], np.int16))
    partly_boxed: np.ndarray = field(default_factory=lambda: np.array([], np.int16))

    def targets(self, count: int) -> np.ndarray:
        """For each of `count` classes 1 present, 0 absent, -1 neither; int8.

        Neither: not said, or present in difficult objects alone.
        """
        result = np.zeros(count, np.int8)
        result[self.not_said - 1] = -1
        result[self.classes[self.difficult] - 1] = -1
        result[self.classes[~self.difficult] - 1] = 1
        result[self.unboxed - 1] = 1
        return result

    def shows(self, count: int) -> np.ndarray:
        """Which of `count` classes have an object, also a difficult one; bool."""
        result = np.zeros(count, bool)
        result[np.concatenate([self.classes, self.unboxed]) - 1] = True
        return result

    @property
    def is_bare(self) -> bool:
        """Whether it is known to show none of the classes."""
        return not (len(self.boxes) or len(self.unboxed) or len(self.not_said))

    def renumbered(self, new_ids: np.ndarray) -> "Example":
        """The same with new class ids, by the old ones; without those that are 0."""
        keep = new_ids[self.classes] > 0
        unboxed, not_said, partly_boxed = (
            found[found > 0]
            for found in map(
                new_ids.__getitem__, (self.unboxed, self.not_said, self.partly_boxed)
            )
        )
        return replace(
            self,
            boxes=self.boxes[keep],
            classes=new_ids[self.classes[keep]],
            difficult=self.difficult[keep],
            lines=self.lines[keep] if len(self.lines) else self.lines,
            unboxed=unboxed,
            not_said=not_said,
            partly_boxed=partly_boxed,
        )

    def with_boxes(self, boxes: np.ndarray, keep: np.ndarray) -> "Example":
        """The same with other boxes, in pixels; those that `keep` says."""
        lines = self.lines[keep] if len(self.lines) else self.lines
        return replace(
            self,
            boxes=boxes[keep],
            classes=self.classes[keep],
            difficult=self.difficult[keep],
            lines=lines,
            relative=False,
        )


def count_shown(examples: Iterable[Example], count: int) -> np.ndarray:
    """How many of the examples show each of `count` classes, int `(count,)`."""
    shown = (example.targets(count) == 1 for example in examples)
    return sum(shown, np.zeros(count, int))


def count_not_said(examples: Iterable[Example], count: int) -> np.ndarray:
    """Of how many of the examples nothing is said of each class, int `(count,)`."""
    ids = (example.not_said for example in examples)
    every = np.concatenate([np.array([], np.int16), *ids])
    return np.bincount(every, minlength=count + 1)[1:]


@dataclass(frozen=True)
class Dataset:
    """Examples by split.

    Attributes:
        folder: where it was read from; paths are told relative to it.
        format: name of the format it was found to have.
        classes: class names without background, in the order of the class ids.
        splits: examples of each split, in the data's own order.
        problems: what could not be used, or only in part.
        ignored: boxes of classes that were not asked for, by class name.
    """

    folder: Path
    format: str
    classes: tuple[str, ...]
    splits: dict[str, list[Example]]
    problems: tuple[Problem, ...] = ()
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

    def only(self, classes: Sequence[str]) -> "Dataset":
        """The same of some classes; objects of others are background, and counted."""
        new_ids = np.zeros(len(self.classes) + 1, np.int16)
        for i, name in enumerate(classes, 1):
            new_ids[self.classes.index(name) + 1] = i
        splits = {
            split: [row.renumbered(new_ids) for row in rows]
            for split, rows in self.splits.items()
        }
        each_once = {row.path: row for rows in self.splits.values() for row in rows}
        shown = [row.classes for row in each_once.values()]
        shown += [row.unboxed for row in each_once.values()]
        counts = np.bincount(np.concatenate(shown), minlength=len(new_ids)).tolist()
        named = zip(self.classes, counts[1:], strict=True)
        others = {name: n for name, n in named if name not in classes}
        ignored = dict(sorted({**self.ignored, **others}.items()))
        return replace(self, classes=tuple(classes), splits=splits, ignored=ignored)

    def file(self, example: Example) -> str:
        """An example's photograph relative to the folder, with forward slashes."""
        return example.path.relative_to(self.folder).as_posix()
