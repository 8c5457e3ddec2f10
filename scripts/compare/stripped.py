"""A data set with labels on all photographs, and with boxes on some of them alone.

Written in Open Images' tables: no other format says of one photograph what it shows
without a box, what it does not show, and which boxes are difficult. What is difficult
alone is neither present nor absent, with its box and without it.
"""

import csv
import io
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from compare.tasks import TRAIN, VAL
from midlevel import errors
from midlevel.datasets import Dataset, Example
from midlevel.images import pixels
from midlevel.system import files

BOXES, LABELS = "annotations-bbox", "annotations-human-imagelabels"
LABEL_COLUMNS = ("ImageID", "LabelName", "Confidence")
BOX_COLUMNS = (*LABEL_COLUMNS, "XMin", "XMax", "YMin", "YMax", "IsGroupOf")
PHOTOGRAPHS = "images"

Row = tuple[str | float, ...]


def order(dataset: Dataset, seed: int) -> list[Path]:
    """The photographs to learn from that have boxes, as the seed shuffles them.

    The first tenth are among the first quarter: what is drawn is nested.
    """
    paths = [row.path for row in dataset.split(TRAIN) if len(row.boxes)]
    return [paths[i] for i in np.random.default_rng(seed).permutation(len(paths))]


def first(paths: list[Path], share: float) -> list[Path]:
    """So many per cent of them.

    >>> len(first([Path("a")] * 30, 25))
    8
    """
    return paths[: round(len(paths) * share / 100)]


def write(dataset: Dataset, boxed: Collection[Path], folder: Path) -> None:
    """Write the data set, its photographs linked; one that is there stays if it is it.

    Args:
        dataset: laid out as PASCAL VOC, of the classes to learn alone.
        boxed: the photographs to learn from that keep their boxes; those to measure on
            keep all.

    Raises:
        errors.DataError: the folder holds another.
    """
    kept = {*boxed, *(row.path for row in dataset.split(VAL))}
    for split in (TRAIN, VAL):
        rows = dataset.split(split)
        boxes = [cells for row in rows for cells in _boxes(dataset, row, kept)]
        labels = [cells for row in rows for cells in _labels(dataset, row)]
        _table(folder / f"{split}-{BOXES}.csv", BOX_COLUMNS, boxes)
        _table(folder / f"{split}-{LABELS}.csv", LABEL_COLUMNS, labels)
    if not (folder / PHOTOGRAPHS).exists():
        there = dataset.split(TRAIN)[0].path.parent.resolve()
        (folder / PHOTOGRAPHS).symlink_to(there, target_is_directory=True)


def _boxes(dataset: Dataset, row: Example, kept: Collection[Path]) -> Iterator[Row]:
    """Boxes in shares of the sides.

    A photograph without has an empty row, so that all stay in one order, whichever
    have boxes.
    """
    if row.path not in kept or not len(row.boxes):
        yield row.path.name, *[""] * (len(BOX_COLUMNS) - 1)
        return
    size_wh = row.size_wh or pixels.size_wh(pixels.read(row.path))
    shares = row.boxes.astype(float) / np.tile(size_wh, 2)
    marked = zip(
        shares.tolist(), row.classes.tolist(), row.difficult.tolist(), strict=True
    )
    for (xmin, ymin, xmax, ymax), number, is_difficult in marked:
        corners = (round(share, 9) for share in (xmin, xmax, ymin, ymax))
        name = dataset.classes[number - 1]
        yield row.path.name, name, 1, *corners, int(is_difficult)


def _labels(dataset: Dataset, row: Example) -> Iterator[Row]:
    """What is present and what is absent; nothing of what is neither."""
    targets = row.targets(len(dataset.classes)).tolist()
    for name, target in zip(dataset.classes, targets, strict=True):
        if target >= 0:
            yield row.path.name, name, target


def _table(path: Path, columns: tuple[str, ...], rows: list[Row]) -> None:
    waiting = io.StringIO()
    csv.writer(waiting, lineterminator="\n").writerows([columns, *rows])
    text = waiting.getvalue()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(path, text)
    elif path.read_text(encoding="utf-8") != text:
        raise errors.DataError(
            f"{path}: says other than was drawn now. Name another folder to write to, "
            "or delete this one."
        )
