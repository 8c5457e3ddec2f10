"""What every reader gives: photographs with named boxes, and what is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Annotation:
    """One annotated photograph, before class names become ids.

    Attributes:
        path: the photograph, inside the data's folder.
        size_wh: its size in pixels as annotated, or None.
        boxes: half-open `(xmin, ymin, xmax, ymax)`, as they are written.
        names: class name of each box.
        difficult: whether each box is marked as difficult.
        lines: line of each box in the file that holds it, from 1; or empty.
        unboxed: names of classes that the photograph shows, nobody says where.
        absent: names of classes that it surely does not show; of any other class that
            it does not show, nothing is said. None: it shows no others, as usual.
        partly_boxed: names of classes of which only some objects have a box.
        relative: boxes are in shares of the photograph's sides, not in pixels.
        source: the file that holds the boxes; the photograph itself where none does.
        counts_from: the first pixel's number in `source`; `boxes` count from 0, so
            that their `xmin` and `ymin` are written larger by as much.
    """

    path: Path
    size_wh: tuple[int, int] | None = None
    boxes: Sequence[tuple[float, float, float, float]] = ()
    names: Sequence[str] = ()
    difficult: Sequence[bool] = ()
    lines: Sequence[int] = ()
    unboxed: Sequence[str] = ()
    absent: Sequence[str] | None = None
    partly_boxed: Sequence[str] = ()
    relative: bool = False
    source: Path | None = None
    counts_from: int = 0


@dataclass(frozen=True)
class Problem:
    """Something wrong in the data, and what became of it.

    Attributes:
        file: where it stands.
        kind: a key of `KINDS`.
        text: what is wrong: what was expected, what came.
        fate: a key of `FATES`.
        line: in the file, from 1, where that is known.
    """

    file: Path
    kind: str
    text: str
    fate: str
    line: int | None = None

    def __str__(self) -> str:
        """A line for people.

        >>> str(Problem(Path("a.txt"), "box", "a box of no area", "dropped", 3))
        'a.txt:3: a box of no area: dropped'
        """
        line = "" if self.line is None else f":{self.line}"
        return f"{self.file}{line}: {self.text.rstrip('.')}: {self.fate}"


KINDS = {
    "annotation": "annotations that cannot be read",
    "photograph": "photographs that are missing or cannot be read",
    "box": "boxes that are inverted, empty, outside or there twice",
    "unit": "boxes that are not in pixels",
    "size": "sizes that are not the photograph's",
    "class": "classes that are not named",
    "name": "classes whose names look like something else",
    "untaught": "classes that nothing teaches",
    "unused": "files of labels that no photograph uses",
    "unlabelled": "photographs that no annotation is about",
    "duplicate": "photographs that are there twice, or nearly",
}
FATES = {
    "left out": "the photograph, or what is wrong, is not used",
    "dropped": "the box, or what is wrong, is not used; the photograph is",
    "clipped": "what lies outside the photograph is cut off",
    "scaled": "they are taken for boxes on the size that is stated",
    "swapped": "its corners are exchanged",
    "kept": "it is used as it is",
}


@dataclass(frozen=True)
class Reading:
    """What a format's reader found.

    Attributes:
        splits: annotations by split, in the data's own order.
        problems: what could not be used, or only in part.
        classes: names in the data's own order, where it has one.
        folder: the data's folder, by default the one that was named.
        columns: names of a table's columns of classes, of which some may be empty.
    """

    splits: dict[str, list[Annotation]]
    problems: list[Problem] = field(default_factory=list)
    classes: tuple[str, ...] = ()
    folder: Path | None = None
    columns: tuple[str, ...] = ()
