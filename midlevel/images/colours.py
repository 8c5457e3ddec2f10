"""Decoded values of 8 or 16 bits, with or without alpha -> 8 bits over white."""

from collections.abc import Callable

import numpy as np

from midlevel import errors

BEHIND = 255  # white, what transparent pixels lie on
BITS = (8, 10, 12, 14, 16)  # what cameras and scanners give
BAND = 1 << 20  # pixels turned into floats at a time
STRAIGHT, PREMULTIPLIED = 2, 1  # kinds of alpha, as TIFF's ExtraSamples counts them


def eight(image: np.ndarray, alpha: int = STRAIGHT) -> np.ndarray:
    """uint8 of grey or three colours, or of these with alpha, in their order.

    Args:
        image: uint8 or uint16 `(height, width)` or `(height, width, 1, 3 or 4)`.
        alpha: what the fourth channel is; 0 for something else.

    Returns:
        Without the fourth channel.

    Raises:
        errors.ImageError: it has other channels or values.
    """
    channels = 1 if image.ndim == 2 else image.shape[2]
    if channels not in (1, 3, 4):
        raise errors.ImageError(f"has {channels} channels. Save it as RGB.")
    colours = image if channels < 4 else image[..., :3]
    bits = _bits(colours)
    if channels < 4 or not alpha:
        return _in_bands(lambda part: _scaled(part, bits), colours)
    full = _full(image, bits)
    return _in_bands(lambda part: _over(part, bits, full, alpha), image)


def _bits(image: np.ndarray) -> int:
    """How many bits the values of 16 fill; often fewer than they have."""
    if image.dtype == np.uint8:
        return 8
    if image.dtype != np.uint16:
        raise errors.ImageError(
            f"holds {image.dtype} values, whose range is not known. Save it with 8 or "
            "16 bits."
        )
    most = int(image.max())
    return next(bits for bits in BITS if most < 2**bits)


def _scaled(image: np.ndarray, bits: int) -> np.ndarray:
    if image.dtype == np.uint8:
        return image
    scaled = image * np.float32(255 / (2**bits - 1))
    return np.rint(scaled).clip(0, 255).astype(np.uint8)


def _full(image: np.ndarray, bits: int) -> int:
    """The alpha that hides what is behind; it may fill more bits than the colours."""
    return 2**bits - 1 if image[..., 3].max() < 2**bits else 65535


def _over(image: np.ndarray, bits: int, full: int, alpha: int) -> np.ndarray:
    """Three colours with alpha, over `BEHIND`."""
    cover = image[..., 3:].astype(np.float32) / full
    colours = image[..., :3] * np.float32(255 / (2**bits - 1))
    if alpha == STRAIGHT:
        colours *= cover
    return np.rint(colours + BEHIND * (1 - cover)).clip(0, 255).astype(np.uint8)


def _in_bands(
    work: Callable[[np.ndarray], np.ndarray], image: np.ndarray
) -> np.ndarray:
    """`work(image)` as uint8, some rows at a time, which bounds memory."""
    if image.dtype == np.uint8 and (image.ndim == 2 or image.shape[2] < 4):
        return np.ascontiguousarray(image)
    rows = max(1, BAND // image.shape[1])
    shape = (
        image.shape if image.ndim == 2 else (*image.shape[:2], min(image.shape[2], 3))
    )
    result = np.empty(shape, np.uint8)
    for top in range(0, len(image), rows):
        result[top : top + rows] = work(image[top : top + rows])
    return result
