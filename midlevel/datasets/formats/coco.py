"""COCO: one JSON file a split, with lists of images, annotations and categories.

Either COCO's own folders (annotations/instances_<split>.json and the photographs in
<split>/, images/ or where `file_name` says), or Roboflow's (<split>/_annotations.coco
.json beside the photographs), or one such file.
"""

import re
from pathlib import Path

from midlevel import errors
from midlevel.datasets import paths
from midlevel.datasets.annotation import Reading
from midlevel.datasets.formats import coco_file, coco_labels, others

EXPECTED = coco_file.EXPECTED
FILES = ("annotations/*.json", "*/_annotations.coco.json", "*.json")
KEY = re.compile(rb'"(images|annotations)"\s*:')  # an export's notes have neither
HEAD = 1 << 20  # bytes in which one of them stands


def matches(place: Path) -> bool:
    """Whether `place` is a JSON file or a folder that holds COCO's."""
    return bool(_files(place))


def read(place: Path) -> Reading:
    """Annotations by split, and each image and annotation that cannot be used.

    Raises:
        errors.DataError: there is no such file, or one that is not COCO's JSON.
    """
    folder, found = paths.root_of(place), _files(place)
    files = {path: coco_file.load(path) for path in found}
    with_boxes = [path for path, file in files.items() if file.has_objects]
    if not with_boxes:
        raise errors.DataError(
            f"{found[0] if found else place}: has no boxes. Expected {EXPECTED}; files "
            "for captions or panoptic segmentation have none."
        )
    splits, problems = {}, []
    names: coco_file.Names = {}
    for split, path in paths.by_split(with_boxes).items():
        categories, unnamed = coco_labels.categories(files[path])
        splits[split], refused = coco_labels.read(files[path], categories, folder)
        problems += unnamed + refused
        names |= categories
    order = sorted(names, key=lambda key: (isinstance(key, str), key))
    classes = tuple(dict.fromkeys(names[key] for key in order))
    return Reading(splits, problems, classes, folder)


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
            head = file.read(HEAD)
    except OSError:
        return False
    return bool(KEY.search(head)) and not others.tool_of(path)
