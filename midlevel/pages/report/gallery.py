"""Photographs with score maps for a report: the best and the worst of each class."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from midlevel import errors
from midlevel.evaluation import pointing
from midlevel.evaluation.validation import Validation
from midlevel.images import pixels
from midlevel.pages import drawing
from midlevel.prediction import localising
from midlevel.prediction.model import Model

LONGEST = 300  # pixels of a picture's long side
MOST = 96  # pictures' photographs in a report
CROSS = 7  # pixels, half of the mark at a map's highest point
ROWS = ("found", "missed", "wrong")
TRUE, POINT = drawing.PALETTE[2], (255, 255, 255)


@dataclass(frozen=True)
class Tile:
    """A photograph of a class, to look at.

    Attributes:
        number: into the validation's examples.
        photograph: an address that holds it, with the boxes of the class.
        map: the same, of the class's score map.
    """

    number: int
    photograph: str
    map: str


def count(classes: int) -> int:
    """Photographs in a row, so that all classes together have at most `MOST`."""
    return max(1, min(4, MOST // (len(ROWS) * classes)))


def pick(probabilities: np.ndarray, targets: np.ndarray, most: int) -> dict:
    """Numbers of the photographs of a class that are worth a look.

    `found` are those of the highest probability among the ones that show it, `missed`
    those of the lowest; `wrong` those of the highest among the ones that do not.

    >>> pick(np.array([0.9, 0.2, 0.8, 0.1]), np.array([1, 1, 0, 0]), 1)
    {'found': [0], 'missed': [1], 'wrong': [2]}
    """
    order = np.argsort(-probabilities, kind="stable")
    shows = order[targets[order] == 1].tolist()
    found = shows[:most]
    missed = shows[len(found) :][::-1][:most]
    wrong = order[targets[order] == 0].tolist()[:most]
    return {"found": found, "missed": missed, "wrong": wrong}


def tiles(
    model: Model, validation: Validation, numbers: list[int], name: str
) -> Iterator[Tile]:
    """Tiles of a class; one scale of brightness for all; the unreadable are left out.

    Args:
        numbers: of the photographs.
        name: the class.
    """
    if not numbers:
        return
    column = model.classes.index(name) + 1
    seen = list(validation.seen(model.head, numbers))
    maps = [one.map(column) for one in seen]
    top = max(heat.max() for heat in maps)
    for number, one, heat in zip(numbers, seen, maps, strict=True):
        try:
            photograph = pixels.read_enough(one.example.path, _needed)
        except errors.ImageError:
            continue  # it was there when its features were made
        small = drawing.fitted(photograph.pixels, LONGEST)
        scale = max(pixels.size_wh(small)) / max(one.size_wh)
        boxes = one.example.boxes[one.example.classes == column]
        peak = pointing.highest_point(pointing.evidence(one, column), one.size_wh)
        lit = drawing.heat(small, heat, float(top))
        lit = drawing.marked(lit, np.multiply(peak, scale), POINT, "cross", CROSS)
        shown = drawing.boxed(small, boxes, TRUE, 2, scale)
        yield Tile(number, drawing.data_uri(shown), drawing.data_uri(lit))


def _needed(size_wh: tuple[int, int]) -> tuple[int, int]:
    """The least size to read a photograph at."""
    return localising.map_size(size_wh, LONGEST)
