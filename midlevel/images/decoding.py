"""Encoded images -> upright RGB uint8 pixels, whatever is in the file.

| in the file | becomes |
|---|---|
| EXIF orientation 1 to 8; `irot`, `imir` of AVIF and HEIC | the image upright |
| grey, 1 bit, palette, CMYK (no colour profile) | RGB |
| alpha, one transparent colour | laid over white |
| 9 to 16 bits | 8, by the fewest of 10, 12, 14, 16 bits that hold the largest value |
| AVIF of 10 or 12 bits | 8, by its bits |
| several frames or pages | the first |
| HEIC | as others, where `pillow-heif` is installed |
| floating point; 12-bit JPEG; cut off; no image; too many pixels | a clear error |

Damage that leaves a file whole, such as a wrong bit in a JPEG, is not seen.
"""

import numpy as np

from midlevel import errors
from midlevel.images import colours, exif, headers, jpeg, limits, pillow, png
from midlevel.system import runtime

limits.check()
cv2 = runtime.load_opencv()
# Changes when the same file gives other pixels, which refuses runs made under another.
# It stayed when Pillow came to read AVIF, of 10 or 12 bits up to 3 levels off.
POLICY = "rgb-exif-alpha-4"
WHITE_IS_0 = 0  # TIFF's PhotometricInterpretation
BY_PILLOW = ("AVIF", "HEIC")
REDUCED = {  # what OpenCV is asked for, by how much each side is divided
    8: cv2.IMREAD_REDUCED_COLOR_8,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    1: cv2.IMREAD_COLOR_RGB,
}
# What is wrong with a file is said in its error. libjpeg and libpng write a line on
# stderr all the same, which cannot be kept from one thread alone.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def decode(data: bytes, name: object, reduced: int = 1) -> np.ndarray:
    """Upright RGB uint8 `(height, width, 3)` pixels of an encoded image.

    Args:
        name: for the error message.
        reduced: of a JPEG, by how much each side is divided, rounded up: 1, 2, 4 or 8;
            one without losses comes whole.

    Raises:
        errors.ImageError: `data` is empty, cut off, too large, or no image that can be
            read.
    """
    try:
        kind = _kind(data)
        if kind == "JPEG":
            return _of_jpeg(data, reduced)
        return _of_pillow(data, kind) if kind in BY_PILLOW else _of_any(data, kind)
    except errors.ImageError as error:
        raise errors.ImageError(f"{name}: {error}") from error
    except cv2.error as error:
        why = " ".join((error.err or str(error)).rstrip(" .\n").split())
        why = f"cannot be decoded: {why}. Save it again."
        raise errors.ImageError(f"{name}: {why}") from error
    except MemoryError as error:
        why = "cannot be decoded: it needs more memory than there is."
        raise errors.ImageError(f"{name}: {why}") from error


def _kind(data: bytes) -> str:
    """The kind of an image whose size may be decoded."""
    if not data:
        raise errors.ImageError("is empty; expected an image. Copy it again.")
    kind = headers.kind(data)
    if kind is None:
        what = headers.other(data)
        raise errors.ImageError(
            f"is {what}, not an image that can be read. Save it as JPEG or PNG."
            if what
            else f"is not an image that can be read; it begins with {data[:8]!r}. It "
            "may be damaged, or of another kind than its name says."
        )
    size_wh = headers.size_wh(data)
    if size_wh is None or min(size_wh) < 1:
        what = "names no size" if size_wh is None else "has a side of no pixels"
        raise errors.ImageError(f"is {kind} and {what}. It may be cut off or damaged.")
    limits.check_size(size_wh)
    return kind


def _of_jpeg(data: bytes, reduced: int) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), REDUCED[reduced])
    if image is None:
        frame = jpeg.frame(data)
        if frame and frame.bits != 8:
            raise errors.ImageError(f"is JPEG of {frame.bits} bits. Save it with 8.")
        raise _damaged("JPEG")
    # OpenCV gives blue first whenever it reduces, whatever it is asked.
    return image if reduced == 1 else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _of_any(data: bytes, kind: str) -> np.ndarray:
    if kind == "PNG":
        still = png.still(data)
        if still is None:
            raise _damaged(kind)
        data = still
    fields = exif.fields(data) if kind == "TIFF" else {}
    if fields.get(exif.SAMPLES) == 2 and fields.get(exif.ALPHA):  # OpenCV drops it
        return _of_pillow(data, kind)
    image, kinds, found = cv2.imdecodeWithMetadata(
        np.frombuffer(data, np.uint8), flags=cv2.IMREAD_UNCHANGED
    )
    if image is None:
        raise _damaged(kind)
    limits.check_size((image.shape[1], image.shape[0]))
    if kind == "TIFF":  # OpenCV has turned it
        return _of_tiff(image, fields)
    rgb = _rgb(image)
    if kind == "PNG" and (clear := png.clear_grey(data)) is not None:
        rgb[image.reshape(rgb.shape[:2]) == clear] = colours.BEHIND
    notes = {what: bytes(note) for what, note in zip(kinds, found, strict=True)}
    turn = exif.orientation(notes.get(cv2.IMAGE_METADATA_EXIF, b""))
    return exif.upright(rgb, turn)


def _of_tiff(image: np.ndarray, fields: dict[int, int]) -> np.ndarray:
    """What OpenCV and libtiff leave to do, which they do where there are 8 bits."""
    if image.dtype == np.uint16 and fields.get(exif.PHOTOMETRIC) == WHITE_IS_0:
        image = ~image
    alpha = fields.get(exif.ALPHA, colours.STRAIGHT)
    if alpha == colours.STRAIGHT and exif.ALPHA in fields and image.dtype == np.uint8:
        alpha = colours.PREMULTIPLIED
    return _rgb(image, alpha)


def _of_pillow(data: bytes, kind: str) -> np.ndarray:
    image, turn = pillow.read(data, kind)
    return exif.upright(colours.eight(image), turn)


def _rgb(image: np.ndarray, alpha: int = colours.STRAIGHT) -> np.ndarray:
    """RGB uint8 of grey, BGR, or BGR with a fourth channel."""
    eight = colours.eight(image, alpha)
    is_grey = eight.ndim == 2 or eight.shape[2] == 1
    return cv2.cvtColor(eight, cv2.COLOR_GRAY2RGB if is_grey else cv2.COLOR_BGR2RGB)


def _damaged(kind: str) -> errors.ImageError:
    return errors.ImageError(
        f"is {kind} and not an image that can be read. It may be cut off or damaged, "
        "or of a rare kind; save it again."
    )
