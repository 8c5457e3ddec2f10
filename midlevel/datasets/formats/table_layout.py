"""Which column of a CSV file is what, by its header or by its first row."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from midlevel import errors
from midlevel.datasets.formats import open_images, values
from midlevel.images.names import is_image_name

CORNERS = ("xmin", "ymin", "xmax", "ymax")
SIDES = ("xmin", "ymin", "width", "height")  # the first corner, and how large
MIDDLE = ("xmiddle", "ymiddle", "width", "height")
BOX = re.compile(  # in names of columns that say where, in ways not known here
    "box|polygon|segment|mask|rle|encoded|points|coord|region|geometry|annotations?$"
)
PARTS = re.compile(  # of names of columns that may each be a part of a box
    r"(^|_)[xy]\d*(_|$)|min|max|start|end|width|height|left|right|top|bottom"
)
COLUMNS = {  # what a column may be named, the likeliest first
    "path": (
        *("path", "file", "filename", "file_name", "filepath", "file_path", "img"),
        *("image", "image_path", "image_name", "photograph", "photo", "image_file"),
        *("image_id", "imageid", "img_id", "id"),
    ),
    "xmin": (
        "xmin",
        "x_min",
        "x1",
        "left",
        "x",
        "bbox_x",
        "box_x",
        "xtl",
        "min_x",
        "minx",
    ),
    "ymin": (
        "ymin",
        "y_min",
        "y1",
        "top",
        "y",
        "bbox_y",
        "box_y",
        "ytl",
        "min_y",
        "miny",
    ),
    "xmax": ("xmax", "x_max", "x2", "right", "xbr", "max_x", "maxx"),
    "ymax": ("ymax", "y_max", "y2", "bottom", "ybr", "max_y", "maxy"),
    "xmiddle": ("x_center", "x_centre", "xcenter", "center_x", "xc", "cx"),
    "ymiddle": ("y_center", "y_centre", "ycenter", "center_y", "yc", "cy"),
    "label": (
        *("label", "labels", "label_name", "labelname", "class", "classes"),
        *("class_name", "classname", "name", "names", "category", "categories"),
        *("category_name", "tag", "tags"),
    ),
    "split": ("split", "set", "subset", "partition"),
    "width": ("width", "w", "bbox_width", "bbox_w", "box_width", "box_w"),
    "height": ("height", "h", "bbox_height", "bbox_h", "box_height", "box_h"),
    "confidence": ("confidence",),
    "group": ("isgroupof",),
    "image_width": ("image_width", "img_width", "original_width"),
    "image_height": ("image_height", "img_height", "original_height"),
}
KEYS = {name: key for key, names in COLUMNS.items() for name in names}
BARE = (("path", *CORNERS, "label"), ("path", "label"))  # without a header
LEAST = 3  # such columns, of which two might be classes
WANTED = (
    "Expected a header with path, label and, for boxes, xmin, ymin, xmax, ymax or x, "
    "y, width, height"
)
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Layout:
    """Which column is what.

    Attributes:
        columns: index by key of `COLUMNS`.
        count: cells in a row.
        box: keys of the four columns that say where; none where nothing does.
        flags: class name by index of its column of 0 and 1.
        has_header: the first row names the columns.
        is_open_images: it is one of Open Images' tables, see `open_images`.
    """

    columns: dict[str, int]
    count: int
    box: tuple[str, ...] = ()
    flags: dict[int, str] = field(default_factory=dict)
    has_header: bool = True
    is_open_images: bool = False

    @classmethod
    def of(cls, path: Path, rows: Sequence[list[str]]) -> "Layout":
        """What the columns of a file are, by its first row.

        Raises:
            errors.DataError: it is neither a header that is known nor a row.
        """
        first = rows[0] if rows else []
        return cls.of_bare(first) or cls.of_header(path, first)

    @classmethod
    def of_bare(cls, first: list[str]) -> "Layout | None":
        """The columns where there is no header, None if there seems to be one.

        A row names a photograph; of one with a box, four cells are numbers or empty.
        """
        for bare in BARE:
            if len(first) == len(bare) and _is_row(first):
                columns = {key: i for i, key in enumerate(bare)}
                box = CORNERS if "xmin" in columns else ()
                return cls(columns, len(bare), box, has_header=False)
        return None

    @classmethod
    def of_header(cls, path: Path, names: list[str]) -> "Layout":
        """The columns that a header names.

        Raises:
            errors.DataError: they are not known, or one may be what another is too.
        """
        keys = [KEYS.get(_plain(name)) for name in names]
        found = {key: _places(key, keys, names) for key in dict.fromkeys(keys) if key}
        columns = {key: places[0] for key, places in found.items()}
        box, is_known = _box(columns)
        others = [i for i, key in enumerate(keys) if key is None and names[i]]
        unknown = [names[i].lower() for i in others]
        is_apart = any(map(BOX.search, unknown))
        is_apart = is_apart or sum(map(bool, map(PARTS.search, unknown))) >= LEAST
        flags = {} if "label" in columns or box else {i: names[i] for i in others}
        has_label = "label" in columns or flags
        if (
            "path" not in columns
            or not has_label
            or not is_known
            or (is_apart and not box)
        ):
            raise errors.DataError(
                f"{path}: its columns are not known. {WANTED}. Received: "
                f"{values.shown(', '.join(names))}."
            )
        for key in ("label", *box):
            if len(found.get(key, ())) > 1:
                both = ", ".join(names[i] for i in found[key])
                raise errors.DataError(
                    f"{path}: more than one column may be the {key}: {both}. Keep one, "
                    "or name the others otherwise."
                )
        is_open_images = open_images.is_header(names)
        return cls(columns, len(names), box, flags, is_open_images=is_open_images)

    def cell(self, row: list[str], key: str) -> str:
        """What a row says in a column; nothing where there is no such column."""
        return row[self.columns[key]] if key in self.columns else ""

    def flagged(self, rows: Iterable[list[str]]) -> list[str]:
        """The cells in the columns of classes, of rows that are long enough."""
        whole = [row for row in rows if len(row) >= self.count]
        return [row[i] for row in whole for i in self.flags]

    def corners(self, row: list[str]) -> Box | None:
        """The box of a row, None where it gives none.

        Raises:
            errors.DataError: a number is missing or none.
        """
        cells = [self.cell(row, key) for key in self.box]
        if not any(cells):
            return None
        first, second, third, fourth = map(values.number, cells)
        if self.box == SIDES:
            return first, second, first + third, second + fourth
        if self.box == MIDDLE:
            x, y = third / 2, fourth / 2
            return first - x, second - y, first + x, second + y
        return first, second, third, fourth

    def size_wh(self, row: list[str]) -> tuple[int, int] | None:
        """The photograph's size as a row states it."""
        for keys in (("image_width", "image_height"), ("width", "height")):
            if keys[0] in self.columns and keys[0] not in self.box:
                return values.size(*(self.cell(row, key) for key in keys))
        return None


def _plain(name: str) -> str:
    """A column's name as `COLUMNS` has it."""
    return re.sub(r"[\s-]+", "_", name.lower())


def _places(key: str, keys: Sequence[str | None], names: Sequence[str]) -> list[int]:
    """Columns that may be one thing; of photographs' names the likeliest comes first.

    A number for a photograph (`image_id`) may stand beside its name.
    """
    found = [i for i, other in enumerate(keys) if other == key]
    if key != "path":
        return found
    order = COLUMNS["path"]
    return sorted(found, key=lambda i: order.index(_plain(names[i])))


def _box(columns: dict[str, int]) -> tuple[tuple[str, ...], bool]:
    """The columns that say where, and whether those that are there make a box."""
    for keys in (CORNERS, SIDES, MIDDLE):
        if all(key in columns for key in keys):
            rest = {*CORNERS, "xmiddle", "ymiddle"} - {*keys}
            return keys, not any(key in columns for key in rest)
    parts = (*CORNERS, "xmiddle", "ymiddle")
    return (), not any(key in columns for key in parts)


def _is_row(cells: list[str]) -> bool:
    if any(_plain(cell) in COLUMNS["path"] for cell in cells):
        return False
    if is_image_name(Path(cells[0])):
        return True
    return len(cells) == len(BARE[0]) and all(map(_is_number, cells[1:5]))


def _is_number(cell: str) -> bool:
    try:
        values.number(cell)
    except errors.DataError:
        return False
    return True
