"""CSV: a row for each box, or for each photograph with its labels.

With a header, the columns may have any order and the usual names, see
`table_layout.COLUMNS`; without one they are `path,xmin,ymin,xmax,ymax,label` or
`path,label`. Boxes are half-open pixels. Where no box is given, the label says what the
whole photograph shows; several are repeated rows or separated by `;`, `|` or, within
quotation marks, commas. Where no label is given either, it shows background. Columns of
0 and 1 named for the classes serve instead of a label; of an empty cell's class nothing
is said. Open Images' tables are read too, see `open_images`.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from midlevel import errors
from midlevel.datasets import paths
from midlevel.datasets.annotation import Annotation, Problem, Reading
from midlevel.datasets.formats import open_images, table_cells, values
from midlevel.datasets.formats.draft import Draft, finish
from midlevel.datasets.formats.table_file import File
from midlevel.datasets.formats.table_layout import Layout
from midlevel.images.names import is_image_name

EXPECTED = "train.csv with path,xmin,ymin,xmax,ymax,label or path,label"
FILES = ("*.csv", "*/_*.csv")  # the second are Roboflow's
OTHERS = ("classes", "class", "class_list")  # names and ids: no photographs
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
    words = _words(files) if len(files) > 1 else set()
    for split, paths_of in _by_split(files).items():
        table = _Table(folder, split, words)
        for path in paths_of:
            table.read(path)
        for name, found in table.drafts.items():
            rows, refused = finish(found.values())
            splits.setdefault(name, []).extend(rows)
            table.problems += refused
        problems += table.problems
    return Reading(splits, problems, folder=folder, columns=_columns(files))


def _by_split(files: list[Path]) -> dict[str, list[Path]]:
    """The files of each split, one, or one of boxes and one of verified labels."""
    layouts = {path: Layout.of(path, _head(path)) for path in files}
    of_labels = [p for p, one in layouts.items() if one.is_open_images and not one.box]
    tables = [path for path in files if path not in of_labels]
    return open_images.by_split(tables, of_labels)


def _words(files: list[Path]) -> set[str]:
    """The words in the columns of classes of all files, before one is understood."""
    found: set[str] = set()
    for path in files:
        layout = Layout.of(path, _head(path))
        if layout.flags:
            rows = [row for _, row in _rows(paths.text(path)) if isinstance(row, list)]
            found |= table_cells.words(layout.flagged(rows[1:]))
    return found


def _columns(files: list[Path]) -> tuple[str, ...]:
    """Names of the columns of classes of all files."""
    layouts = (Layout.of(path, _head(path)) for path in files)
    return tuple(dict.fromkeys(n for one in layouts for n in one.flags.values()))


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
        good = [row for row in rows[1:] if len(row) == layout.count]
        columns = [[row[i] for row in good] for i in layout.flags]
        return "label" in layout.columns or table_cells.are_flags(columns)
    return is_image_name(Path(layout.cell(rows[0], "path")))


def _head(path: Path) -> list[list[str]]:
    """The first rows of a file, as far as they can be read."""
    with path.open("rb") as file:
        data = file.read(HEAD)
    text = data.decode(paths.encoding(data), "replace")
    return [row for _, row in _rows(text) if isinstance(row, list)]


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


class _Table:
    """The photographs of a split's files, row by row.

    Attributes:
        drafts: by split, then by photograph.
        problems: rows of which nothing can be used.
    """

    def __init__(self, folder: Path, split: str, words: set[str]):
        self.folder, self.split, self._words = folder, split, words
        self.drafts: dict[str, dict[Path, Draft]] = {}
        self.problems: list[Problem] = []
        self._stated: dict[tuple[str, str], Draft | None] = {}

    def read(self, path: Path) -> None:
        """Take the rows of a file.

        Raises:
            errors.DataError: it cannot be read.
        """
        rows = list(_rows(paths.text(path)))
        good = [row for _, row in rows if isinstance(row, list)]
        layout = Layout.of(path, good)
        if layout.has_header:
            rows = [pair for pair in rows if pair[1] is not good[0]]
            good = good[1:]
        _refuse_json(path, layout, good)
        file = File(path, self.folder, layout, good, self._words)
        if file.flags.guess:
            text = f"no cell says 0; {file.flags.guess} taken for it"
            self.problems.append(Problem(path, "annotation", text, "kept"))
        for line, row in rows:
            self._take(file, line, row)
        if file.is_partial:
            for of_split in self.drafts.values():
                for draft in of_split.values():
                    file.open(draft)

    def _take(self, file: File, line: int, row: list[str] | str) -> None:
        """Take a row, or say why not."""
        kind = "annotation"
        try:
            cells = _cells(row, file.layout)
            told = file.layout.cell(cells, "split").lower()
            split = paths.SPLITS.get(told, told) or self.split
            key = split, file.layout.cell(cells, "path")
            if key not in self._stated:
                self._stated[key], kind = None, "photograph"
                found = file.draft(*key, cells)
                of_split = self.drafts.setdefault(split, {})
                self._stated[key] = of_split.setdefault(found.path, found)
            if draft := self._stated[key]:
                file.add(draft, cells, line)
        except errors.DataError as error:
            self.problems.append(Problem(file.path, kind, str(error), "left out", line))


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
