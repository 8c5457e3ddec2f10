"""What each window of a photograph teaches, and why: the sampler, rule by rule."""

from dataclasses import dataclass

import numpy as np

from midlevel import labels
from midlevel.config import Config
from midlevel.datasets import Example

WHOLE = "whole"  # takes a label that has no box
UNBOXED = "unboxed"  # may show what has a label and no box
UNDRAWN = "undrawn"  # background that the draw left out
MEANING = {  # of each reason, in the order in which people read them
    labels.OBJECT: "shows one object",
    WHOLE: "holds most of a photograph with a label and no box",
    labels.NOTHING: "background: no box qualifies",
    UNDRAWN: "background, left out by the draw",
    labels.SEVERAL: "left out: two or more boxes qualify",
    labels.DIFFICULT: "left out: a difficult box qualifies",
    UNBOXED: "left out: a label has no box, so nobody knows what it shows",
}
OTHERS = tuple(r for r in MEANING if r not in (labels.OBJECT, WHOLE))  # no class


@dataclass(frozen=True)
class Judged:
    """What the windows of one photograph teach.

    Attributes:
        ids: int16 `(n,)`, class ids as in `labels`.
        reasons: `(n,)`, keys of `MEANING`.
    """

    ids: np.ndarray
    reasons: np.ndarray


def judge(windows: np.ndarray, example: Example, config: Config, key: str) -> Judged:
    """What training learns from the windows of a photograph.

    Args:
        windows: `(n, 4)` boxes.
        example: with boxes in pixels of the photograph.
        key: identifies the photograph to the draw of background, see
            `store.content_key`.
    """
    settings = config.labels
    ids, reasons = labels.judge(
        windows, example.boxes, example.classes, example.difficult, settings.rules()
    )
    if len(example.labels):
        before, ids = ids, labels.of_whole(ids, windows, example.labels)
        new = np.where(ids > labels.BACKGROUND, WHOLE, UNBOXED)
        reasons = np.where(ids != before, new, reasons)
    if settings.background == "sample":
        fraction, before = settings.background_fraction, ids
        ids = labels.sample_background(ids, fraction, config.seed, key)
        reasons = np.where(ids != before, UNDRAWN, reasons)
    return Judged(ids, reasons)
