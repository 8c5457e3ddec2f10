"""COCO: one JSON file a split, with lists of images, annotations and categories.

Either COCO's own folders (annotations/instances_<split>.json and the photographs in
<split>/, images/ or where `file_name` says), or Roboflow's (<split>/_annotations.coco
.json beside the photographs), or one such file. Boxes are `(x, y, width, height)` in
pixels from 0. Crowds (`iscrowd`) are passed over: their boxes hold many objects.
"""

import json
import re
from pathlib import Path

from midlevel import errors
from midlevel.datasets import draft as drafts_
from midlevel.datasets import paths
from midlevel.datasets.annotation import Annotation, Problem, Reading
from midlevel.datasets.draft import Draft

EXPECTED = "annotations/*.json with images, annotations and categories"
FILES = ("annotations/*.json", "*/_annotations.coco.json", "*.json")
KEY = re.compile(rb'"(images|annotations)"\s*:')  # an export's notes have neither
HEAD = 1 << 20  # bytes in which one of them stands
PHOTOGRAPHS = ("images", "data", "JPEGImages")


def matches(place: Path) -> bool:
    """Whether `place` is a JSON file or a folder that holds COCO's."""
    return bool(_files(place))


def read(place: Path) -> Reading:
    """Annotations by split, and each image and annotation that cannot be used.

    Raises:
        errors.DataError: there is no such file, or one that is not COCO's JSON.
    """
    folder, files = paths.root_of(place), _files(place)
    loaded = {path: _load(path) for path in files}
    with_boxes = [path for path in files if _has_boxes(loaded[path])]
    if not with_boxes:
        raise errors.DataError(
            f"{files[0] if files else place}: has no boxes. Expected {EXPECTED}; files "
            "for captions or panoptic segmentation have none."
        )
    splits, problems, names = {}, [], {}
    for split, path in paths.by_split(with_boxes).items():
        categories, unnamed = _categories(path, loaded[path])
        splits[split], found = _read_file(path, loaded[path], categories, folder)
        problems += unnamed + found
        names |= categories
    order = sorted(names, key=lambda key: (isinstance(key, str), key))
    return Reading(
        splits, problems, tuple(dict.fromkeys(names[key] for key in order)), folder
    )


def _files(place: Path) -> list[Path]:
    """The JSON files of `place`; those of objects where others lie beside them."""
    if place.is_file():
        return [place] if place.suffix.lower() == ".json" else []
    for pattern in FILES:
        found = [path for path in paths.visible(place, pattern) if _seems_coco(path)]
        if found:
            return [p for p in found if p.name.startswith("instances_")] or found
    return []


def _seems_coco(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return bool(KEY.search(file.read(HEAD)))
    except OSError:
        return False


def _load(path: Path) -> dict:
    advice = f"Expected {EXPECTED}; export it again."
    try:
        data = json.loads(paths.text(path))
    except (ValueError, RecursionError) as error:
        raise errors.DataError(
            f"{path}: is not JSON that can be read: {error}. {advice}"
        ) from error
    if not isinstance(data, dict):
        raise errors.DataError(f"{path}: is JSON, but not COCO's. {advice}")
    for key in ("images", "annotations", "categories"):
        if not isinstance(data.setdefault(key, []), list):
            raise errors.DataError(f"{path}: {key!r} is no list. {advice}")
    return data


def _has_boxes(data: dict) -> bool:
    """Whether objects are what the annotations are about, or there are none."""
    items = [item for item in data["annotations"] if isinstance(item, dict)]
    is_about_objects = any(i.get("bbox") or i.get("segmentation") for i in items)
    return bool(data["categories"]) and (is_about_objects or not data["annotations"])


def _categories(path: Path, data: dict) -> tuple[dict, list[Problem]]:
    """Names by id."""
    names, problems = {}, []
    for i, item in enumerate(data["categories"]):
        key, name = _id(item, "id"), item.get("name") if isinstance(item, dict) else ""
        if key is None or not isinstance(name, str) or not name.strip():
            text = f"expected an id and a name. Received: {drafts_.shown(item)}"
        elif key in names:
            text = f"id {drafts_.shown(key)} is {names[key]!r} already"
        else:
            names[key] = name.strip()
            continue
        text = f"categories[{i}]: {text}"
        problems.append(Problem(path, "class", text, "dropped"))
    return names, problems


def _read_file(
    path: Path, data: dict, names: dict, folder: Path
) -> tuple[list[Annotation], list[Problem]]:
    drafts, problems = _drafts(path, data["images"], folder)
    for i, item in enumerate(data["annotations"]):
        key = _id(item, "image_id")
        if key not in drafts:
            text = f"annotations[{i}]: no image has its image_id"
            problems.append(Problem(path, "annotation", text, "dropped"))
        elif drafts[key] and item.get("iscrowd") != 1:
            try:
                drafts[key].add(_box(item), _name(item, names))
            except errors.DataError as error:
                drafts[key].refuse("annotation", f"annotations[{i}]: {error}")
    each_once = {id(draft): draft for draft in drafts.values() if draft}
    rows, refused = drafts_.finish(each_once.values())
    return rows, problems + refused


def _drafts(
    path: Path, items: list, folder: Path
) -> tuple[dict[int | str, Draft | None], list[Problem]]:
    """Photographs by id, None for one that cannot be used; a file is one photograph."""
    found, by_file, problems = {}, {}, []
    places = _places(path, folder)
    for i, item in enumerate(items):
        key = _id(item, "id")
        try:
            if key is None or not isinstance(item.get("file_name"), str):
                raise errors.DataError("expected an id and a file_name")
            if key in found:
                raise errors.DataError(f"another image has id {drafts_.shown(key)}")
            found[key] = None
            file = paths.photograph(folder, item["file_name"], path.parent, places)
            found[key] = by_file.setdefault(file, Draft(file, path, _size(item)))
        except errors.DataError as error:
            text = f"images[{i}]: {error}"
            problems.append(Problem(path, "photograph", text, "left out"))
    return found, problems


def _places(path: Path, folder: Path) -> list[Path]:
    """Where the photographs of a file may be, those of its own split first."""
    name = path.stem.rpartition("_")[2]  # train2017
    own = dict.fromkeys((name, paths.split_of(path.stem) or name))
    below = [folder, *(folder / part for part in PHOTOGRAPHS)]
    within = [place / part for part in own for place in below]
    return [place for place in (*within, *below) if place.is_dir()]


def _id(item, key: str) -> int | str | None:
    value = item.get(key) if isinstance(item, dict) else None
    return value if isinstance(value, (int, str)) else None


def _name(item: dict, names: dict) -> str:
    key = _id(item, "category_id")
    if key not in names:
        value = drafts_.shown(item.get("category_id"))
        raise errors.DataError(f"no category has its category_id, {value}")
    return names[key]


def _box(item: dict) -> tuple[float, float, float, float]:
    bbox = item.get("bbox")
    if not bbox:
        return _around(item.get("segmentation"))
    if not isinstance(bbox, list) or len(bbox) != 4:
        shown = drafts_.shown(bbox)
        raise errors.DataError(f"bbox: expected 4 numbers. Received: {shown}")
    x, y, width, height = map(drafts_.number, bbox)
    return x, y, x + width, y + height


def _around(polygons) -> tuple[float, float, float, float]:
    """The box around the polygons of an object that has no `bbox`."""
    good = isinstance(polygons, list) and polygons
    if not good or not all(
        isinstance(p, list) and len(p) >= 6 and len(p) % 2 == 0 for p in polygons
    ):
        shown = drafts_.shown(polygons)
        raise errors.DataError(f"expected a bbox or polygons. Received: {shown}")
    x = [drafts_.number(value) for polygon in polygons for value in polygon[::2]]
    y = [drafts_.number(value) for polygon in polygons for value in polygon[1::2]]
    return min(x), min(y), max(x), max(y)


def _size(item: dict) -> tuple[int, int] | None:
    try:
        width, height = (int(drafts_.number(item.get(k))) for k in ("width", "height"))
    except errors.DataError:
        return None
    return (width, height) if width > 0 and height > 0 else None
