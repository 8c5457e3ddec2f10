"""Arithmetic on boxes.

Boxes are float32 `(n, 4)` arrays of `(xmin, ymin, xmax, ymax)`, half-open, in pixels
of the upright image: a box that covers a whole image of 4 x 3 is `(0, 0, 4, 3)`.
"""

import numpy as np

from midlevel import errors


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
