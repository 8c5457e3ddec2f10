"""Encoded images -> upright RGB uint8 pixels, whatever is in the file.

| in the file | becomes |
|---|---|
| EXIF orientation 1 to 8; `irot`, `imir` of AVIF and HEIC | the image upright |
| grey, 1 bit, palette, CMYK (no colour profile) | RGB |
| alpha, one transparent colour | laid over white (`BEHIND`) |
| 9 to 16 bits | 8, by the fewest of 10, 12, 14, 16 bits that hold the largest value |
| AVIF of 10 or 12 bits | 8, by its bits |
| several frames or pages | the first |
| HEIC | as others, where `pillow-heif` is installed |
| floating point; 12-bit JPEG; cut off; no image; too many pixels | a clear error |

Damage that leaves a file whole, such as a wrong bit in a JPEG, is not seen.
"""

from collections.abc import Callable

import numpy as np

from midlevel import errors
from midlevel.images import exif, headers, heif, jpeg, limits, png
from midlevel.system import runtime

limits.check()
cv2 = runtime.load_opencv()
POLICY = "rgb-exif-alpha-4"  # changes whenever the same file gives other pixels
BEHIND = 255  # white, what transparent pixels lie on
BITS = (8, 10, 12, 14, 16)  # what cameras and scanners give
BAND = 1 << 20  # pixels turned into floats at a time
WHITE_IS_0 = 0  # TIFF's PhotometricInterpretation
STRAIGHT, PREMULTIPLIED = 2, 1  # kinds of alpha, as TIFF's ExtraSamples counts them
# What pillow-heif raises of a damaged file, IndexError where it holds no image.
HEIC_ERRORS = (ValueError, RuntimeError, EOFError, OSError, SyntaxError, LookupError)
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
        return _of_heic(data) if kind == "HEIC" else _of_any(data, kind)
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
    _check_size(size_wh)
    return kind


def _check_size(size_wh):
    if size_wh[0] * size_wh[1] > limits.MAX_PIXELS:
        raise errors.ImageError(
            f"has {size_wh[0]:,} x {size_wh[1]:,} pixels, more than "
            f"{limits.MAX_PIXELS:,} in all. Make it smaller, or set "
            "MIDLEVEL_MAX_PIXELS."
        )


def _of_jpeg(data: bytes, reduced: int) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), REDUCED[reduced])
    if image is None:
        bits = jpeg.frame(data).bits
        if bits != 8:
            raise errors.ImageError(f"is JPEG of {bits} bits. Save it with 8.")
        raise _damaged("JPEG")
    # OpenCV gives blue first whenever it reduces, whatever it is asked.
    return image if reduced == 1 else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _of_any(data: bytes, kind: str) -> np.ndarray:
    if kind == "PNG" and (data := png.still(data)) is None:
        raise _damaged(kind)
    image, kinds, found = cv2.imdecodeWithMetadata(
        np.frombuffer(data, np.uint8), flags=cv2.IMREAD_UNCHANGED
    )
    if image is None:
        raise _damaged(kind)
    _check_size((image.shape[1], image.shape[0]))
    notes = {what: bytes(note) for what, note in zip(kinds, found, strict=True)}
    if kind == "TIFF":  # OpenCV has turned it
        fields = exif.fields(data)
        if image.dtype == np.uint16 and fields.get(exif.PHOTOMETRIC) == WHITE_IS_0:
            image = ~image  # it does so itself with 8 bits
        return _rgb(image, alpha=_alpha_of_tiff(fields, image))
    if kind == "AVIF":
        facts = heif.facts(data)
        return exif.upright(_rgb(image, facts.bits), facts.turn)
    rgb = _rgb(image)
    if kind == "PNG" and (clear := png.clear_grey(data)) is not None:
        rgb[image.reshape(rgb.shape[:2]) == clear] = BEHIND
    turn = exif.orientation(notes.get(cv2.IMAGE_METADATA_EXIF, b""))
    return exif.upright(rgb, turn)


def _alpha_of_tiff(fields: dict[int, int], image: np.ndarray) -> int:
    """What the fourth channel is; 0 for something else (TIFF 6.0, ExtraSamples)."""
    alpha = fields.get(exif.ALPHA, STRAIGHT)
    if fields.get(exif.SAMPLES) == 2 and alpha and exif.ALPHA in fields:
        raise errors.ImageError(
            "is a TIFF of grey, or a palette, with alpha. Save it as PNG."
        )
    # libtiff multiplies 8-bit pixels itself
    if alpha == STRAIGHT and exif.ALPHA in fields and image.dtype == np.uint8:
        return PREMULTIPLIED
    return alpha


def _of_heic(data: bytes) -> np.ndarray:
    try:
        import pillow_heif
    except ImportError as error:
        raise errors.ImageError(
            'is HEIC. To read it: pip install "midlevel[heic]".'
        ) from error
    try:
        file = pillow_heif.open_heif(data, convert_hdr_to_8bit=True)
        _check_size(file.size)
        pixels = np.asarray(file)  # turned by the decoder
    except HEIC_ERRORS as error:
        why = " ".join(str(error).rstrip(" .\n").split())
        raise errors.ImageError(
            f"is HEIC and cannot be decoded: {why}. It may be cut off or damaged."
        ) from error
    if pixels.ndim == 3:
        pixels = np.ascontiguousarray(pixels[..., [2, 1, 0, 3][: pixels.shape[2]]])
    is_straight = not getattr(file, "premultiplied_alpha", False)
    return _rgb(pixels, alpha=STRAIGHT if is_straight else PREMULTIPLIED)


# === Values ===


def _rgb(image: np.ndarray, bits: int = 0, alpha: int = STRAIGHT) -> np.ndarray:
    """RGB uint8 of grey, BGR, or BGR with a fourth channel.

    Args:
        bits: of a value; 0 where it must be guessed from the largest.
        alpha: what the fourth channel is.
    """
    channels = 1 if image.ndim == 2 else image.shape[2]
    if channels not in (1, 3, 4):
        raise errors.ImageError(f"has {channels} channels. Save it as RGB.")
    colours = image if channels < 4 else image[..., :3]
    if image.dtype != np.uint8:
        bits = bits or _bits(colours)
    if channels < 4 or not alpha:
        eight = _in_bands(lambda part: _scaled(part, bits), colours)
    else:
        full = _full(image, bits)
        eight = _in_bands(lambda part: _over(part, bits, full, alpha), image)
    grey = channels == 1
    return cv2.cvtColor(eight, cv2.COLOR_GRAY2RGB if grey else cv2.COLOR_BGR2RGB)


def _bits(image: np.ndarray) -> int:
    """How many bits the values of more than 8 bits fill; often fewer than they have."""
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
    if image.dtype == np.uint8:
        return 255
    return 2**bits - 1 if image[..., 3].max() < 2**bits else 65535


def _over(image: np.ndarray, bits: int, full: int, alpha: int) -> np.ndarray:
    """BGR with alpha, over `BEHIND`."""
    bits = 8 if image.dtype == np.uint8 else bits
    cover = image[..., 3:].astype(np.float32) / full
    colours = image[..., :3] * np.float32(255 / (2**bits - 1))
    if alpha == STRAIGHT:
        colours *= cover
    return np.rint(colours + BEHIND * (1 - cover)).clip(0, 255).astype(np.uint8)


def _in_bands(work: Callable, image: np.ndarray) -> np.ndarray:
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


def _damaged(kind: str) -> errors.ImageError:
    return errors.ImageError(
        f"is {kind} and not an image that can be read. It may be cut off or damaged, "
        "or of a rare kind; save it again."
    )
