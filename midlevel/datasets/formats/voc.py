"""PASCAL VOC: one XML file a photograph.

Either VOC's own folders (Annotations/, JPEGImages/, ImageSets/Main/<split>.txt), or
XML files beside the photographs, as labelling tools write them.
"""

import os
import re
from pathlib import Path

from midlevel.datasets import paths
from midlevel.datasets.annotation import Annotation, Problem, Reading
from midlevel.datasets.formats import voc_labels
from midlevel.datasets.formats.voc_labels import ANNOTATIONS, PHOTOGRAPHS

CLASS_LINE = re.compile(r"\s+(-1|0|1)$")  # an id, then whether the class is there
EXPECTED = "Annotations/*.xml and JPEGImages/, or XML files beside the photographs"
HEAD = 1 << 12  # bytes in which <annotation> begins
LISTS = "ImageSets/Main"


def matches(folder: Path) -> bool:
    """Whether `folder` holds VOC annotations."""
    if not folder.is_dir():
        return False
    files = paths.visible(folder, "**/*.xml")
    return (folder / ANNOTATIONS).is_dir() or any(map(_seems_voc, files))


def read(folder: Path) -> Reading:
    """Annotations by split, and each file that cannot be used.

    Without lists of ids there is one split, `train`, or one for each of the folders
    train/, valid/, test/ where all files are in such. Lists of one class
    (`dog_train.txt`) are passed over: the boxes say the same.
    """
    if (folder / ANNOTATIONS).is_dir():
        splits = _listed_splits(folder)
    else:
        splits = _by_folder(folder)
    cache: dict[Path, tuple[list[Annotation], list[Problem]]] = {}
    for path in (path for of_split in splits.values() for path in of_split):
        if path not in cache:
            cache[path] = voc_labels.read(path, folder)
    annotations = {
        name: [row for path in of_split for row in cache[path][0]]
        for name, of_split in splits.items()
    }
    problems = [problem for _, found in cache.values() for problem in found]
    if not paths.visible(folder / LISTS, "*.txt"):
        problems += _without_annotation(folder, cache)
    return Reading(annotations, problems)


def _seems_voc(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return False
    return b"<annotation" in head.replace(b"\0", b"")  # of UTF-16


def _listed_splits(folder: Path) -> dict[str, list[Path]]:
    splits = {}
    for path in paths.visible(folder / LISTS, "*.txt"):
        lines = [line.strip() for line in paths.text(path).splitlines()]
        lines = [line for line in lines if line]
        if "_" in path.stem and lines and all(map(CLASS_LINE.search, lines)):
            continue  # <class>_<split>.txt
        ids = [_id(line, folder) for line in dict.fromkeys(lines)]
        splits[path.stem] = [folder / ANNOTATIONS / f"{name}.xml" for name in ids]
    return splits or {"train": paths.visible(folder / ANNOTATIONS, "*.xml")}


def _by_folder(folder: Path) -> dict[str, list[Path]]:
    """Files beside the photographs; their splits, where all top folders are such."""
    files = paths.visible(folder, "**/*.xml")
    tops = [path.relative_to(folder).parts[:-1] for path in files]
    named = [paths.split_of(parts[0]) if parts else None for parts in tops]
    if not all(named):
        return {"train": files}
    splits: dict[str, list[Path]] = {}
    for split, path in zip(named, files, strict=True):
        splits.setdefault(split, []).append(path)
    return splits


def _id(line: str, folder: Path) -> str:
    """The id in a line, which may have spaces, and VOC's number behind it."""
    is_whole = os.path.isfile(folder / ANNOTATIONS / f"{line}.xml")
    return line if is_whole else CLASS_LINE.sub("", line)


def _without_annotation(
    folder: Path, read: dict[Path, tuple[list[Annotation], list[Problem]]]
) -> list[Problem]:
    """What to say on the photographs that no annotation is about, if there are any."""
    known = {row.path for rows, _ in read.values() for row in rows}
    are_apart = (folder / ANNOTATIONS).is_dir()
    place = folder / PHOTOGRAPHS if are_apart else folder
    beside = folder / ANNOTATIONS if are_apart else folder
    bare = {place / path.relative_to(beside).with_suffix("") for path in read}
    others = [
        path
        for path in paths.photographs(place)
        if path.with_suffix("") not in bare and path not in known
    ]
    if not others:
        return []
    text = (
        f"has no XML file ({len(others)} such photographs); for a photograph without "
        "objects, write one without <object>"
    )
    return [Problem(others[0], "unlabelled", text, "left out")]
