"""How large a photograph may be: a few bytes can claim to be gigabytes of pixels."""

import os

from midlevel import errors

VARIABLE = "MIDLEVEL_MAX_PIXELS"
_STATED = os.environ.get(VARIABLE) or "250000000"
_IS_NUMBER = _STATED.isascii() and _STATED.isdecimal() and len(_STATED) < 16
_IS_NUMBER = _IS_NUMBER and int(_STATED) > 0
MAX_PIXELS = int(_STATED) if _IS_NUMBER else 250_000_000
MAX_BYTES = 2**31 - 1  # of a file; OpenCV counts them in an int

# A second net below `decoding`'s: OpenCV reads it when it is loaded, if it is not yet.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))


def check() -> None:
    """Refuse a limit that is no number, before a photograph is decoded under another.

    Raises:
        errors.MidlevelError: it is none.
    """
    if not _IS_NUMBER:
        raise errors.MidlevelError(
            f"{VARIABLE}: expected a number of pixels, such as 250000000. Received: "
            f"{_STATED!r}. Change the environment variable, or unset it."
        )


def check_size(size_wh: tuple[int, int]) -> None:
    """Refuse an image of too many pixels, before it is decoded.

    Raises:
        errors.ImageError: it has more than `MAX_PIXELS`; without the file's name.
    """
    if size_wh[0] * size_wh[1] > MAX_PIXELS:
        raise errors.ImageError(
            f"has {size_wh[0]:,} x {size_wh[1]:,} pixels, more than {MAX_PIXELS:,} in "
            f"all. Make it smaller, or set {VARIABLE}."
        )
