"""COCO's JSON files: lists of images, annotations and categories.

Boxes are `(x, y, width, height)` in pixels from 0. Crowds (`iscrowd`) are passed over:
their boxes hold many objects.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from midlevel import errors
from midlevel.datasets import paths
from midlevel.datasets.annotation import Annotation, Problem
from midlevel.datasets.formats import json_lines, others, values
from midlevel.datasets.formats.draft import Draft, finish

EXPECTED = "annotations/*.json with images, annotations and categories"
LISTS = ("images", "annotations", "categories")
PHOTOGRAPHS = ("images", "data", "JPEGImages")

Names = dict[int | str, str]  # of categories, by id


@dataclass(frozen=True)
class File:
    """A JSON file that has been read.

    Attributes:
        path: the file.
        lists: its items by key, all of `LISTS`.
        lines: line of each item, from 1, by key; empty where all is one line.
    """

    path: Path
    lists: dict[str, list]
    lines: dict[str, list[int]]

    @property
    def has_boxes(self) -> bool:
        """Whether objects are what the annotations are about, or there are none."""
        stated = self.lists["annotations"]
        items = [item for item in stated if isinstance(item, dict)]
        is_about = any(i.get("bbox") or i.get("segmentation") for i in items)
        return bool(self.lists["categories"]) and (is_about or not stated)

    def line(self, key: str, i: int) -> int | None:
        """Where item `i` of a list begins."""
        return self.lines[key][i] if self.lines else None

    def problem(self, key: str, i: int, kind: str, text: object, fate: str) -> Problem:
        """What is wrong with item `i` of a list."""
        return Problem(self.path, kind, f"{key}[{i}]: {text}", fate, self.line(key, i))


def load(path: Path) -> File:
    """Read a file.

    Raises:
        errors.DataError: it cannot be read, or is not COCO's.
    """
    advice = f"Expected {EXPECTED}; export it again."
    text = paths.text(path)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise errors.DataError(
            f"{path}: is not JSON that can be read: {error}. {advice}"
        ) from error
    if not isinstance(data, dict):
        tool = others.tool_of(path)
        known = f"seems to be {tool[0]}" if tool else "is JSON"
        raise errors.DataError(f"{path}: {known}, but not COCO's. {advice}")
    lists = {key: data.get(key, []) for key in LISTS}
    for key, found in lists.items():
        if not isinstance(found, list):
            raise errors.DataError(f"{path}: {key!r} is no list. {advice}")
    lines = json_lines.of_items(text) if "\n" in text.strip() else {}
    return File(path, lists, lines)


def categories(file: File) -> tuple[Names, list[Problem]]:
    """Names by id, and what names none."""
    names: Names = {}
    problems = []
    for i, item in enumerate(file.lists["categories"]):
        key, name = _id(item, "id"), item.get("name") if isinstance(item, dict) else ""
        if key is None or not isinstance(name, str) or not name.strip():
            text = f"expected an id and a name. Received: {values.shown(item)}"
        elif key in names:
            text = f"id {values.shown(key)} is {names[key]!r} already"
        else:
            names[key] = name.strip()
            continue
        problems.append(file.problem("categories", i, "class", text, "dropped"))
    return names, problems


def read(
    file: File, names: Names, folder: Path
) -> tuple[list[Annotation], list[Problem]]:
    """The annotations of a file, and each image and annotation that cannot be used."""
    drafts, problems = _drafts(file, folder)
    for i, item in enumerate(file.lists["annotations"]):
        line = file.line("annotations", i)
        key = _among(drafts, _id(item, "image_id"))
        if key not in drafts:
            text = "no image has its image_id"
            found = file.problem("annotations", i, "annotation", text, "dropped")
            problems.append(found)
        elif (draft := drafts[key]) and item.get("iscrowd") != 1:
            try:
                draft.add(_box(item), _name(item, names), line)
            except errors.DataError as error:
                draft.refuse("annotation", f"annotations[{i}]: {error}", line)
    each_once = {id(draft): draft for draft in drafts.values() if draft}
    rows, refused = finish(each_once.values())
    return rows, problems + refused


def _drafts(
    file: File, folder: Path
) -> tuple[dict[int | str, Draft | None], list[Problem]]:
    """Photographs by id, None for one that cannot be used; a path is one photograph."""
    found: dict[int | str, Draft | None] = {}
    by_path: dict[Path, Draft] = {}
    problems = []
    here, places = file.path.parent, _places(file.path, folder)
    for i, item in enumerate(file.lists["images"]):
        key = _id(item, "id")
        try:
            if key is None or not isinstance(item.get("file_name"), str):
                raise errors.DataError("expected an id and a file_name")
            if key in found:
                raise errors.DataError(f"another image has id {values.shown(key)}")
            found[key] = None
            path = paths.photograph(folder, item["file_name"], here, places)
            size = values.size(item.get("width"), item.get("height"))
            found[key] = by_path.setdefault(path, Draft(path, file.path, size))
        except errors.DataError as error:
            problem = file.problem("images", i, "photograph", error, "left out")
            problems.append(problem)
    return found, problems


def _places(path: Path, folder: Path) -> list[Path]:
    """Where the photographs of a file may be, those of its own split first."""
    name = path.stem.rpartition("_")[2]  # train2017
    own = dict.fromkeys((name, paths.split_of(path.stem) or name))
    below = [folder, *(folder / part for part in PHOTOGRAPHS)]
    within = [place / part for part in own for place in below]
    return [place for place in (*within, *below) if place.is_dir()]


def _id(item: object, key: str) -> int | str | None:
    value = item.get(key) if isinstance(item, dict) else None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, (int, str)) else None


def _among(ids: dict, key: int | str | None) -> int | str | None:
    """An id, or the one among `ids` that differs in its type alone, as "1" and 1."""
    if key is None or key in ids:
        return key
    other: int | str = str(key) if isinstance(key, int) else key
    if isinstance(key, str) and key.isdecimal() and key.isascii() and len(key) < 19:
        other = int(key)
    return other if other in ids else key


def _name(item: dict, names: Names) -> str:
    key = _among(names, _id(item, "category_id"))
    if key not in names:
        value = values.shown(item.get("category_id"))
        raise errors.DataError(f"no category has its category_id, {value}")
    return names[key]


def _box(item: dict) -> tuple[float, float, float, float]:
    bbox = item.get("bbox")
    if not bbox:
        return _around(item.get("segmentation"))
    if not isinstance(bbox, list) or len(bbox) != 4:
        shown = values.shown(bbox)
        raise errors.DataError(f"bbox: expected 4 numbers. Received: {shown}")
    x, y, width, height = map(values.number, bbox)
    return x, y, x + width, y + height


def _around(polygons: object) -> tuple[float, float, float, float]:
    """The box around the polygons of an object that has no `bbox`."""
    listed = polygons if isinstance(polygons, list) else []
    if not listed or not all(
        isinstance(p, list) and len(p) >= 6 and len(p) % 2 == 0 for p in listed
    ):
        shown = values.shown(polygons)
        raise errors.DataError(f"expected a bbox or polygons. Received: {shown}")
    x = [values.number(value) for polygon in listed for value in polygon[::2]]
    y = [values.number(value) for polygon in listed for value in polygon[1::2]]
    return min(x), min(y), max(x), max(y)
