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
from midlevel.datasets.formats import values, voc_photographs
from midlevel.datasets.formats.draft import Draft, finish
from midlevel.datasets.formats.voc_photographs import Shelf

ROOT = "annotation"
CORNERS = ("xmin", "ymin", "xmax", "ymax")


def read(
    path: Path, folder: Path, shelf: Shelf
) -> tuple[list[Annotation], list[Problem]]:
    """What a file says of its photograph; no annotation where it says nothing usable.

    Args:
        folder: the data's; neither the file nor its photograph may be outside it.
        shelf: the photographs of `folder`.
    """
    kind = "annotation"
    try:
        root, lines = _parse(path, folder)
        kind = "photograph"
        photograph, odd = voc_photographs.find(path, root, shelf)
    except errors.DataError as error:
        return [], [Problem(path, kind, str(error), "left out")]
    draft = Draft(photograph, path, _size(root), counts_from=1)
    for item in root.iter("object"):
        try:
            if item.findtext("deleted") != "1":  # LabelMe's
                name = _text(item, "name")
                draft.add(_box(item), name, lines[item], _is_difficult(item))
        except errors.DataError as error:
            draft.refuse("annotation", str(error), lines[item])
    rows, problems = finish([draft])
    return rows, [Problem(path, kind, text, "kept") for text in odd] + problems


class _Numbered(TreeBuilder):
    """Makes elements, and notes the line on which each begins."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[Element, int] = {}
        self.parser = DefusedXMLParser(target=self)

    def start(self, tag: str, attributes: dict[str, str]) -> Element:
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
        root = builder.parser.close()
    except OSError as error:
        raise errors.DataError(f"cannot be read: {error.strerror}") from error
    except ParseError as error:
        raise errors.DataError(f"is not well-formed XML: {error}") from error
    except defusedxml.DefusedXmlException as error:
        raise errors.DataError(f"refused as unsafe XML: {error}") from error
    except (ValueError, LookupError) as error:  # an encoding that nobody knows
        raise errors.DataError(f"cannot be read as XML: {error}") from error
    if root.tag != ROOT:
        raise errors.DataError(
            f"is XML, but not VOC's: expected <{ROOT}>. Received: "
            f"{values.shown(root.tag)}"
        )
    return root, builder.lines


def _size(root: Element) -> tuple[int, int] | None:
    return values.size(root.findtext("size/width"), root.findtext("size/height"))


def _is_difficult(item: Element) -> bool:
    return (item.findtext("difficult") or "0").strip() == "1"


def _box(item: Element) -> tuple[float, float, float, float]:
    """Half-open, from an object's `bndbox`."""
    box = item.find("bndbox")
    if box is None and item.find("polygon/pt") is not None:
        return _around(item)
    if box is None:
        raise errors.DataError(f"<object> {_text(item, 'name')} has no <bndbox>")
    xmin, ymin, xmax, ymax = (_number(box, tag) for tag in CORNERS)
    (xmin, xmax), (ymin, ymax) = _half_open(xmin, xmax), _half_open(ymin, ymax)
    return xmin, ymin, xmax, ymax


def _around(item: Element) -> tuple[float, float, float, float]:
    """The box around a polygon of LabelMe's, whose corners lie between pixels."""
    x, y = (
        [_number(point, tag) for point in item.iterfind("polygon/pt")]
        for tag in ("x", "y")
    )
    return min(x), min(y), max(x), max(y)


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
