"""COCO's JSON files: lists of images, annotations and categories.

Boxes are `(x, y, width, height)` in pixels from 0. Crowds (`iscrowd`) are passed over:
their boxes hold many objects. An annotation with a category and no box is a label of
the whole photograph.
"""

from pathlib import Path

from midlevel import errors
from midlevel.datasets import paths
from midlevel.datasets.annotation import Annotation, Problem
from midlevel.datasets.formats import coco_federated, values
from midlevel.datasets.formats.coco_file import File, Names, among, identity
from midlevel.datasets.formats.draft import Draft, finish

PHOTOGRAPHS = ("images", "data", "JPEGImages")


def categories(file: File) -> tuple[Names, list[Problem]]:
    """Names by id, and what names none."""
    names: Names = {}
    problems = []
    for i, item in enumerate(file.lists["categories"]):
        key = identity(item, "id")
        name = item.get("name") if isinstance(item, dict) else ""
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
    drafts, by_image, problems = _drafts(file, folder)
    for i, item in enumerate(file.lists["annotations"]):
        line = file.line("annotations", i)
        key = among(drafts, identity(item, "image_id"))
        if key not in drafts:
            text = "no image has its image_id"
            found = file.problem("annotations", i, "annotation", text, "dropped")
            problems.append(found)
        elif (draft := drafts[key]) and item.get("iscrowd") != 1:
            try:
                if file.is_label(item):
                    draft.unboxed.append(_name(item, names))
                else:
                    draft.add(_box(item), _name(item, names), line)
            except errors.DataError as error:
                draft.refuse("annotation", f"annotations[{i}]: {error}", line)
    each_once = {id(draft): draft for draft in drafts.values() if draft}
    stated = coco_federated.Stated(file, names)
    for i, draft in by_image.items():
        stated.add(draft, i)
    rows, refused = finish(each_once.values())
    return rows, problems + refused


def _drafts(
    file: File, folder: Path
) -> tuple[dict[int | str, Draft | None], dict[int, Draft], list[Problem]]:
    """Photographs by id, None for one that cannot be used, and by number of the image.

    A path is one photograph, whatever the number of its images.
    """
    by_image: dict[int, Draft] = {}
    found: dict[int | str, Draft | None] = {}
    by_path: dict[Path, Draft] = {}
    problems = []
    here, places = file.path.parent, _places(file.path, folder)
    for i, item in enumerate(file.lists["images"]):
        key = identity(item, "id")
        try:
            stated = _file_name(item) if key is not None else None
            if key is None or stated is None:
                raise errors.DataError("expected an id and a file_name")
            if key in found:
                raise errors.DataError(f"another image has id {values.shown(key)}")
            found[key] = None
            path = paths.photograph(folder, stated, here, places)
            size = values.size(item.get("width"), item.get("height"))
            found[key] = by_path.setdefault(path, Draft(path, file.path, size))
            by_image[i] = by_path[path]
        except errors.DataError as error:
            problem = file.problem("images", i, "photograph", error, "left out")
            problems.append(problem)
    return found, by_image, problems


def _file_name(item: dict) -> str | None:
    """Where an image's photograph is; LVIS names it by its address alone.

    >>> _file_name({"coco_url": "http://images.cocodataset.org/train2017/1.jpg"})
    'train2017/1.jpg'
    """
    stated = item.get("file_name")
    url = item.get("coco_url")
    if stated is None and isinstance(url, str):
        return "/".join(url.split("/")[-2:])
    return stated if isinstance(stated, str) else None


def _places(path: Path, folder: Path) -> list[Path]:
    """Where the photographs of a file may be, those of its own split first."""
    name = path.stem.rpartition("_")[2]  # train2017
    own = dict.fromkeys((name, paths.split_of(path.stem) or name))
    below = [folder, *(folder / part for part in PHOTOGRAPHS)]
    within = [place / part for part in own for place in below]
    return [place for place in (*within, *below) if place.is_dir()]


def _name(item: dict, names: Names) -> str:
    key = among(names, identity(item, "category_id"))
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
