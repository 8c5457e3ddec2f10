"""Which windows teach what: window class ids from boxes (Oquab 2014, section 3.2).

A class id is 0 for background, 1 and up for the classes, -1 for a window that is left
out of training.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from midlevel.method import boxes as boxes_

BACKGROUND = 0
BACKGROUND_NAME = "background"
NONE_NAME = "none of the classes"  # column 0 of a head that knows no background
LEFT_OUT = -1
LEAVE_OUT = "leave_out"
OBJECT = "object"  # reasons for a class id: one box qualifies
NOTHING = "nothing"  # none does
SEVERAL = "several"  # two or more do
DIFFICULT = "difficult"  # one that is hard to see does
WHOLE = "whole"  # it takes a label that has no box
UNBOXED = "unboxed"  # it may show what has a label and no box
ALONE = "alone"  # labels of photographs alone teach
NOT_SAID = "not said"  # it may show what nobody has looked for, or not boxed
UNDRAWN = "undrawn"  # background that the draw left out
MEANING = {  # of each reason, in the order in which people read them
    OBJECT: "shows one object",
    WHOLE: "holds most of a photograph with a label and no box",
    NOTHING: "background: no box qualifies",
    UNDRAWN: "background, left out by the draw",
    SEVERAL: "left out: two or more boxes qualify",
    DIFFICULT: "left out: a difficult box qualifies",
    UNBOXED: "left out: a label has no box, so nobody knows what it shows",
    ALONE: "teaches with all others: labels are of the photograph, not of windows",
    NOT_SAID: "left out: not all classes were looked for, or not all objects boxed",
}
OTHERS = tuple(r for r in MEANING if r not in (OBJECT, WHOLE))  # no class
MIN_OF_WINDOW = 0.2  # the paper, section 3.2, rule (i)
MIN_OF_BOX = 0.6  # the paper, section 3.2, rule (ii)
ROUNDING = 1 - 1e-6  # of these shares that is enough: float32 has no tenths
LARGEST = 0.99  # of the largest window's area; levels are rounded to whole cells


def names_by_id(classes: Sequence[str], has_background: bool = True) -> tuple[str, ...]:
    """The name of each class id, the background's first.

    >>> names_by_id(["cat", "dog"])
    ('background', 'cat', 'dog')
    >>> names_by_id(["cat"], has_background=False)
    ('none of the classes', 'cat')
    """
    return (BACKGROUND_NAME if has_background else NONE_NAME, *classes)


@dataclass(frozen=True)
class Rules:
    """Which box labels which window.

    Attributes:
        min_of_window: least share of a window that the box fills.
        min_of_box: least share of the box that the window shows.
        same_class: what two or more qualifying boxes of one class give: `leave_out`
            (the paper's words) or `keep` (that class).
        difficult: the paper does not say. `leave_out` leaves out a window for which a
            difficult box qualifies, `use` treats it as any other box, `ignore` as if
            it were not there.
        background_fraction: share of the background windows that is drawn; the paper
            keeps 10 % (section 3.2).
        unboxed: what labels without a box teach: the `largest` windows of their
            photograph, or with `leave_out` none.
    """

    min_of_window: float = MIN_OF_WINDOW
    min_of_box: float = MIN_OF_BOX
    same_class: str = LEAVE_OUT
    difficult: str = LEAVE_OUT
    background_fraction: float = 1.0
    unboxed: str = "largest"


class Objects(Protocol):
    """What is known of a photograph's objects, such as a `datasets.Example`.

    Attributes:
        boxes: `(m, 4)` in pixels.
        classes: `(m,)` int, class ids from 1.
        difficult: `(m,)` bool, objects that VOC marks as difficult.
        unboxed: `(l,)` class ids of what is shown and has no box.
        not_said: class ids of which nobody says whether they are shown.
        partly_boxed: class ids of which only some objects have a box.
    """

    @property
    def boxes(self) -> np.ndarray: ...
    @property
    def classes(self) -> np.ndarray: ...
    @property
    def difficult(self) -> np.ndarray: ...
    @property
    def unboxed(self) -> np.ndarray: ...
    @property
    def not_said(self) -> np.ndarray: ...
    @property
    def partly_boxed(self) -> np.ndarray: ...


@dataclass(frozen=True)
class Judged:
    """What the windows of one photograph teach.

    Attributes:
        ids: int16 `(n,)` class ids.
        reasons: `(n,)`, keys of `MEANING`.
    """

    ids: np.ndarray
    reasons: np.ndarray


def judge(
    windows: np.ndarray, objects: Objects, rules: Rules, seed: int, name: str
) -> Judged:
    """What training learns from the windows of a photograph, and why.

    Args:
        windows: `(n, 4)` boxes.
        name: identifies the photograph to the draw of background, see
            `sample_background`.
    """
    ids, reasons = by_boxes(
        windows, objects.boxes, objects.classes, objects.difficult, rules
    )
    if len(objects.unboxed):
        taught = objects.unboxed if rules.unboxed != LEAVE_OUT else ()
        before, ids = ids, of_whole(ids, windows, taught)
        new = np.where(ids > BACKGROUND, WHOLE, UNBOXED)
        reasons = np.where(ids != before, new, reasons)
    if len(objects.not_said) or len(objects.partly_boxed):
        is_open = ids == BACKGROUND
        ids = np.where(is_open, np.int16(LEFT_OUT), ids)
        reasons = np.where(is_open, NOT_SAID, reasons)
    if rules.background_fraction < 1:
        before = ids
        ids = sample_background(ids, rules.background_fraction, seed, name)
        reasons = np.where(ids != before, UNDRAWN, reasons)
    return Judged(ids, reasons)


def qualifies(
    windows: np.ndarray,
    boxes: np.ndarray,
    min_of_window: float = MIN_OF_WINDOW,
    min_of_box: float = MIN_OF_BOX,
) -> np.ndarray:
    """Which box qualifies for which window: bool `(n windows, m boxes)`.

    A box B qualifies for a window P when it fills enough of the window,
    |P n B| >= `min_of_window` |P|, and the window shows enough of the box,
    |P n B| >= `min_of_box` |B|. An empty box qualifies for none.

    >>> window = np.array([[0.0, 0.0, 10.0, 10.0]])
    >>> qualifies(window, np.array([[0.0, 0, 5, 4], [0, 0, 4, 4], [8, 0, 18, 10]]))
    array([[ True, False, False]])
    """
    shared = boxes_.intersection(windows, boxes)
    fills = shared >= min_of_window * boxes_.area(windows)[:, None] * ROUNDING
    shows = shared >= min_of_box * boxes_.area(boxes)[None, :] * ROUNDING
    return fills & shows & (shared > 0)


def by_boxes(
    windows: np.ndarray,
    boxes: np.ndarray,
    classes: np.ndarray,
    difficult: np.ndarray | None = None,
    rules: Rules | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Class ids of windows by the boxes that qualify, and which rule gave each.

    One qualifying box: its class. None: background, also where an object is too small
    or cut off. Two or more: left out (the paper's figure 4, "2 labels: delete").

    Args:
        windows: `(n, 4)` boxes.
        boxes: `(m, 4)` boxes of the objects.
        classes: `(m,)` int, class ids from 1.
        difficult: `(m,)` bool, objects that VOC marks as difficult; none by default.
        rules: by default the paper's.

    Returns:
        class ids, int16 `(n,)`; and reasons, `(n,)`: `OBJECT`, `NOTHING`, `SEVERAL`
        or `DIFFICULT`, which comes before `SEVERAL` where both hold.

    >>> window, box = np.array([[0.0, 0, 9, 9]]), np.array([[0.0, 0, 9, 9]])
    >>> by_boxes(window, np.vstack([box, box]), np.array([3, 4]))[1].tolist()
    ['several']
    """
    rules = rules or Rules()
    hits = qualifies(windows, boxes, rules.min_of_window, rules.min_of_box)
    if difficult is None or rules.difficult == "use":
        difficult = np.zeros(len(boxes), bool)
    spoiled = hits[:, difficult].any(axis=1) & (rules.difficult == LEAVE_OUT)
    hits, classes = hits[:, ~difficult], np.asarray(classes, np.int16)[~difficult]

    no_class = np.iinfo(np.int16).max
    highest = np.where(hits, classes, BACKGROUND).max(axis=1, initial=BACKGROUND)
    lowest = np.where(hits, classes, no_class).min(axis=1, initial=no_class)
    several = hits.sum(axis=1) > 1
    if rules.same_class == "keep":
        several &= highest != lowest
    ids = np.where(several | spoiled, LEFT_OUT, highest).astype(np.int16)
    kept = np.where(highest > BACKGROUND, OBJECT, NOTHING)
    return ids, np.where(spoiled, DIFFICULT, np.where(several, SEVERAL, kept))


def judge_alone(count: int) -> Judged:
    """What so many windows of a photograph teach where labels alone teach."""
    ids = np.full(count, LEFT_OUT, np.int16)
    return Judged(ids, np.full(count, ALONE))


def of_whole(
    ids: np.ndarray, windows: np.ndarray, classes: Sequence[int] | np.ndarray
) -> np.ndarray:
    """Class ids where a photograph shows `classes` that have no box, int16 `(n,)`.

    Its largest windows, which hold most of it, take these in turns, or none where
    there are none. Any other window may show them, so none is background.

    Args:
        ids: `(n,)` from `by_boxes`.
        windows: `(n, 4)` boxes.
        classes: `(m,)` class ids from 1.

    >>> windows = np.array([[0.0, 0, 9, 9], [1, 0, 10, 9], [0, 0, 3, 3]])
    >>> of_whole(np.zeros(3, np.int16), windows, np.array([2])).tolist()
    [2, 2, -1]
    """
    largest = np.flatnonzero(largest_of(windows) & (ids == BACKGROUND))
    ids = np.where(ids == BACKGROUND, LEFT_OUT, ids)
    if len(classes):
        ids[largest] = np.resize(classes, len(largest))
    return ids.astype(np.int16)


def largest_of(windows: np.ndarray) -> np.ndarray:
    """Which windows are the largest, which hold most of a photograph: bool `(n,)`."""
    areas = boxes_.area(windows)
    return areas >= LARGEST * areas.max()


def lies_on(windows: np.ndarray, objects: Objects) -> np.ndarray:
    """The class of the object that each window lies on, int16 `(n,)`; 0 for none.

    See `boxes.lies_on`; `by_boxes` is stricter, it asks what a window may teach.
    """
    ids = np.append(np.asarray(objects.classes, np.int16), np.int16(BACKGROUND))
    return ids[boxes_.lies_on(windows, objects.boxes)]


def sample_background(
    ids: np.ndarray, fraction: float, seed: int, name: str
) -> np.ndarray:
    """Ids with all but a random `fraction` of the background left out, int16 `(n,)`.

    The draw depends on `seed` and the image's `name` alone, so the order of the images
    does not matter. The paper keeps 10 % (section 3.2).

    >>> int((sample_background(np.zeros(1000, np.int16), 0.1, 0, "a") == 0).sum())
    119
    """
    digest = hashlib.sha256(
        f"{seed}/{name}".encode("utf-8", "surrogateescape")
    ).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "little"))
    drop = (ids == BACKGROUND) & (rng.random(len(ids)) >= fraction)
    return np.where(drop, LEFT_OUT, ids).astype(np.int16)
