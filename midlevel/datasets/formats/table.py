"""CSV: a row for each box, or for each photograph with its labels.

With a header, the columns may have any order and the usual names (`COLUMNS`); without
one they are `path,xmin,ymin,xmax,ymax,label` or `path,label`. Boxes are half-open
pixels. Where no box is given, the label says what the whole photograph shows; several
are repeated rows or separated by `;`, `|` or, within quotation marks, commas. Where no
label is given either, it shows background. Columns of 0 and 1 named for the classes
serve instead of a label.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from midlevel import errors
from midlevel.datasets import paths
from midlevel.datasets.annotation import Annotation, Problem, Reading
from midlevel.datasets.formats import values
from midlevel.datasets.formats.draft import Draft, finish
from midlevel.images import pixels

EXPECTED = "train.csv with path,xmin,ymin,xmax,ymax,label or path,label"
FILES = ("*.csv", "*/_*.csv")  # the second are Roboflow's
OTHERS = ("classes", "class", "class_list")  # names and ids: no photographs
CORNERS = ("xmin", "ymin", "xmax", "ymax")
COLUMNS = {  # what a column may be named
    "path": (
        *("path", "file", "filename", "file_name", "filepath", "file_path", "img"),
        *("image", "image_path", "image_name", "photograph", "photo"),
    ),
    "xmin": ("xmin", "x_min", "x1", "left", "x"),
    "ymin": ("ymin", "y_min", "y1", "top", "y"),
    "xmax": ("xmax", "x_max", "x2", "right"),
    "ymax": ("ymax", "y_max", "y2", "bottom"),
    "label": (
        *("label", "labels", "class", "classes", "class_name", "name", "names"),
        *("category", "categories", "tag", "tags"),
    ),
    "split": ("split", "set", "subset", "partition"),
    "width": ("width", "image_width"),
    "height": ("height", "image_height"),
}
BARE = (("path", *CORNERS, "label"), ("path", "label"))  # without a header
SEPARATORS = re.compile("[;|,]")
FLAGS = {"0": False, "0.0": False, "": False, "1": True, "1.0": True}
HEAD = 1 << 16  # bytes that hold the first two rows


@dataclass(frozen=True)
class Layout:
    """Which column is what.

    Attributes:
        columns: index by key of `COLUMNS`.
        flags: class name by index of its column of 0 and 1.
        count: cells in a row.
        has_header: the first row names the columns.
    """

    columns: dict[str, int]
    flags: dict[int, str]
    count: int
    has_header: bool

    def cell(self, row: list[str], key: str) -> str:
        """What a row says in a column; nothing where there is no such column."""
        return row[self.columns[key]] if key in self.columns else ""


def matches(place: Path) -> bool:
    """Whether `place` is a CSV file or a folder with one of photographs."""
    return bool(_files(place))


def read(place: Path) -> Reading:
    """Annotations by split, and each row that cannot be used.

    A column that tells the split comes before the name of the file.

    Raises:
        errors.DataError: there is no such file, or its columns are not known.
    """
    folder, files = paths.root_of(place), _files(place)
    if not files:
        raise errors.DataError(f"{place}: holds no CSV file. Expected {EXPECTED}.")
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
        with path.open("rb") as file:
            head = file.read(HEAD).decode("utf-8-sig", "replace")
        rows = [row for _, row in _rows(head) if isinstance(row, list)]
        layout = _layout(path, rows)
    except (OSError, errors.DataError):
        return False
    if layout.has_header:
        return "label" in layout.columns or _are_flags(layout, rows[1:2])
    return pixels.is_named(Path(layout.cell(rows[0], "path")))


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


def _layout(path: Path, rows: list[list[str]]) -> Layout:
    """What the columns are, from the first row."""
    first = rows[0] if rows else []
    key_of = {name: key for key, names in COLUMNS.items() for name in names}
    keys = [key_of.get(re.sub(r"[\s-]+", "_", cell.lower())) for cell in first]
    if "path" not in keys:
        for bare in BARE:
            if len(first) == len(bare):
                return Layout({k: i for i, k in enumerate(bare)}, {}, len(bare), False)
    columns = {key: keys.index(key) for key in dict.fromkeys(keys) if key}
    flags = {i: first[i] for i, key in enumerate(keys) if key is None and first[i]}
    corners = sum(key in columns for key in CORNERS)
    good = "path" in columns and ("label" in columns or (flags and not corners))
    if not good or corners not in (0, 4):
        raise errors.DataError(
            f"{path}: its columns are not known. Expected a header with path, label "
            "and, for boxes, xmin, ymin, xmax, ymax. Received: "
            f"{values.shown(', '.join(first))}."
        )
    return Layout(columns, {} if "label" in columns else flags, len(first), True)


def _read_file(
    path: Path, folder: Path, split: str
) -> tuple[dict[str, list[Annotation]], list[Problem]]:
    """Annotations of a file by split; `split` where no column tells it."""
    rows = list(_rows(paths.text(path)))
    good = [row for _, row in rows if isinstance(row, list)]
    layout = _layout(path, good)
    if layout.has_header:
        rows = [pair for pair in rows if pair[1] is not good[0]]
    others = (folder, folder / "images", path.parent / "images")
    stated: dict[tuple[str, str], Draft | None] = {}
    drafts: dict[str, dict[Path, Draft]] = {}
    problems = []
    for line, row in rows:
        kind = "annotation"
        try:
            cells = _cells(row, layout)
            told = layout.cell(cells, "split").lower()
            key = paths.SPLITS.get(told, told) or split, layout.cell(cells, "path")
            if key not in stated:
                stated[key], kind = None, "photograph"
                file = paths.photograph(folder, key[1], path.parent, others)
                draft = Draft(file, path, _size(cells, layout))
                stated[key] = drafts.setdefault(key[0], {}).setdefault(file, draft)
            if stated[key]:
                _add(stated[key], cells, layout, line)
        except errors.DataError as error:
            problems.append(Problem(path, kind, str(error), "left out", line))
    finished = {s: finish(found.values()) for s, found in drafts.items()}
    problems += [problem for _, refused in finished.values() for problem in refused]
    return {split: found for split, (found, _) in finished.items()}, problems


def _cells(row: list[str] | str, layout: Layout) -> list[str]:
    """The cells of a row, as many as there are columns."""
    if isinstance(row, str):
        raise errors.DataError(row)
    if len(row) < layout.count or any(row[layout.count :]):
        raise errors.DataError(f"expected {layout.count} cells. Received: {len(row)}")
    if not layout.cell(row, "path"):
        raise errors.DataError("names no photograph")
    return row


def _add(draft: Draft, row: list[str], layout: Layout, line: int):
    """Take what a row says of its photograph, or say why not."""
    corners = [layout.cell(row, key) for key in CORNERS]
    label = layout.cell(row, "label")
    try:
        if not any(corners):
            draft.labels += _labels(row, layout)
        elif not label:
            raise errors.DataError("has a box, and no label")
        else:
            xmin, ymin, xmax, ymax = map(values.number, corners)
            draft.add((xmin, ymin, xmax, ymax), label, line)
    except errors.DataError as error:
        draft.refuse("annotation", str(error), line)


def _labels(row: list[str], layout: Layout) -> list[str]:
    """What the whole photograph shows."""
    for i, name in layout.flags.items():
        if row[i] not in FLAGS:
            raise errors.DataError(f"{name}: expected 0 or 1. Received: {row[i]!r}")
    flagged = [name for i, name in layout.flags.items() if FLAGS[row[i]]]
    stated = [name.strip() for name in SEPARATORS.split(layout.cell(row, "label"))]
    return flagged + [name for name in stated if name]


def _size(row: list[str], layout: Layout) -> tuple[int, int] | None:
    return values.size(layout.cell(row, "width"), layout.cell(row, "height"))
