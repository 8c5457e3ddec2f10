"""Pixels: decode, resize, cut. The one place that imports OpenCV.

Images are RGB uint8 `(height, width, 3)`, upright: the EXIF orientation is applied.
"""

from pathlib import Path

import cv2
import numpy as np

from midlevel import errors

DECODE_POLICY = "rgb-exif-1"  # changes whenever the same file gives other pixels
IMAGENET_MEAN = (124, 116, 104)  # RGB; stands for pixels outside the image
SUFFIXES = frozenset(  # .heic cannot be read yet, but must not be passed over silently
    (".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpe", ".jpeg")
    + (".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)


def read(path: str | Path) -> np.ndarray:
    """The photograph at `path` as upright RGB uint8 `(height, width, 3)`.

    Raises:
        errors.ImageError: the file cannot be opened or is no readable image.
    """
    return decode(read_bytes(path), path)


def read_bytes(path: str | Path) -> bytes:
    """The file's bytes; reading them first lets any path through, also non-ASCII."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        why = error.strerror or str(error)
        raise errors.ImageError(f"{path}: cannot be read: {why}.") from error


def decode(data: bytes, name: str | Path) -> np.ndarray:
    """Upright RGB uint8 pixels of an encoded image; `name` is for the error message.

    Raises:
        errors.ImageError: `data` is empty, cut off, or no image that OpenCV knows.
    """
    if not data:
        raise errors.ImageError(f"{name}: is empty; expected an image. Copy it again.")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        raise errors.ImageError(f"{name}: cannot be decoded: {error.err}.") from error
    if image is None:
        raise errors.ImageError(
            f"{name}: is not an image that can be read; it begins with {data[:8]!r}. "
            "It may be cut off or of another kind than its name says."
        )
    return image


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
    bilinear. `layers.Resize` does the same inside an exported model.
    """
    if size_wh(image) == tuple(to_wh):
        return image
    shrinks = image.shape[1] >= to_wh[0] and image.shape[0] >= to_wh[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(image, tuple(to_wh), interpolation=how)


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
