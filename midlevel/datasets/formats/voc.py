"""PASCAL VOC: one XML file a photograph.

Either VOC's own folders (Annotations/, JPEGImages/, ImageSets/Main/<split>.txt), or
XML files beside the photographs or in a folder of their own, as labelling tools write
them.
"""

import os
import re
from dataclasses import replace
from pathlib import Path

from midlevel.datasets import paths
from midlevel.datasets.annotation import Annotation, Problem, Reading
from midlevel.datasets.formats import voc_labels, voc_photographs
from midlevel.datasets.formats.voc_photographs import Shelf
from midlevel.images.names import is_image_name

CLASS_LINE = re.compile(r"\s+(-1|0|1)$")  # an id, then whether the class is there
EXPECTED = "Annotations/*.xml and JPEGImages/, or XML files beside the photographs"
HEAD = 1 << 12  # bytes in which <annotation> begins
ROOT = re.compile(rb"<annotation[\s/>]")  # not CVAT's <annotations>
LISTS = "ImageSets/Main"
EVERYTHING = "default"  # CVAT's name for what it did not split

Read = dict[Path, tuple[list[Annotation], list[Problem]]]  # by XML file


def matches(folder: Path) -> bool:
    """Whether `folder` holds VOC annotations."""
    if not folder.is_dir():
        return False
    home = _home(folder)
    lists = paths.visible(home / LISTS, "*.txt")
    return bool(lists) or any(map(_seems_voc, _all_files(home)))


def read(place: Path) -> Reading:
    """Annotations by split, and each file that cannot be used.

    Without lists of ids there is one split, `train`, or one for each of the folders
    train/, valid/, test/ where all files are in such. Lists of one class
    (`dog_train.txt`) are passed over: the boxes say the same.
    """
    folder = _home(place)
    splits = _listed(folder) or _by_folder(folder)
    shelf = Shelf(folder)
    files = dict.fromkeys(path for of_split in splits.values() for path in of_split)
    found: Read = {path: voc_labels.read(path, folder, shelf) for path in files}
    problems = [problem for _, of_file in found.values() for problem in of_file]
    problems += _join(found)
    annotations = {
        name: _each_once([row for path in of_split for row in found[path][0]])
        for name, of_split in splits.items()
    }
    if not paths.visible(folder / LISTS, "*.txt"):
        problems += _without_annotation(folder, found)
    return Reading(annotations, problems, folder=folder)


def _home(place: Path) -> Path:
    """The folder of VOC's folders: `place`, or the one in it, such as VOC2007/."""
    if _annotations(place):
        return place
    within = [f for f in paths.folders(place) if (f / LISTS).is_dir()]
    return within[0] if len(within) == 1 and _annotations(within[0]) else place


def _annotations(folder: Path) -> Path | None:
    """The folder of XML files, whose name Kaggle writes small."""
    named = [f for f in paths.folders(folder) if f.name.lower() == "annotations"]
    return named[0] if named else None


def _all_files(folder: Path) -> list[Path]:
    files = paths.below(_annotations(folder) or folder)
    return [path for path in files if path.suffix.lower() == ".xml"]


def _seems_voc(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return False
    return bool(ROOT.search(head.replace(b"\0", b"")))  # of UTF-16


# === Splits ===


def _listed(folder: Path) -> dict[str, list[Path]]:
    """The files of each list of ids."""
    place, splits = _annotations(folder), {}
    if place is None:
        return {}
    for path in paths.visible(folder / LISTS, "*.txt"):
        lines = [line.strip() for line in paths.text(path).splitlines()]
        lines = [line for line in lines if line]
        if "_" in path.stem and lines and all(map(CLASS_LINE.search, lines)):
            continue  # <class>_<split>.txt
        ids = [_id(line, place) for line in dict.fromkeys(lines)]
        splits[path.stem] = [place / f"{name}.xml" for name in dict.fromkeys(ids)]
    return {"train": splits[EVERYTHING]} if [*splits] == [EVERYTHING] else splits


def _id(line: str, place: Path) -> str:
    """The id in a line, which may have spaces, an image's ending, VOC's number."""
    short = CLASS_LINE.sub("", line)
    endless = short.rpartition(".")[0] if is_image_name(Path(short)) else short
    known = (n for n in (line, short, endless) if os.path.isfile(place / f"{n}.xml"))
    return next(known, short)


def _by_folder(folder: Path) -> dict[str, list[Path]]:
    """All files; their splits, where all top folders are such."""
    place, files = _annotations(folder) or folder, _all_files(folder)
    tops = [path.relative_to(place).parts[:-1] for path in files]
    named = [paths.split_of(parts[0]) if parts else None for parts in tops]
    splits: dict[str, list[Path]] = {}
    for split, path in zip(named, files, strict=True):
        splits.setdefault(split if split and all(named) else "train", []).append(path)
    return splits or {"train": []}


# === Photographs ===


def _join(found: Read) -> list[Problem]:
    """Give files about one photograph the boxes of all of them; name them."""
    problems = []
    first: dict[Path, list[Path]] = {}
    for path, (rows, _) in found.items():
        for row in rows:
            first.setdefault(row.path, []).append(path)
    for photograph, files in first.items():
        if len(files) > 1:
            rows = [found[path][0][0] for path in files]
            joined = replace(
                rows[0],
                boxes=[box for row in rows for box in row.boxes],
                names=[name for row in rows for name in row.names],
                difficult=[mark for row in rows for mark in row.difficult],
                lines=[],
            )
            for path in files[1:]:
                text = f"is about {photograph.name}, as {files[0].name} is; their "
                problems.append(
                    Problem(path, "annotation", f"{text}boxes are joined", "kept")
                )
            for path in files:
                found[path][0][:] = [joined]
    return problems


def _each_once(rows: list[Annotation]) -> list[Annotation]:
    return list({id(row): row for row in rows}.values())


def _without_annotation(folder: Path, found: Read) -> list[Problem]:
    """What to say on the photographs that no annotation is about, if there are any."""
    known = {row.path for rows, _ in found.values() for row in rows}
    in_vain = {path for path, (rows, _) in found.items() if not rows}
    place, apart = folder, _annotations(folder)
    if apart:
        place = voc_photographs.beside(apart) or folder
    bare = {place / p.relative_to(apart or folder).with_suffix("") for p in in_vain}
    others = [
        path
        for path in paths.photographs(place)
        if path not in known and path.with_suffix("") not in bare
    ]
    if not others:
        return []
    text = (
        f"has no XML file ({len(others)} such photographs); for a photograph without "
        "objects, write one without <object>"
    )
    return [Problem(others[0], "unlabelled", text, "left out")]
