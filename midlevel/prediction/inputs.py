"""What people pass from Python, as what midlevel takes: pixels, files or runs."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from midlevel import errors
from midlevel.images import pixels
from midlevel.images.colours import BEHIND
from midlevel.runs import Run

ACCEPTED = (
    "Expected a path (a file, a folder or a glob), an image (an RGB uint8 array of "
    "shape (height, width, 3), a PIL image, or what numpy makes such an array of), or "
    "a list of these."
)
TEXT = "OSU"  # kinds of arrays that hold names, as of a table's column
EIGHT_BITS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")


def is_path(thing: object) -> TypeGuard["str | os.PathLike[str]"]:
    """Whether it names files."""
    return isinstance(thing, str | os.PathLike)


def is_image(thing: object) -> bool:
    """Whether it is one image: an array of numbers, or what can become one."""
    if _is_pillow(thing):
        return True
    return hasattr(thing, "__array__") and np.asarray(thing).dtype.kind not in TEXT


def image(thing: Any) -> np.ndarray:
    """An image as RGB uint8 `(height, width, 3)`.

    A PIL image is turned by its EXIF orientation, and what is transparent in it lies
    over white, as in a file.

    Raises:
        errors.ImageError: it is no such image.
    """
    if _is_pillow(thing):
        return _of_pillow(thing)
    if not isinstance(thing, np.ndarray) and hasattr(thing, "__array__"):
        thing = np.asarray(thing)
    return pixels.check(thing)


def several(thing: object) -> Iterable[Any]:
    """Things one by one, such as those of a list.

    Raises:
        errors.MidlevelError: it is none of what is accepted.
    """
    is_one = isinstance(thing, bytes | bytearray | dict)
    is_one |= getattr(thing, "ndim", 1) == 0  # an array of one name
    if isinstance(thing, Iterable) and not is_one:
        return thing
    raise errors.MidlevelError(f"{ACCEPTED} Received: {type(thing).__name__}.")


def run(thing: object) -> Run:
    """A run, by its folder or as itself.

    Raises:
        errors.MidlevelError: it is neither.
    """
    if isinstance(thing, Run):
        return thing
    if isinstance(thing, str | os.PathLike):
        return Run(Path(thing))
    raise errors.MidlevelError(
        "Expected the folder of a run, such as runs/train/20260101-120000, or a Run. "
        f"Received: {type(thing).__name__}."
    )


def _is_pillow(thing: object) -> bool:
    """By what it has: Pillow need not be there, and is not loaded to know."""
    return all(hasattr(thing, name) for name in ("convert", "mode", "getexif"))


def _of_pillow(picture: Any) -> np.ndarray:
    if picture.mode not in EIGHT_BITS:
        raise errors.ImageError(
            f"Expected a PIL image of 8 bits a channel, of mode "
            f"{', '.join(EIGHT_BITS)}. Received: mode {picture.mode}. Convert it, or "
            "pass its file."
        )
    from PIL import ImageOps  # it is there: it made the picture

    rgba = np.asarray(ImageOps.exif_transpose(picture).convert("RGBA"))
    share = rgba[..., 3:] / np.float32(255)
    blended = np.rint(rgba[..., :3] * share + BEHIND * (1 - share))
    return pixels.check(blended.astype(np.uint8))
