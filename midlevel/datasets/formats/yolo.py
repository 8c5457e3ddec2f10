"""YOLO: a YAML file with class names and splits, one text file of boxes a photograph.

The labels of `images/train/a.jpg` are in `labels/train/a.txt`, a line for each object:
its class, then `(x centre, y centre, width, height)` or the corners of a polygon, in
shares of the photograph's sides. Where the YAML file has `kpt_shape`, keypoints follow
the box, and are passed over. A photograph without labels shows background. Without
a YAML file, `classes.txt` names the classes, a line each.
"""

import os
from pathlib import Path, PureWindowsPath

from midlevel import errors
from midlevel.datasets import paths
from midlevel.datasets.annotation import Annotation, Problem, Reading
from midlevel.datasets.formats import yolo_labels
from midlevel.datasets.formats.values import shown
from midlevel.settings import yaml_text

EXPECTED = "data.yaml with names, train and val, images/ and labels/"
MAIN = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
YAML = (".yaml", ".yml")
CLASSES = ("classes.txt", "labels/classes.txt")
KEYS = ("train", "val", "valid", "test")
IMAGES, LABELS = yolo_labels.IMAGES, yolo_labels.LABELS


def matches(place: Path) -> bool:
    """Whether `place` is a YAML file or a folder that YOLO learns from."""
    return _main(place) is not None


def read(place: Path) -> Reading:
    """Annotations by split, and each line that cannot be used.

    Raises:
        errors.DataError: there is no such file, or it names no classes.
    """
    main = _main(place)
    if main is None:
        raise errors.DataError(f"{place}: holds no YOLO data. Expected {EXPECTED}.")
    folder = paths.root_of(place)
    stated = _load(main) if main.suffix.lower() in YAML else {"names": _lines(main)}
    names, is_pose = _names(main, stated), bool(stated.get("kpt_shape"))
    files, problems = _files(main, folder, stated)
    cache: dict[Path, tuple[list[Annotation], list[Problem]]] = {}
    for path in (path for of_split in files.values() for path in of_split):
        if path not in cache:
            cache[path] = yolo_labels.read(path, folder, names, is_pose)
    splits = {
        split: [row for path in of_split for row in cache[path][0]]
        for split, of_split in files.items()
    }
    problems += [problem for _, found in cache.values() for problem in found]
    in_order = (names[key] for key in sorted(names))
    return Reading(splits, problems, tuple(dict.fromkeys(in_order)), folder)


def _main(place: Path) -> Path | None:
    """The file that names the classes."""
    if place.is_file():
        return place if place.suffix.lower() in YAML else None
    if not place.is_dir():
        return None
    others = sorted(p for suffix in YAML for p in paths.visible(place, f"*{suffix}"))
    found = [place / name for name in MAIN if _names_classes(place / name, True)]
    found += [path for path in others if _names_classes(path, False)]
    if (place / IMAGES).is_dir() and (place / LABELS).is_dir():
        found += [place / name for name in CLASSES if (place / name).is_file()]
    return found[0] if found else None


def _names_classes(path: Path, if_broken: bool) -> bool:
    try:
        return path.is_file() and "names" in _load(path)
    except errors.DataError:
        return if_broken


def _load(path: Path) -> dict:
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


def _names(path: Path, stated: dict) -> dict[int, str]:
    """Class names by id."""
    names = stated.get("names")
    names = dict(enumerate(names)) if isinstance(names, list) else names
    if not isinstance(names, dict) or not names:
        raise errors.DataError(
            f"{path}: names no classes. Expected `names: [cat, dog]`."
        )
    found = {}
    for key, name in names.items():
        if not (_is_id(key) and _is_name(name)):
            raise errors.DataError(
                f"{path}: names: expected an id and a name. Received: "
                f"{shown((key, name))}. Write `names: [cat, dog]`."
            )
        found[int(key)] = str(name).strip()
    return found


def _is_id(key) -> bool:
    return _is_name(key) and str(key).isdecimal() and len(str(key)) < 10


def _is_name(name) -> bool:
    """Whether it is text; YAML takes some names for numbers, or for yes and no."""
    if isinstance(name, (int, float)):
        return abs(name) < 1e9
    return isinstance(name, str) and bool(name.strip())


# === Photographs ===


def _files(
    main: Path, folder: Path, stated: dict
) -> tuple[dict[str, list[Path]], list[Problem]]:
    """Photographs of each split, and what is named but missing."""
    splits, problems = {}, []
    named = {key: _listed(stated[key]) for key in KEYS if stated.get(key)}
    named = named or _laid_out(folder)
    root = folder
    if isinstance(stated.get("path"), str):
        root = paths.inside(folder, stated["path"]) or folder
    for key, parts in named.items():
        found = splits.setdefault(paths.SPLITS[key], [])
        for part in parts:
            place = _place(folder, root, part)
            if place is None:
                text = f"{key}: no photographs in {shown(part)}, seen from {folder}"
                problems.append(Problem(main, "photograph", text, "left out"))
            elif place.is_dir():
                found += paths.photographs(place)
            else:
                of_list, missing = _read_list(place, folder, root)
                found += of_list
                problems += missing
    return {split: list(dict.fromkeys(of)) for split, of in splits.items()}, problems


def _listed(value) -> list:
    return value if isinstance(value, list) else [value]


def _laid_out(folder: Path) -> dict[str, list[str]]:
    """Splits by the folders that are there."""
    patterns = (f"{IMAGES}/{{}}", f"{{}}/{IMAGES}", "{}")
    for pattern in patterns:
        found = {key: pattern.format(key) for key in KEYS}
        found = {k: [part] for k, part in found.items() if (folder / part).is_dir()}
        if found:
            return found
    return {"train": [IMAGES if (folder / IMAGES).is_dir() else "."]}


def _place(folder: Path, root: Path, part) -> Path | None:
    """A folder or list that a YAML file names, inside `folder`.

    Where it leads elsewhere, as Roboflow's `../train/images` and names of another
    machine's folders do, the longest end of it that is here.
    """
    if not isinstance(part, str):
        return None
    part = part.replace("\\", "/")
    tails = [part]
    is_inside = any(paths.inside(start, part) for start in (root, folder))
    if not is_inside or PureWindowsPath(part).drive:
        parts = Path(part).parts
        tails = ["/".join(parts[i:]) for i in range(1, len(parts))]
    for tail in tails:
        for place in (paths.inside(start, tail) for start in (root, folder)):
            is_split = paths.split_of(tail) == paths.split_of(part)
            if place and is_split and (os.path.isdir(place) or _is_list(place)):
                return place
    return None


def _is_list(place: Path) -> bool:
    return place.suffix.lower() == ".txt" and os.path.isfile(place)


def _lines(path: Path) -> list[str]:
    """The lines of a file down to the last that is not empty."""
    return paths.text(path).rstrip().splitlines()


def _read_list(
    path: Path, folder: Path, root: Path
) -> tuple[list[Path], list[Problem]]:
    """Photographs that a list names, a line each."""
    found, problems = [], []
    for number, line in enumerate(paths.text(path).splitlines(), 1):
        try:
            if line.strip():
                others = (root, folder)
                stated = line.strip()
                found.append(paths.photograph(folder, stated, path.parent, others))
        except errors.DataError as error:
            text = str(error)
            problems.append(Problem(path, "photograph", text, "left out", number))
    return found, problems
