"""PASCAL VOC's XML files of boxes, one a photograph.

Boxes count pixels from 1 and include the last; they become half-open here, once.
"""

import os
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

import defusedxml
from defusedxml.ElementTree import DefusedXMLParser

from midlevel import errors
from midlevel.datasets import paths
from midlevel.datasets.annotation import Annotation, Problem
from midlevel.datasets.formats import values
from midlevel.datasets.formats.draft import Draft, finish
from midlevel.images import pixels

PHOTOGRAPHS, ANNOTATIONS = "JPEGImages", "Annotations"
CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read(path: Path, folder: Path) -> tuple[list[Annotation], list[Problem]]:
    """What a file says of its photograph; no annotation where it says nothing usable.

    Args:
        folder: the data's; neither the file nor its photograph may be outside it.
    """
    kind = "annotation"
    try:
        root, lines = _parse(path, folder)
        kind = "photograph"
        draft = Draft(_photograph(path, root, folder), path, _size(root))
    except errors.DataError as error:
        return [], [Problem(path, kind, str(error), "left out")]
    for item in root.iter("object"):
        try:
            draft.add(_box(item), _text(item, "name"), lines[item], _is_difficult(item))
        except errors.DataError as error:
            draft.refuse("annotation", str(error), lines[item])
    return finish([draft])


class _Numbered(TreeBuilder):
    """Makes elements, and notes the line on which each begins."""

    def __init__(self):
        super().__init__()
        self.lines: dict[Element, int] = {}
        self.parser = DefusedXMLParser(target=self)

    def start(self, tag, attributes) -> Element:
        element = super().start(tag, attributes)
        self.lines[element] = self.parser.parser.CurrentLineNumber
        return element


def _parse(path: Path, folder: Path) -> tuple[Element, dict[Element, int]]:
    """The root, and the line of each element, from 1.

    Raises:
        errors.DataError: it is outside, or no XML, or XML that may do harm.
    """
    if not paths.inside(folder, os.path.abspath(path)):
        raise errors.DataError(f"is refused; it is outside {folder}")
    builder = _Numbered()
    try:
        builder.parser.feed(path.read_bytes())
        return builder.parser.close(), builder.lines
    except OSError as error:
        raise errors.DataError(f"cannot be read: {error.strerror}") from error
    except ParseError as error:
        raise errors.DataError(f"is not well-formed XML: {error}") from error
    except defusedxml.DefusedXmlException as error:
        raise errors.DataError(f"refused as unsafe XML: {error}") from error
    except (ValueError, LookupError) as error:  # an encoding that nobody knows
        raise errors.DataError(f"cannot be read as XML: {error}") from error


def _photograph(path: Path, root: Element, folder: Path) -> Path:
    """The photograph of an annotation, always inside `folder`."""
    place = path.parent
    if place == folder / ANNOTATIONS:
        place = folder / PHOTOGRAPHS
    stated = (root.findtext("filename") or "").strip()
    candidates = [place / stated] if stated and Path(stated).name == stated else []
    candidates += [place / (path.stem + suffix) for suffix in sorted(pixels.SUFFIXES)]
    candidates += [place / (path.stem + s.upper()) for s in sorted(pixels.SUFFIXES)]
    for candidate in candidates:
        if os.path.isfile(candidate):  # also false for a name that cannot be one
            return candidate
    raise errors.DataError(
        f"its photograph is missing; expected {stated or path.stem} in {place}"
    )


def _size(root: Element) -> tuple[int, int] | None:
    return values.size(root.findtext("size/width"), root.findtext("size/height"))


def _is_difficult(item: Element) -> bool:
    return (item.findtext("difficult") or "0").strip() == "1"


def _box(item: Element) -> tuple[float, float, float, float]:
    """Half-open, from an object's `bndbox`."""
    box = item.find("bndbox")
    if box is None:
        raise errors.DataError(f"<object> {_text(item, 'name')} has no <bndbox>")
    xmin, ymin, xmax, ymax = (_number(box, tag) for tag in CORNERS)
    (xmin, xmax), (ymin, ymax) = _half_open(xmin, xmax), _half_open(ymin, ymax)
    return xmin, ymin, xmax, ymax


def _half_open(first: float, last: float) -> tuple[float, float]:
    """From pixels counted from 1, the last included; a wrong order stays one."""
    return (first - 1, last) if first <= last else (first, last - 1)


def _text(parent: Element, tag: str) -> str:
    text = (parent.findtext(tag) or "").strip()
    if not text:
        raise errors.DataError(f"<{parent.tag}> has no <{tag}>")
    return text


def _number(box: Element, tag: str) -> float:
    try:
        return values.number(_text(box, tag))
    except errors.DataError as error:
        raise errors.DataError(f"<{tag}>: {error}") from error
