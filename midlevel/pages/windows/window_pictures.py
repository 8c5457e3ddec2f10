"""Photographs with their windows drawn on them, a panel for each size of window."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from midlevel.images.pixels import read_enough
from midlevel.method import boxes as boxes_
from midlevel.method import labels
from midlevel.pages import drawing, outputs
from midlevel.pages.windows import window_counts
from midlevel.pages.windows.window_tally import Sampled, Tally
from midlevel.prediction import localising

LONGEST = 560  # pixels of the long side of a panel
COLUMNS = 4  # panels side by side in a PNG
GREY, WHITE = (170, 170, 170), (255, 255, 255)
MARKS = {  # of windows that learn no class: shape, colour, half size; sign in a text
    labels.NOTHING: ("dot", WHITE, 4, "●"),
    labels.UNDRAWN: ("point", GREY, 2, "·"),
    labels.SEVERAL: ("cross", WHITE, 5, "×"),
    labels.DIFFICULT: ("plus", WHITE, 5, "+"),
    labels.UNBOXED: ("diamond", GREY, 4, "◇"),
    labels.ALONE: ("diamond", WHITE, 4, "◆"),
    labels.NOT_SAID: ("square", GREY, 4, "□"),
}


def colours(class_ids: Iterable[int], count: int) -> dict[int, tuple[int, int, int]]:
    """A colour for each of the classes of one photograph, RGB.

    Where the palette has enough for all `count` classes, a class has the same one in
    every photograph.
    """
    ids = sorted(set(map(int, class_ids)))
    enough = count <= len(drawing.PALETTE)
    places = [i - 1 if enough else rank for rank, i in enumerate(ids)]
    palette = drawing.PALETTE
    return {i: palette[at % len(palette)] for i, at in zip(ids, places, strict=True)}


def css(rgb: tuple[int, int, int]) -> str:
    """A colour as a style sheet writes it.

    >>> css((0, 114, 178))
    '#0072b2'
    """
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def signs(is_alone: bool = False) -> list[tuple[str, str]]:
    """What the marks of windows that learn no class mean: a sign and a text each.

    Args:
        is_alone: whether labels of photographs alone teach.
    """
    return [
        (mark[-1], labels.MEANING[reason])
        for reason, mark in MARKS.items()
        if (reason == labels.ALONE) == is_alone
    ]


def draw(sampled: Sampled, tally: Tally, number: str, place: Path) -> dict:
    """Write a photograph's panels as a PNG; what the page says of it.

    Args:
        number: with which the PNG's name begins.
        place: the folder to write to.
    """
    example, plan = sampled.example, sampled.plan
    counts, names = tally.count(sampled), tally.dataset.classes
    inks = colours((*example.classes, *example.unboxed), len(names))
    pixels = _pixels(example.path, plan.size_wh)
    panels = [_panel(pixels, sampled, i, inks) for i in range(len(tally.sizes))]
    file = f"{number}-{outputs.slug(example.path.stem)}.png"
    tagged = zip(panels, tally.sizes, strict=True)
    tiles = [drawing.tagged(panel, size, size=0.7) for panel, size in tagged]
    outputs.write_picture(place / file, drawing.rows(tiles, COLUMNS))
    boxes = zip(example.classes, tally.taught(sampled), strict=True)
    return {
        "name": example.path.name,
        "file": file,
        "size_wh": plan.size_wh,
        "counts": counts,
        "labels": [(names[i - 1], css(inks[i])) for i in example.unboxed],
        "boxes": [
            (names[i - 1], css(inks[i]), window_counts.why(taught, tally.config))
            for i, taught in boxes
        ],
        "panels": [
            {
                "size": size,
                "picture": drawing.data_uri(panel),
                "windows": _described(sampled, i, names),
            }
            for i, (size, panel) in enumerate(zip(tally.sizes, panels, strict=True))
            if (sampled.numbers == i).any()
        ],
    }


def _pixels(path: Path, size_wh: tuple[int, int]) -> np.ndarray:
    """A photograph for a panel: small, and dim, so that marks stand out."""
    needed = localising.map_size(size_wh, LONGEST)
    small = drawing.sized(read_enough(path, lambda _: needed).pixels, LONGEST)
    return (small * 0.6 + small.mean(axis=2, keepdims=True) * 0.15).astype(np.uint8)


def _panel(pixels: np.ndarray, sampled: Sampled, size: int, inks: dict) -> np.ndarray:
    """The windows of one size: marks at their centres, outlines where they teach."""
    example, ids = sampled.example, sampled.judged.ids
    scale = pixels.shape[1] / sampled.plan.size_wh[0]
    boxes = sampled.plan.boxes
    of_size = sampled.numbers == size
    teaching = [i for i in np.unique(ids[of_size]) if i > labels.BACKGROUND]
    for i in teaching:
        windows = boxes[of_size & (ids == i)]
        pixels = drawing.boxed(pixels, windows, inks[i], 1, scale)
    for i in np.unique(example.classes):
        of_class = example.boxes[example.classes == i]
        pixels = drawing.boxed(pixels, of_class, inks[i], 4, scale)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2 * scale
    for reason, (shape, ink, half, _) in MARKS.items():
        points = centres[of_size & (sampled.judged.reasons == reason)]
        pixels = drawing.marked(pixels, points, ink, shape, half)
    for i in teaching:
        points = centres[of_size & (ids == i)]
        pixels = drawing.marked(pixels, points, inks[i], "dot", 7)
    return pixels


def _described(sampled: Sampled, size: int, names: Sequence[str]) -> list[tuple]:
    """Each window of one size as `(box, what it teaches and why)`, for the page."""
    boxes, example = sampled.plan.boxes, sampled.example
    fills, shows = boxes_.shares(boxes, example.boxes)
    rows = []
    for i in np.flatnonzero(sampled.numbers == size):
        class_id, reason = sampled.judged.ids[i], sampled.judged.reasons[i]
        says = [f"learns {names[class_id - 1]}"] if class_id > 0 else []
        says += [labels.MEANING[reason]]
        says += [
            f"{names[example.classes[j] - 1]}: fills {fills[i, j]:.0%} of the window, "
            f"{shows[i, j]:.0%} of it is shown"
            for j in np.flatnonzero(shows[i] > 0)
        ]
        rows.append((boxes[i].round(1).tolist(), "; ".join(says)))
    return rows
