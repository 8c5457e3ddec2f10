"""PASCAL VOC: one XML file a photograph.

Either VOC's own folders (Annotations/, JPEGImages/, ImageSets/Main/<split>.txt), or
XML files beside the photographs, as labelling tools write them. VOC's boxes count
pixels from 1 and include the last; they become half-open here, once.
"""

import os
import re
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import defusedxml
from defusedxml import ElementTree

from midlevel import errors, images
from midlevel.datasets import paths
from midlevel.datasets.annotation import Annotation, Problem, Reading

CLASS_LINE = re.compile(r"\s+(-1|0|1)$")  # an id, then whether the class is there
EXPECTED = "Annotations/*.xml and JPEGImages/, or XML files beside the photographs"
HEAD = 1 << 12  # bytes in which <annotation> begins
PHOTOGRAPHS, ANNOTATIONS, LISTS = "JPEGImages", "Annotations", "ImageSets/Main"


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
    cache: dict[Path, Annotation | Problem] = {}
    for path in (path for of_split in splits.values() for path in of_split):
        if path not in cache:
            cache[path] = _try_read(path, folder)
    annotations = {
        name: [cache[path] for path in of if isinstance(cache[path], Annotation)]
        for name, of in splits.items()
    }
    problems = [found for found in cache.values() if isinstance(found, Problem)]
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


def read_annotation(path: Path, folder: Path) -> Annotation:
    """One annotation file.

    Raises:
        errors.DataError: the file, a box, or the photograph it names is not usable.
    """
    if not paths.inside(folder, os.path.abspath(path)):
        raise errors.DataError(f"{path}: is refused; it is outside {folder}.")
    root = _parse(path)
    boxes, names, difficult = [], [], []
    for item in root.iter("object"):
        names.append(_text(item, "name", path))
        box = item.find("bndbox")
        if box is None:
            raise errors.DataError(f"{path}: <object> {names[-1]} has no <bndbox>.")
        xmin, ymin, xmax, ymax = (
            _number(box, tag, path) for tag in ("xmin", "ymin", "xmax", "ymax")
        )
        (xmin, xmax), (ymin, ymax) = _half_open(xmin, xmax), _half_open(ymin, ymax)
        boxes.append((xmin, ymin, xmax, ymax))
        difficult.append((item.findtext("difficult") or "0").strip() == "1")
    photograph = _photograph(path, root, folder)
    return Annotation(photograph, _size(root), boxes, names, difficult, source=path)


def _half_open(first: float, last: float) -> tuple[float, float]:
    """From pixels counted from 1, the last included; a wrong order stays one."""
    return (first - 1, last) if first <= last else (first, last - 1)


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
    folder: Path, read: dict[Path, Annotation | Problem]
) -> list[Problem]:
    """What to say on the photographs that no annotation is about, if there are any."""
    known = {found.path for found in read.values() if isinstance(found, Annotation)}
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


def _try_read(path: Path, folder: Path) -> Annotation | Problem:
    try:
        return read_annotation(path, folder)
    except errors.DataError as error:
        text = str(error).removeprefix(f"{path}: ")
        return Problem(path, "annotation", text, "left out")


def _parse(path: Path) -> Element:
    try:
        return ElementTree.fromstring(path.read_bytes())
    except OSError as error:
        raise errors.DataError(f"{path}: cannot be read: {error.strerror}.") from error
    except ParseError as error:
        raise errors.DataError(f"{path}: is not well-formed XML: {error}.") from error
    except defusedxml.DefusedXmlException as error:
        raise errors.DataError(f"{path}: refused as unsafe XML: {error}.") from error
    except (ValueError, LookupError) as error:  # an encoding that nobody knows
        raise errors.DataError(f"{path}: cannot be read as XML: {error}.") from error


def _photograph(path: Path, root: Element, folder: Path) -> Path:
    """The photograph of an annotation, always inside `folder`."""
    place = path.parent
    if place == folder / ANNOTATIONS:
        place = folder / PHOTOGRAPHS
    stated = (root.findtext("filename") or "").strip()
    candidates = [place / stated] if stated and Path(stated).name == stated else []
    candidates += [place / (path.stem + suffix) for suffix in sorted(images.SUFFIXES)]
    candidates += [place / (path.stem + s.upper()) for s in sorted(images.SUFFIXES)]
    for candidate in candidates:
        if os.path.isfile(candidate):  # also false for a name that cannot be one
            return candidate
    raise errors.DataError(
        f"{path}: its photograph is missing; expected {stated or path.stem} in {place}."
    )


def _size(root: Element) -> tuple[int, int] | None:
    try:
        width, height = (
            int(root.findtext(f"size/{tag}")) for tag in ("width", "height")
        )
    except (TypeError, ValueError):
        return None
    return (width, height) if width > 0 and height > 0 else None


def _text(parent: Element, tag: str, path: Path) -> str:
    text = (parent.findtext(tag) or "").strip()
    if not text:
        raise errors.DataError(f"{path}: <{parent.tag}> has no <{tag}>.")
    return text


def _number(box: Element, tag: str, path: Path) -> float:
    text = _text(box, tag, path)
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not abs(number) < 1e7:  # also false for nan
        raise errors.DataError(f"{path}: <{tag}> must be a number. Received: {text!r}.")
    return number
