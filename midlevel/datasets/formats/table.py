"""CSV: a row for each box, or for each photograph with its labels.

With a header, the columns may have any order and the usual names, see
`table_layout.COLUMNS`; without one they are `path,xmin,ymin,xmax,ymax,label` or
`path,label`. Boxes are half-open pixels. Where no box is given, the label says what the
whole photograph shows; several are repeated rows or separated by `;`, `|` or, within
quotation marks, commas. Where no label is given either, it shows background. Columns of
0 and 1 named for the classes serve instead of a label.
"""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from midlevel import errors
from midlevel.datasets import paths
from midlevel.datasets.annotation import Annotation, Problem, Reading
from midlevel.datasets.formats import values
from midlevel.datasets.formats.draft import Draft, finish
from midlevel.datasets.formats.table_layout import Layout
from midlevel.images.names import is_image_name

EXPECTED = "train.csv with path,xmin,ymin,xmax,ymax,label or path,label"
FILES = ("*.csv", "*/_*.csv")  # the second are Roboflow's
OTHERS = ("classes", "class", "class_list")  # names and ids: no photographs
SEPARATORS = re.compile("[;|,]")
FLAGS = {"0": False, "0.0": False, "": False, "1": True, "1.0": True}
HEAD = 1 << 16  # bytes that hold the first two rows

Rows = list[tuple[int, list[str] | str]]  # first line; cells, or what is wrong


def matches(place: Path) -> bool:
    """Whether `place` is a CSV file or a folder with one of photographs."""
    return bool(_files(place))


def refusal(place: Path) -> errors.DataError | None:
    """Why the first CSV file of a folder is not read, where there is one."""
    for pattern in FILES:
        for path in paths.visible(place, pattern):
            try:
                if path.stem.lower() not in OTHERS:
                    Layout.of(path, _head(path))
            except errors.DataError as error:
                return error
    return None


def read(place: Path) -> Reading:
    """Annotations by split, and each row that cannot be used.

    A column that tells the split comes before the name of the file.

    Raises:
        errors.DataError: there is no such file, or its columns are not known.
    """
    folder, files = paths.root_of(place), _files(place)
    if not files:
        raise refusal(place) or errors.DataError(
            f"{place}: holds no CSV file of photographs. Expected {EXPECTED}."
        )
    splits: dict[str, list[Annotation]] = {}
    problems: list[Problem] = []
    for split, path in paths.by_split(files).items():
        found, of_file = _read_file(path, folder, split)
        for name, rows in found.items():
            splits.setdefault(name, []).extend(rows)
        problems += of_file
    return Reading(splits, problems, folder=folder)


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place] if place.suffix.lower() == ".csv" else []
    for pattern in FILES:
        found = [path for path in paths.visible(place, pattern) if _is_table(path)]
        if found:
            return found
    return []


def _is_table(path: Path) -> bool:
    """Whether a file's first rows are about photographs and what they show."""
    if path.stem.lower() in OTHERS:
        return False
    try:
        rows = _head(path)
        layout = Layout.of(path, rows)
    except (OSError, errors.DataError):
        return False
    if layout.has_header:
        return "label" in layout.columns or _are_flags(layout, rows[1:2])
    return is_image_name(Path(layout.cell(rows[0], "path")))


def _head(path: Path) -> list[list[str]]:
    """The first rows of a file, as far as they can be read."""
    with path.open("rb") as file:
        data = file.read(HEAD)
    text = data.decode(paths.encoding(data), "replace")
    return [row for _, row in _rows(text) if isinstance(row, list)]


def _are_flags(layout: Layout, rows: list[list[str]]) -> bool:
    cells = [row[i] for row in rows if len(row) == layout.count for i in layout.flags]
    return bool(cells) and all(cell in FLAGS for cell in cells)


# === Rows ===


def _rows(text: str) -> Iterator[tuple[int, list[str] | str]]:
    """Number of the first line and cells of each row, or what is wrong with it."""
    first = text.partition("\n")[0]
    delimiter = next((mark for mark in ",;\t" if mark in first), ",")
    file = io.StringIO(text, newline="")
    reader = csv.reader(file, delimiter=delimiter, skipinitialspace=True)
    while True:
        line = reader.line_num + 1
        try:
            row = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            yield line, f"is no row of CSV: {error}"
            continue
        if any("\n" in cell for cell in row):
            yield line, "goes on over several lines; is a quotation mark missing?"
        elif any(row):
            yield line, row


def _read_file(
    path: Path, folder: Path, split: str
) -> tuple[dict[str, list[Annotation]], list[Problem]]:
    """Annotations of a file by split; `split` where no column tells it."""
    rows = list(_rows(paths.text(path)))
    good = [row for _, row in rows if isinstance(row, list)]
    layout = Layout.of(path, good)
    if layout.has_header:
        rows = [pair for pair in rows if pair[1] is not good[0]]
        good = good[1:]
    _refuse_json(path, layout, good)
    table = _Table(path, folder, split, layout)
    for line, row in rows:
        table.take(line, row)
    finished = {s: finish(found.values()) for s, found in table.drafts.items()}
    refused = [problem for _, of_split in finished.values() for problem in of_split]
    return {s: found for s, (found, _) in finished.items()}, table.problems + refused


class _Table:
    """The photographs of a file, row by row.

    Attributes:
        drafts: by split, then by photograph.
        problems: rows of which nothing can be used.
    """

    def __init__(self, path: Path, folder: Path, split: str, layout: Layout):
        self.path, self.folder, self.split, self.layout = path, folder, split, layout
        self.places = (folder, folder / "images", path.parent / "images")
        self.drafts: dict[str, dict[Path, Draft]] = {}
        self.problems: list[Problem] = []
        self._stated: dict[tuple[str, str], Draft | None] = {}

    def take(self, line: int, row: list[str] | str) -> None:
        """Take a row, or say why not."""
        kind = "annotation"
        try:
            cells = _cells(row, self.layout)
            told = self.layout.cell(cells, "split").lower()
            split = paths.SPLITS.get(told, told) or self.split
            key = split, self.layout.cell(cells, "path")
            if key not in self._stated:
                self._stated[key], kind = None, "photograph"
                self._stated[key] = self._draft(*key, cells)
            if draft := self._stated[key]:
                _add(draft, cells, self.layout, line)
        except errors.DataError as error:
            self.problems.append(Problem(self.path, kind, str(error), "left out", line))

    def _draft(self, split: str, stated: str, cells: list[str]) -> Draft:
        here = self.path.parent
        file = paths.photograph(self.folder, stated, here, self.places)
        draft = Draft(file, self.path, self.layout.size_wh(cells))
        return self.drafts.setdefault(split, {}).setdefault(file, draft)


def _refuse_json(path: Path, layout: Layout, rows: list[list[str]]) -> None:
    """Refuse a file whose labels are JSON's objects, as Label Studio writes them."""
    cells = (layout.cell(row, "label") for row in rows if len(row) == layout.count)
    first = next((cell for cell in cells if cell.startswith(("[{", "{"))), None)
    if first:
        raise errors.DataError(
            f"{path}: its labels are JSON, as in Label Studio's CSV, and not read. "
            "Export as COCO, YOLO with images or Pascal VOC. Received: "
            f"{values.shown(first)}."
        )


def _cells(row: list[str] | str, layout: Layout) -> list[str]:
    """The cells of a row, as many as there are columns."""
    if isinstance(row, str):
        raise errors.DataError(row)
    if len(row) < layout.count or any(row[layout.count :]):
        raise errors.DataError(f"expected {layout.count} cells. Received: {len(row)}")
    if not layout.cell(row, "path"):
        raise errors.DataError("names no photograph")
    return row


def _add(draft: Draft, row: list[str], layout: Layout, line: int) -> None:
    """Take what a row says of its photograph, or say why not."""
    label = layout.cell(row, "label")
    try:
        box = layout.corners(row) if label else None
        if box:
            draft.add(box, label, line)
        elif any(layout.cell(row, key) for key in layout.box):
            raise errors.DataError("has a box, and no label")
        else:
            draft.unboxed += _labels(row, layout)
    except errors.DataError as error:
        draft.refuse("annotation", str(error), line)


def _labels(row: list[str], layout: Layout) -> list[str]:
    """What the whole photograph shows."""
    for i, name in layout.flags.items():
        if row[i] not in FLAGS:
            raise errors.DataError(f"{name}: expected 0 or 1. Received: {row[i]!r}")
    flagged = [name for i, name in layout.flags.items() if FLAGS[row[i]]]
    stated = _names(layout.cell(row, "label"))
    return flagged + [name for name in stated if name]


def _names(cell: str) -> list[str]:
    """The labels in a cell; also as a list of JSON's or Python's, `['cat', 'dog']`."""
    if cell.startswith("[") and cell.endswith("]"):
        return [name.strip().strip("'\"") for name in cell[1:-1].split(",")]
    return [name.strip() for name in SEPARATORS.split(cell)]
