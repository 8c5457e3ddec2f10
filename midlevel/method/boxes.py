"""Arithmetic on boxes.

Boxes are float32 `(n, 4)` arrays of `(xmin, ymin, xmax, ymax)`, half-open, in pixels
of the upright image: a box that covers a whole image of 4 x 3 is `(0, 0, 4, 3)`.
"""

import numpy as np

from midlevel import errors

SUPPRESSED = 0.3  # IoU from which a lower box is dropped (R-CNN's code)
HALF = 0.5  # share of the smaller of two boxes from which one lies on the other


def area(boxes: np.ndarray) -> np.ndarray:
    """Area of each box in square pixels, `(n,)`; inverted boxes have none.

    >>> area(np.array([[0, 0, 4, 3], [2, 2, 1, 5]])).tolist()
    [12.0, 0.0]
    """
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0).astype(np.float32)
    return sides[:, 0] * sides[:, 1]


def intersection(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Area shared by each pair of boxes: `(n, 4)` and `(m, 4)` give `(n, m)`.

    >>> intersection(np.array([[0, 0, 4, 4]]), np.array([[2, 2, 6, 6], [4, 0, 5, 1]]))
    array([[4., 0.]], dtype=float32)
    """
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.maximum(high - low, 0).astype(np.float32)
    return sides[..., 0] * sides[..., 1]


def iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of each pair, `(n, m)`; 0 where both are empty.

    >>> iou(np.array([[0, 0, 2, 2]]), np.array([[0, 0, 2, 2], [1, 0, 3, 2]])).round(3)
    array([[1.   , 0.333]], dtype=float32)
    """
    shared = intersection(first, second)
    union = area(first)[:, None] + area(second)[None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def clip(boxes: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    """Boxes cut at the borders of an image of `size_wh` pixels.

    >>> clip(np.array([[-1.0, 2.0, 9.0, 3.0]]), (5, 4)).tolist()
    [[0.0, 2.0, 5.0, 3.0]]
    """
    width, height = size_wh
    return np.clip(boxes, 0, (width, height, width, height)).astype(np.float32)


def inside(boxes: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    """Boxes cut at the borders of an image, each with some area left.

    >>> inside(np.array([[-1.0, 2.0, 9.0, 3.0]]), (5, 4)).tolist()
    [[0.0, 2.0, 5.0, 3.0]]

    Raises:
        errors.MidlevelError: they are no `(n, 4)` numbers, or one is empty there.
    """
    boxes = np.asarray(boxes)
    if boxes.ndim != 2 or boxes.shape[1] != 4 or boxes.dtype.kind not in "iuf":
        raise errors.MidlevelError(
            "Expected boxes as numbers (n, 4): xmin, ymin, xmax, ymax in pixels. "
            f"Received: {boxes.dtype} {boxes.shape}."
        )
    cut = clip(boxes, size_wh)
    bad = ~np.isfinite(boxes).all(axis=1) | ~(cut[:, 2:] > cut[:, :2]).all(axis=1)
    if bad.any():
        number = int(bad.argmax())
        raise errors.MidlevelError(
            f"Expected boxes with an area inside the image of {size_wh[0]} x "
            f"{size_wh[1]} pixels. Received: {boxes[number].tolist()} (box {number})."
        )
    return cut


def mirror(boxes: np.ndarray, width: int) -> np.ndarray:
    """Boxes after the image of `width` pixels is flipped left to right.

    >>> mirror(np.array([[0.0, 1.0, 2.0, 3.0]]), 10).tolist()
    [[8.0, 1.0, 10.0, 3.0]]
    """
    flipped = np.array(boxes, np.float32)
    flipped[:, [0, 2]] = width - flipped[:, [2, 0]]
    return flipped


def shares(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How much of each box of a pair the other covers.

    Returns:
        two float32 `(n, m)` in [0, 1]: the shares of `first`, and those of `second`.

    >>> shares(np.array([[0, 0, 4, 4]]), np.array([[2, 0, 4, 2], [2, 0, 6, 4]]))
    (array([[0.25, 0.5 ]], dtype=float32), array([[1. , 0.5]], dtype=float32))
    """
    shared = intersection(first, second)
    areas = area(first)[:, None], area(second)[None, :]
    of_first, of_second = (shared / np.maximum(one, 1e-6) for one in areas)
    return of_first, of_second


def suppress(
    boxes: np.ndarray,
    scores: np.ndarray,
    most: int | None = None,
    overlap: float = SUPPRESSED,
) -> np.ndarray:
    """Greedy non-maximum suppression: numbers of the boxes that stay, int `(m,)`.

    The best stays and drops all that overlap it by an IoU of `overlap` or more; so does
    the best of the rest, until none is left.

    Args:
        scores: `(n,)`; of equal ones the first box is better.
        most: how many stay at most.

    >>> boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]])
    >>> suppress(boxes, np.array([0.5, 0.6, 0.1])).tolist()
    [1, 2]
    """
    waiting = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(waiting) and (most is None or len(kept) < most):
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        shared = iou(boxes[[best]], boxes[waiting])[0]
        waiting = waiting[shared < overlap]
    return np.array(kept, int)


def lies_on(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which of `(m, 4)` others each of `(n, 4)` boxes lies on, int `(n,)`; -1 for none.

    A box lies on another where half of the smaller of the two is in the larger; of
    several on the one that it fits best (IoU).

    >>> boxes = np.array([[0, 0, 4, 4], [9, 0, 19, 10], [4, 0, 8, 4]])
    >>> lies_on(boxes, np.array([[8, 0, 18, 10], [0, 0, 5, 5]])).tolist()
    [1, 0, -1]
    """
    if not len(others):
        return np.full(len(boxes), -1)
    shared = intersection(boxes, others)
    smaller = np.minimum(area(boxes)[:, None], area(others)[None, :])
    lies = (shared > 0) & (shared >= HALF * smaller)
    fit = np.where(lies, iou(boxes, others), 0)
    return np.where(lies.any(axis=1), fit.argmax(axis=1), -1)
