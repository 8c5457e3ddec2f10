"""Boxes with scores against boxes of objects: detection AP and CorLoc.

The rules are VOC's (VOC devkit, VOCevaldet.m). Detections are taken best first. Each is
compared with the object of its class in the same photograph that it overlaps most: a
hit where their IoU reaches a bound and no better detection has that object, otherwise
false, so a second hit of an object is false. One of an object marked difficult counts
neither way, and such objects need not be found.

COCO's ten bounds (Lin et al. 2014, "Microsoft COCO", and its API) have the same
matching here: COCO's own lets a detection take the next best object where the best is
taken, and reads precision at 101 recalls.

Detections of equal score are taken together, as in `metrics`. Within a photograph they
are taken in the order of their corners, so that the order of the input never matters.
"""

from collections.abc import Sequence

import numpy as np

from midlevel import errors
from midlevel.method import boxes as boxes_
from midlevel.method import metrics

FOUND = 0.5  # IoU of a correct detection (VOC), and of CorLoc
COCO = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))  # 0.5, 0.55, ..., 0.95


def hits(
    boxes: np.ndarray,
    scores: np.ndarray,
    objects: np.ndarray,
    difficult: np.ndarray,
    bounds: Sequence[float] = (FOUND,),
) -> np.ndarray:
    """What became of each detection of one class in one photograph.

    Args:
        boxes: `(n, 4)` detections, in any order.
        scores: `(n,)`.
        objects: `(m, 4)` boxes of the class.
        difficult: bool `(m,)`.
        bounds: the IoUs that make a hit.

    Returns:
        int8 `(bounds, n)`: 1 a hit, 0 false, -1 neither.

    Raises:
        errors.MidlevelError: there are not as many scores as boxes.

    >>> boxes = np.array([[0, 0, 4, 4], [0, 0, 4, 3], [9, 9, 10, 10]])
    >>> hits(boxes, np.array([0.5, 0.9, 0.1]), boxes[:1], np.array([False])).tolist()
    [[0, 1, 0]]
    """
    if len(boxes) != len(scores):
        raise errors.MidlevelError(
            "Expected a score for each box of a detection. Received: "
            f"{len(boxes)} boxes, {len(scores)} scores."
        )
    found = np.zeros((len(bounds), len(boxes)), np.int8)
    if not (len(boxes) and len(objects)):
        return found
    order = np.lexsort((*boxes.T[::-1], -np.asarray(scores)))
    first = np.lexsort((*objects.T[::-1], difficult))  # of objects that fit as well
    overlap = boxes_.iou(boxes[order], objects[first])
    best, reached = overlap.argmax(axis=1), overlap.max(axis=1)
    hard = np.asarray(difficult, bool)[first][best]
    for row, bound in zip(found, np.asarray(bounds, np.float32), strict=True):
        near = np.flatnonzero((reached >= bound) & ~hard)
        _, which = np.unique(best[near], return_index=True)  # the best of each object
        row[order[near[which]]] = 1
        row[order[(reached >= bound) & hard]] = -1
    return found


def average_precision(
    scores: np.ndarray, hits: np.ndarray, objects: int, form: str = "area"
) -> float:
    """Detection AP of one class in [0, 1]; nan where there is no object.

    Args:
        scores: `(n,)` of the detections in all photographs.
        hits: `(n,)` of 1, 0, -1, from `hits`.
        objects: how many there are to find, found or not; none of them difficult.
        form: see `metrics.average_precision`; VOC has `area` since 2010, before it
            `eleven_point`.

    Raises:
        errors.MidlevelError: a score is not finite.

    >>> average_precision(np.array([0.9, 0.8]), np.array([1, 0]), 2)
    0.5
    """
    scores = metrics.finite(scores)
    if not objects:
        return float("nan")
    precision, recall, _ = metrics.precision_recall(scores, hits)
    recall = recall * ((np.asarray(hits) == 1).sum() / objects)  # of all, not the found
    return float(metrics.of_curve(precision, recall, form))


def is_found(box: np.ndarray, objects: np.ndarray) -> bool:
    """Whether a box `(4,)` is where one of `(m, 4)` objects is: CorLoc's question.

    CorLoc is the share of photographs showing a class in which the one box that is
    given for it overlaps an object of it by VOC's criterion, an IoU of 0.5 (Deselaers,
    Alexe and Ferrari 2012, "Weakly supervised localization and learning with generic
    knowledge", IJCV 100).

    >>> is_found(np.array([0, 0, 4, 4]), np.array([[0, 0, 2, 4], [5, 5, 6, 6]]))
    True
    """
    overlap = boxes_.iou(box[None], objects)
    return bool((overlap >= np.float32(FOUND)).any())
