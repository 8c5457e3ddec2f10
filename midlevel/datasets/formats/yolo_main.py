"""The file that names YOLO's classes: data.yaml, classes.txt or Darknet's obj.data."""

import os
from collections.abc import Iterator
from pathlib import Path

from midlevel import errors
from midlevel.datasets import paths
from midlevel.datasets.formats.values import shown
from midlevel.images.names import is_image_name
from midlevel.settings import yaml_text

EXPECTED = "data.yaml with names, train and val, images/ and labels/"
MAIN = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
YAML = (".yaml", ".yml")
DARKNET = ".data"  # lines of `key = value`, of which `names` is a file, as CVAT writes
LABELS = "labels"
CLASSES = "classes.txt"


def find(place: Path) -> Path | None:
    """The file that names the classes, None where there is none."""
    if place.is_file():
        return place if place.suffix.lower() in (*YAML, DARKNET) else None
    return next(_candidates(place), None)


def load(path: Path, folder: Path) -> dict:
    """What a file says: `names`, and perhaps `train`, `val`, `test` and more.

    Raises:
        errors.DataError: it cannot be read.
    """
    if path.suffix.lower() == DARKNET:
        return _darknet(path, folder)
    return _yaml(path) if path.suffix.lower() in YAML else {"names": _lines(path)}


def names(path: Path, stated: dict) -> dict[int, str]:
    """Class names by id.

    Raises:
        errors.DataError: there are none, or some is none.
    """
    given = stated.get("names")
    given = dict(enumerate(given)) if isinstance(given, list) else given
    if not isinstance(given, dict) or not given:
        raise errors.DataError(
            f"{path}: names no classes. Expected `names: [cat, dog]`."
        )
    found = {}
    for key, name in given.items():
        if not (_is_id(key) and _is_name(name)):
            raise errors.DataError(
                f"{path}: names: expected an id and a name. Received: "
                f"{shown((key, name))}. Write `names: [cat, dog]`."
            )
        found[int(key)] = str(name).strip()
    return found


def _candidates(place: Path) -> Iterator[Path]:
    """Files in a folder that may name the classes, the likeliest first."""
    for name in MAIN:
        if _names_classes(place / name, if_broken=True):
            yield place / name
    for suffix in YAML:
        for path in paths.visible(place, f"*{suffix}"):
            if _names_classes(path, if_broken=False):
                yield path
    for path in paths.visible(place, f"*{DARKNET}"):
        if "names" in _settings(path):
            yield path
    labels = [f for f in paths.folders(place) if f.name.lower() == LABELS]
    for path in (folder / CLASSES for folder in (place, *labels)):
        if path.is_file() and (labels or _has_labels_beside(place)):
            yield path


def _names_classes(path: Path, if_broken: bool) -> bool:
    try:
        return path.is_file() and "names" in _yaml(path)
    except errors.DataError:
        return if_broken


def _has_labels_beside(place: Path) -> bool:
    """Whether labels lie beside photographs, as labelImg writes them."""
    if not place.is_dir():
        return False
    return any(
        is_image_name(path) and path.with_suffix(".txt").is_file()
        for path in place.iterdir()
    )


def _yaml(path: Path) -> dict:
    try:
        stated = yaml_text.load(paths.text(path))
    except ValueError as error:
        raise _unreadable(path, str(error)) from error
    if not isinstance(stated, dict):
        raise _unreadable(path, f"it is a {type(stated).__name__}, not names of values")
    return stated


def _unreadable(path: Path, why: str) -> errors.DataError:
    return errors.DataError(
        f"{path}: is not YAML that can be read: {why}. Expected {EXPECTED}; mend it."
    )


def _settings(path: Path) -> dict[str, str]:
    """The lines of Darknet's file; none where it is something else."""
    try:
        pairs = [line.partition("=") for line in _lines(path)]
    except errors.DataError:
        return {}
    return {key.strip(): value.strip() for key, mark, value in pairs if mark}


def _darknet(path: Path, folder: Path) -> dict:
    stated = dict(_settings(path))
    named = stated.pop("names", "")
    for name in (named, *paths.ends(named)):
        place = paths.inside(folder, name)
        if place and os.path.isfile(place):
            return {**stated, "names": _lines(place)}
    raise errors.DataError(f"{path}: names no classes. Expected `names = obj.names`.")


def _lines(path: Path) -> list[str]:
    """The lines of a file down to the last that is not empty."""
    return paths.text(path).rstrip().splitlines()


def _is_id(key: object) -> bool:
    return _is_name(key) and str(key).isdecimal() and len(str(key)) < 10


def _is_name(name: object) -> bool:
    """Whether it is text; YAML takes some names for numbers, or for yes and no."""
    if isinstance(name, (int, float)):
        return abs(name) < 1e9
    return isinstance(name, str) and bool(name.strip())
