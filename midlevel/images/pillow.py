"""Images that Pillow reads better than OpenCV: AVIF, HEIC, TIFF of grey with alpha.

Others stay OpenCV's. Of 16 bits Pillow keeps the upper 8, nought where a camera gave
10; of JPEGs it opens neither those cut off nor those of 12 bits to say so, and gives no
reduced ones as fast; it makes a WebP's canvas before its size can be refused.
"""

import io
import warnings

import numpy as np
from PIL import Image, ImageFile

from midlevel import errors
from midlevel.images import exif, limits

# It warns of damaged EXIF, on stderr; the photograph is read all the same.
warnings.filterwarnings("ignore", module=r"PIL\.")


def read(data: bytes, kind: str) -> tuple[np.ndarray, int]:
    """RGB or RGBA uint8 `(height, width, channels)`, and its EXIF orientation.

    Raises:
        errors.ImageError: it is damaged or too large, or HEIC without the extra.
    """
    try:
        image: Image.Image = _plugin(kind)(io.BytesIO(data), "")
        limits.check_size(image.size)
        image.load()
        if image.mode == "La":  # multiplied by its alpha; only this way leads out
            image = image.convert("LA")
        mode = "RGBA" if image.has_transparency_data else "RGB"
        pixels = np.array(image.convert(mode))
    except (errors.ImageError, MemoryError):
        raise
    except Exception as error:  # plugins raise all kinds where a file is damaged
        why = " ".join(str(error).rstrip(" .\n").split()) or type(error).__name__
        raise errors.ImageError(
            f"is {kind} and cannot be decoded: {why}. It may be cut off or damaged, or "
            "of a rare kind; save it again."
        ) from error
    return pixels, exif.orientation(image.info.get("exif") or b"")


def _plugin(kind: str) -> type[ImageFile.ImageFile]:
    """Plugins by themselves: `Image.open` tries all, under a limit of its own."""
    if kind == "AVIF":
        from PIL.AvifImagePlugin import AvifImageFile

        return AvifImageFile
    if kind == "TIFF":
        from PIL.TiffImagePlugin import TiffImageFile

        return TiffImageFile
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise errors.ImageError(
            'is HEIC. To read it: pip install "midlevel[heic]".'
        ) from error
    return HeifImageFile
