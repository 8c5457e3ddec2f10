"""Pixels: read, resize, cut.

Images are RGB uint8 `(height, width, 3)`, upright: the EXIF orientation is applied.
"""

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from midlevel import errors
from midlevel.images import decoding, jpeg, limits
from midlevel.system import runtime

cv2 = runtime.load_opencv()
IMAGENET_MEAN = (124, 116, 104)  # RGB; stands for pixels outside the image
# Added before rounding: halves are many where sizes are multiples of each other, and
# `export_layers.PyramidLevel` must round them alike though its last digits differ.
HALVES_UP = 1e-3


@dataclass(frozen=True)
class Photograph:
    """A decoded photograph.

    Attributes:
        pixels: RGB uint8 `(height, width, 3)`, upright, perhaps at a fraction of its
            sides.
        size_wh: the whole photograph, in pixels; boxes and windows are in these.
    """

    pixels: np.ndarray
    size_wh: tuple[int, int]


def read(path: str | Path) -> np.ndarray:
    """The photograph at `path` as upright RGB uint8 `(height, width, 3)`.

    Raises:
        errors.ImageError: the file cannot be opened or is no readable image.
    """
    return decoding.decode(read_bytes(path), path)


def read_enough(
    path: str | Path, needed: Callable[[tuple[int, int]], tuple[int, int]]
) -> Photograph:
    """The photograph at `path`, at a half, quarter or eighth of its sides if that does.

    A JPEG decoder gives it for a fraction of the time: the mean of the pixels is taken
    before they exist. Other files are decoded whole, then averaged.

    Args:
        needed: from a photograph's size to the least size that serves.

    Raises:
        errors.ImageError: the file cannot be opened or is no readable image.
    """
    return of_bytes(read_bytes(path), path, needed)


def of_bytes(
    data: bytes, path: str | Path, needed: Callable[[tuple[int, int]], tuple[int, int]]
) -> Photograph:
    """`read_enough` of a file whose bytes are known."""
    stored_wh = jpeg.size_wh(data)
    factor = _spare(stored_wh, needed(stored_wh)) if stored_wh else 1
    pixels = decoding.decode(data, path, factor)
    if stored_wh and factor > 1 and max(size_wh(pixels)) < max(stored_wh):
        turned = (pixels.shape[1] > pixels.shape[0]) != (stored_wh[0] > stored_wh[1])
        return Photograph(pixels, stored_wh[::-1] if turned else stored_wh)
    width, height = whole_wh = size_wh(pixels)
    factor = _spare(whole_wh, needed(whole_wh))
    to_wh = -(-width // factor), -(-height // factor)
    return Photograph(resize(pixels, to_wh), whole_wh)


def _spare(whole_wh: tuple[int, int], least_wh: tuple[int, int]) -> int:
    """How many times each side may be reduced, 8, 4, 2 or 1, however it is turned.

    A photograph that is not square stays so, to tell whether it was turned.
    """
    least = sorted(least_wh)
    for factor in decoding.REDUCED:
        short, long = sorted(-(-side // factor) for side in whole_wh)
        is_square = short == long and whole_wh[0] != whole_wh[1]
        if short >= least[0] and long >= least[1] and not is_square:
            return factor
    return 1


def read_bytes(path: str | Path) -> bytes:
    """The file's bytes; reading them first lets any path through, also non-ASCII.

    Raises:
        errors.ImageError: it cannot be opened, is no file of bytes (a pipe may never
            end), or is larger than a photograph.
    """
    try:
        found = os.stat(path)
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
            raise errors.ImageError(
                f"{path}: is no file, but a pipe, socket or device; expected a "
                "photograph."
            )
        if found.st_size > limits.MAX_BYTES:
            raise errors.ImageError(
                f"{path}: has {found.st_size:,} bytes; expected a photograph, of "
                f"{limits.MAX_BYTES:,} at most."
            )
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:  # a name with a nought is a ValueError
        why = getattr(error, "strerror", None) or str(error)
        raise errors.ImageError(f"{path}: cannot be read: {why}.") from error


def encode_jpeg(image: np.ndarray, quality: int = 90) -> bytes:
    """JPEG bytes of an RGB uint8 image."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def check(image: np.ndarray) -> np.ndarray:
    """`image` itself if it is RGB uint8 with at least one pixel.

    Raises:
        errors.ImageError: it is anything else.
    """
    good = (
        isinstance(image, np.ndarray)
        and image.dtype == np.uint8
        and image.ndim == 3
        and image.shape[2] == 3
        and image.size > 0
    )
    if good:
        return image
    got = f"{getattr(image, 'dtype', type(image).__name__)} {np.shape(image)}"
    raise errors.ImageError(
        "An image must be an RGB uint8 array of shape (height, width, 3). "
        f"Received: {got}."
    )


def size_wh(image: np.ndarray) -> tuple[int, int]:
    """`(width, height)` of an image in pixels."""
    return image.shape[1], image.shape[0]


def resize(image: np.ndarray, to_wh: tuple[int, int]) -> np.ndarray:
    """`image` at `to_wh` pixels.

    Pixel areas are averaged where both sides shrink, which does not alias; otherwise
    bilinear. `export_layers.PyramidLevel` does the same inside an exported model.
    """
    if size_wh(image) == tuple(to_wh):
        return image
    shrinks = image.shape[1] >= to_wh[0] and image.shape[0] >= to_wh[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(image, tuple(to_wh), interpolation=how)


def levels(image: np.ndarray, sizes_wh: Sequence[tuple[int, int]]) -> list[np.ndarray]:
    """`image` at each of the sizes, RGB uint8, rounded, halves upwards."""
    pixels = image.astype(np.float32)
    return [
        cv2.convertScaleAbs(resize(pixels, to_wh), beta=HALVES_UP) for to_wh in sizes_wh
    ]


def cut(image: np.ndarray, box: np.ndarray, side: int, context: int = 0) -> np.ndarray:
    """The part of `image` in `box`, resized to `(side, side, 3)`.

    With `context` = p, the box is widened so that p pixels on every side of the result
    show its surroundings (R-CNN, appendix A, p = 16). What lies outside the image is
    ImageNet's mean colour.
    """
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    half = half * side / (side - 2 * context)
    low = np.floor(centre - half + 0.5).astype(int)
    high = np.maximum(np.floor(centre + half + 0.5).astype(int), low + 1)
    width_height = np.array(size_wh(image))
    inside_low = np.clip(low, 0, width_height - 1)
    inside_high = np.clip(high, inside_low + 1, width_height)
    part = image[inside_low[1] : inside_high[1], inside_low[0] : inside_high[0]]

    per_pixel = side / (high - low)
    put_low = np.floor((inside_low - low) * per_pixel + 0.5).astype(int)
    put_low = np.clip(put_low, 0, side - 1)
    put_high = np.floor((inside_high - low) * per_pixel + 0.5).astype(int)
    put_high = np.clip(put_high, put_low + 1, side)
    result = np.full((side, side, 3), IMAGENET_MEAN, np.uint8)
    result[put_low[1] : put_high[1], put_low[0] : put_high[0]] = resize(
        part, tuple(put_high - put_low)
    )
    return result


def connected_parts(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The parts of a bool `(rows, columns)` mask that touch by a side.

    Returns:
        int32 `(rows, columns)`, numbers from 1, 0 outside; and int32 `(n, 4)`, the box
        of each part in cells.

    >>> parts, boxes = connected_parts(np.array([[1, 0, 1], [1, 0, 0]], bool))
    >>> parts.tolist(), boxes.tolist()
    ([[1, 0, 2], [1, 0, 0]], [[0, 0, 1, 2], [2, 0, 3, 1]])
    """
    _, parts, stats, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=4
    )
    left_top, sides = stats[1:, :2], stats[1:, 2:4]
    return parts, np.hstack([left_top, left_top + sides])
