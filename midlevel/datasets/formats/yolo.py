"""YOLO: a YAML file with class names and splits, one text file of boxes a photograph.

The labels of `images/train/a.jpg` are in `labels/train/a.txt`, a line for each object:
its class, then `(x centre, y centre, width, height)` or the corners of a polygon, in
shares of the photograph's sides. Where the YAML file has `kpt_shape`, keypoints follow
the box, and are passed over. A photograph without labels shows background. Without
a YAML file, `classes.txt` names the classes, a line each.
"""

import os
from pathlib import Path

from midlevel import errors
from midlevel.datasets import paths
from midlevel.datasets.annotation import Annotation, Problem, Reading
from midlevel.datasets.formats import yolo_labels, yolo_main
from midlevel.datasets.formats.values import shown
from midlevel.datasets.formats.yolo_files import IMAGES, Labels

EXPECTED = yolo_main.EXPECTED
KEYS = ("train", "val", "valid", "test")


def matches(place: Path) -> bool:
    """Whether `place` is a file or a folder that YOLO learns from."""
    return yolo_main.find(place) is not None


def read(place: Path) -> Reading:
    """Annotations by split, and each line that cannot be used.

    Raises:
        errors.DataError: there is no such file, or it names no classes.
    """
    main = yolo_main.find(place)
    if main is None:
        raise errors.DataError(f"{place}: holds no YOLO data. Expected {EXPECTED}.")
    folder = paths.root_of(place)
    stated = yolo_main.load(main, folder)
    names, is_pose = yolo_main.names(main, stated), bool(stated.get("kpt_shape"))
    files, lists, problems = _files(main, folder, stated)
    photographs = dict.fromkeys(
        path for of_split in files.values() for path in of_split
    )
    labels = Labels(folder, photographs, {main, *lists})
    cache: dict[Path, tuple[list[Annotation], list[Problem]]] = {
        path: yolo_labels.read(path, labels.of.get(path), names, is_pose)
        for path in photographs
    }
    splits = {
        split: [row for path in of_split for row in cache[path][0]]
        for split, of_split in files.items()
    }
    problems += [problem for _, found in cache.values() for problem in found]
    in_order = dict.fromkeys(names[key] for key in sorted(names))
    return Reading(splits, problems + labels.problems, tuple(in_order), folder)


# === Photographs ===


def _files(
    main: Path, folder: Path, stated: dict
) -> tuple[dict[str, list[Path]], list[Path], list[Problem]]:
    """Photographs of each split, lists that name them, what is named but missing."""
    splits: dict[str, list[Path]] = {}
    lists, problems = [], []
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
                lists.append(place)
                of_list, missing = _read_list(place, folder, root)
                found += of_list
                problems += missing
    each_once = {split: list(dict.fromkeys(of)) for split, of in splits.items()}
    return each_once, lists, problems


def _listed(value: object) -> list:
    return value if isinstance(value, list) else [value]


def _laid_out(folder: Path) -> dict[str, list[str]]:
    """Splits by the folders that are there."""
    patterns = (f"{IMAGES}/{{}}", f"{{}}/{IMAGES}", "{}")
    for pattern in patterns:
        parts = {key: pattern.format(key) for key in KEYS}
        found = {k: [part] for k, part in parts.items() if (folder / part).is_dir()}
        if found:
            return found
    return {"train": [IMAGES if (folder / IMAGES).is_dir() else "."]}


def _place(folder: Path, root: Path, part: object) -> Path | None:
    """A folder or list that a YAML file names, inside `folder`.

    Where it leads elsewhere, as Roboflow's `../train/images` and names of another
    machine's folders do, the longest end of it that is here.
    """
    if not isinstance(part, str):
        return None
    part = part.replace("\\", "/")
    tails = [] if part.startswith("./") else paths.ends(part)
    tails = [part, *tails]
    for tail in tails:
        for place in (paths.inside(start, tail) for start in (root, folder)):
            is_split = paths.split_of(tail) == paths.split_of(part)
            if place and is_split and (os.path.isdir(place) or _is_list(place)):
                return place
    return None


def _is_list(place: Path) -> bool:
    return place.suffix.lower() == ".txt" and os.path.isfile(place)


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
