"""COCO's JSON files as they are: lists of items, their lines and ids."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from midlevel import errors
from midlevel.datasets import paths
from midlevel.datasets.annotation import Problem
from midlevel.datasets.formats import json_lines, others

EXPECTED = "annotations/*.json with images, annotations and categories"
LISTS = ("images", "annotations", "categories")

Names = dict[int | str, str]  # of categories, by id


@dataclass(frozen=True)
class File:
    """A JSON file that has been read.

    Attributes:
        path: the file.
        lists: its items by key, all of `LISTS`.
        lines: line of each item, from 1, by key; empty where all is one line.
    """

    path: Path
    lists: dict[str, list]
    lines: dict[str, list[int]]

    @property
    def has_objects(self) -> bool:
        """Whether objects are what the annotations are about, or there are none."""
        is_about = self._has_boxes or self.is_of_labels
        return bool(self.lists["categories"]) and (
            is_about or not self.lists["annotations"]
        )

    @cached_property
    def is_of_labels(self) -> bool:
        """Whether no annotation says where, and all say of which category they are."""
        keys = [item for item in self._annotations if "category_id" in item]
        is_all = len(keys) == len(self.lists["annotations"]) > 0
        return is_all and not self._has_boxes

    def is_label(self, item: dict) -> bool:
        """Whether an annotation says of which category it is, and not where.

        Beside others with boxes, one whose `bbox` is empty has lost it.
        """
        is_bare = "category_id" in item and not {"bbox", "segmentation"} & item.keys()
        return is_bare or self.is_of_labels

    @property
    def _annotations(self) -> list[dict]:
        return [item for item in self.lists["annotations"] if isinstance(item, dict)]

    @property
    def _has_boxes(self) -> bool:
        return any(i.get("bbox") or i.get("segmentation") for i in self._annotations)

    def line(self, key: str, i: int) -> int | None:
        """Where item `i` of a list begins."""
        return self.lines[key][i] if self.lines else None

    def problem(self, key: str, i: int, kind: str, text: object, fate: str) -> Problem:
        """What is wrong with item `i` of a list."""
        return Problem(self.path, kind, f"{key}[{i}]: {text}", fate, self.line(key, i))


def load(path: Path) -> File:
    """Read a file.

    Raises:
        errors.DataError: it cannot be read, or is not COCO's.
    """
    advice = f"Expected {EXPECTED}; export it again."
    text = paths.text(path)
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise errors.DataError(
            f"{path}: is not JSON that can be read: {error}. {advice}"
        ) from error
    if not isinstance(data, dict):
        tool = others.tool_of(path)
        known = f"seems to be {tool[0]}" if tool else "is JSON"
        raise errors.DataError(f"{path}: {known}, but not COCO's. {advice}")
    lists = {key: data.get(key, []) for key in LISTS}
    for key, found in lists.items():
        if not isinstance(found, list):
            raise errors.DataError(f"{path}: {key!r} is no list. {advice}")
    lines = json_lines.of_items(text) if "\n" in text.strip() else {}
    return File(path, lists, lines)


def identity(item: object, key: str) -> int | str | None:
    value = item.get(key) if isinstance(item, dict) else None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, (int, str)) else None


def among(ids: dict, key: int | str | None) -> int | str | None:
    """An id, or the one among `ids` that differs in its type alone, as "1" and 1."""
    if key is None or key in ids:
        return key
    other: int | str = str(key) if isinstance(key, int) else key
    if isinstance(key, str) and key.isdecimal() and key.isascii() and len(key) < 19:
        other = int(key)
    return other if other in ids else key
