"""Images of every kind that midlevel reads or must refuse, made from one picture.

`readable()` gives files that show `quarters`; `unreadable()` gives files with a word of
the reason. Pillow and pillow-heif (`pip install "midlevel[dev]"`) write what OpenCV
does not.
"""

import io
import struct
import zlib

import cv2
import numpy as np
import odd_jpegs
import pillow_heif
from PIL import Image

SIZE_WH = (24, 16)
RED, GREEN = (200, 30, 30), (30, 160, 60)
BLUE, YELLOW = (30, 40, 200), (230, 220, 40)
HUGE = 40_000  # pixels a side
EXACT = {  # how Pillow writes with the least loss
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
    "HEIF": {"quality": -1, "chroma": 444},
    "JPEG": {"quality": 98, "subsampling": 0},
    "MPO": {"quality": 98, "subsampling": 0},
    "WEBP": {"lossless": True, "exact": True},
}
pillow_heif.register_heif_opener()


def quarters(width: int = SIZE_WH[0], height: int = SIZE_WH[1]) -> np.ndarray:
    """Red and green above blue and yellow, RGB uint8 `(height, width, 3)`."""
    image = np.empty((height, width, 3), np.uint8)
    low, right = height // 2, width // 2
    image[:low, :right], image[:low, right:] = RED, GREEN
    image[low:, :right], image[low:, right:] = BLUE, YELLOW
    return image


def veiled() -> tuple[np.ndarray, np.ndarray]:
    """RGBA of `quarters`, clear to the left, and how that looks on white."""
    alpha = np.linspace(0, 255, SIZE_WH[0]).astype(np.uint8)
    rgba = np.dstack([quarters(), np.tile(alpha, (SIZE_WH[1], 1))])
    cover = rgba[..., 3:] / 255
    return rgba, np.rint(rgba[..., :3] * cover + 255 * (1 - cover)).astype(np.uint8)


# === Writers ===


def pillow(image, form: str, **options) -> bytes:
    """An array or Pillow's image in one of Pillow's formats, with little loss."""
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    file = io.BytesIO()
    image.save(file, form, **{**EXACT.get(form, {}), **options})
    return file.getvalue()


def opencv(suffix: str, rgb: np.ndarray, *options) -> bytes:
    """An RGB array in one of OpenCV's formats."""
    return cv2.imencode(suffix, rgb[..., ::-1], options)[1].tobytes()


def turned(form: str, orientation: int) -> bytes:
    """`quarters`, to be turned by its EXIF orientation."""
    note = Image.Exif()
    note[0x112] = orientation
    extra = {"tiffinfo": note} if form == "TIFF" else {"exif": note.tobytes()}
    return pillow(quarters(), form, **extra)


def tiff(array: np.ndarray, **tags: int) -> bytes:
    """An uncompressed TIFF of any array; `t274=6` sets tag 274."""
    height, width = array.shape[:2]
    count = 1 if array.ndim == 2 else array.shape[2]
    kind = {"u": 1, "i": 2, "f": 3}[array.dtype.kind]
    values = {256: width, 257: height, 258: 8 * array.dtype.itemsize, 259: 1, 273: 0}
    values |= {262: 2 if count > 2 else 1, 277: count, 278: height, 339: kind}
    values |= {279: array.nbytes} | {int(key[1:]): n for key, n in tags.items()}
    end = 8 + 2 + 12 * len(values) + 4
    values[273] = end + 4 * count
    many = {258: end, 339: end + 2 * count}  # one value for each channel
    entries, lists = b"", b""
    for tag, value in sorted(values.items()):
        number = count if tag in many else 1
        entries += struct.pack("<HHI", tag, 4 if tag in (273, 279) else 3, number)
        is_far = tag in many and count > 2
        entries += struct.pack(
            "<I",
            many[tag]
            if is_far
            else value * (1 + (65536 * (tag in many and count == 2))),
        )
    for tag in many:
        lists += struct.pack("<H", values[tag]) * count
    head = b"II*\0" + struct.pack("<IH", 8, len(values))
    return head + entries + bytes(4) + lists + array.tobytes()


def png(width: int, height: int, *, colours: int = 2, extra: bytes = b"") -> bytes:
    """A PNG that claims a size, with pixels for the first row."""
    head = struct.pack(">IIBBBBB", width, height, 8, colours, 0, 0, 0)
    rows = zlib.compress(bytes(1 + 3 * min(width, 100_000)))
    body = chunk(b"IHDR", head) + extra + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of a PNG."""
    check = struct.pack(">I", zlib.crc32(name + body))
    return struct.pack(">I", len(body)) + name + body + check


def patched(data: bytes, mark: bytes, skip: int, form: str, *values) -> bytes:
    """`data` with values written `skip` bytes behind the first `mark`."""
    data = bytearray(data)
    struct.pack_into(form, data, data.index(mark) + skip, *values)
    return bytes(data)


def frames() -> dict:
    """Pillow's options to write a second picture behind the first."""
    second = Image.fromarray(255 - quarters())  # Pillow leaves its options on it
    return {"save_all": True, "append_images": [second]}


# === Files ===


def readable() -> dict[str, bytes]:
    """Files that show `quarters`, by name; at most a few levels off."""
    picture = quarters()
    sixteen, shown = picture.astype(np.uint16), Image.fromarray(picture)
    opaque = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    palette = shown.quantize(8)
    found = {
        "colour.jpg": pillow(picture, "JPEG"),
        "progressive.jpg": pillow(picture, "JPEG", progressive=True),
        "cmyk.jpg": pillow(shown.convert("CMYK"), "JPEG"),
        "rubbish behind.jpg": pillow(picture, "JPEG") + b"rubbish" * 9,
        "two pictures.jpg": pillow(picture, "MPO", **frames()),
        "png.jpg": pillow(picture, "PNG"),
        "rgba.png": pillow(opaque, "PNG"),
        "palette.png": pillow(palette, "PNG"),
        "16 bit.png": opencv(".png", sixteen * 257),
        "12 bit.png": opencv(".png", np.rint(sixteen / 255 * 4095).astype(np.uint16)),
        "10 bit.png": opencv(".png", np.rint(sixteen / 255 * 1023).astype(np.uint16)),
        "animated.png": pillow(picture, "PNG", **frames()),
        "colour.webp": pillow(picture, "WEBP"),
        "animated.webp": pillow(picture, "WEBP", **frames()),
        "colour.gif": pillow(palette, "GIF"),
        "animated.gif": pillow(palette, "GIF", **frames()),
        "colour.bmp": pillow(picture, "BMP"),
        "clear for others.bmp": pillow(veiled()[0], "BMP"),  # its 4th byte is unused
        "colour.tif": pillow(picture, "TIFF"),
        "lzw.tif": pillow(picture, "TIFF", compression="tiff_lzw"),
        "cmyk.tif": pillow(shown.convert("CMYK"), "TIFF"),
        "big.tif": pillow(picture, "TIFF", big_tiff=True),
        "pages.tif": pillow(picture, "TIFF", **frames()),
        "16 bit.tif": tiff(sixteen * 257),
        "12 bit.tif": opencv(".tiff", np.rint(sixteen / 255 * 4095).astype(np.uint16)),
        "palette with alpha.tif": pillow(palette.convert("PA"), "TIFF"),
        "fourth channel.tif": tiff(veiled()[0], t338=0),
        "colour.jp2": pillow(picture, "JPEG2000"),
        "colour.avif": pillow(picture, "AVIF"),
        "animated.avif": pillow(picture, "AVIF", **frames()),
        "10 bit.avif": opencv(
            ".avif",
            np.rint(sixteen / 255 * 1023).astype(np.uint16),
            *(cv2.IMWRITE_AVIF_DEPTH, 10, cv2.IMWRITE_AVIF_QUALITY, 100),
        ),
        "colour.heic": pillow(picture, "HEIF"),
        "colour.ppm": pillow(picture, "PPM"),
    }
    for name in ("arithmetic", "arithmetic progressive", "lossless", "YCCK"):
        found[f"{name}.jpg"] = odd_jpegs.read(name)
    return found


def unreadable() -> dict[str, tuple[bytes, str]]:
    """Files by name, with a word of what must be said of them."""
    picture = quarters()
    whole = {
        **{name: pillow(picture, name) for name in ("JPEG", "PNG", "GIF", "BMP")},
        **{name: pillow(picture, name) for name in ("AVIF", "HEIF", "JPEG2000")},
        **{"WEBP": pillow(picture, "WEBP"), "TIFF": pillow(picture, "TIFF")},
        "PPM": pillow(picture, "PPM"),
    }
    found = {}
    for form, data in whole.items():
        found[f"half.{form.lower()}.jpg"] = data[: len(data) // 2], "cut off|decoded"
        found[f"less a byte.{form.lower()}.jpg"] = data[:-1], "cut off|decoded"
        found[f"four bytes.{form.lower()}.jpg"] = data[:4], "not an image|cut off"
    found |= _huge(whole) | _foreign()
    found |= {
        "12 bit.jpg": (odd_jpegs.read("12 bit"), "12 bits"),
        "16 bit.jpg": (odd_jpegs.read("16 bit lossless"), "16 bits"),
        "ls.jpg": (odd_jpegs.read("JPEG-LS"), "rare kind"),
        "no height.png": (png(5, 0), "no pixels"),
        "no height.jpg": (patched(whole["JPEG"], b"\xff\xc0", 5, ">H", 0), "cut off"),
        "float.tif": (tiff(picture.astype(np.float32)), "float32"),
        "long.tif": (tiff(picture.astype(np.uint32)), "uint32"),
        "five channels.tif": (
            tiff(np.dstack([picture, picture[..., :2]]), t338=0),
            "rare kind",
        ),
        "wrong check.png": (
            whole["PNG"].replace(b"IHDR", b"IHDR", 1)[:29]
            + b"\0\0\0\0"
            + whole["PNG"][33:],
            "damaged",
        ),
    }
    return found


def _huge(whole: dict[str, bytes]) -> dict[str, tuple[bytes, str]]:
    """Small files that claim pixels by the milliard."""
    side, edge = HUGE, 16_384  # WebP's largest
    gif = patched(whole["GIF"], b"GIF8", 6, "<HH", side, side)
    sized = {
        "huge.png": png(side, side),
        "huge.jpg": patched(whole["JPEG"], b"\xff\xc0", 5, ">HH", side, side),
        "huge.gif": patched(gif, b",", 5, "<HH", side, side),
        "huge.bmp": patched(whole["BMP"], b"BM", 18, "<ii", side, side),
        "huge.tif": tiff(quarters(), t256=side, t257=side, t278=side),
        "huge.jp2": patched(
            whole["JPEG2000"], b"\xff\x4f\xff\x51", 8, ">II", side, side
        ),
        "huge.avif": patched(whole["AVIF"], b"ispe", 8, ">II", side, side),
        "huge.heic": patched(whole["HEIF"], b"ispe", 8, ">II", side, side),
        "huge.webp": patched(
            whole["WEBP"], b"VP8L", 9, "<I", (edge - 1) | (edge - 1) << 14
        ),
        "huge.ppm": b"P6\n%d %d\n255\n" % (side, side) + bytes(99),
    }
    return {name: (data, "more than|pixels") for name, data in sized.items()}


def _foreign() -> dict[str, tuple[bytes, str]]:
    """Files that are no image at all."""
    return {
        "empty.jpg": (b"", "empty"),
        "page.jpg": (b"<!DOCTYPE html><title>404 Not Found</title>", "HTML"),
        "text.jpg": (b"Dear Anna, here is the photograph.", "not an image"),
        "noughts.jpg": (bytes(5000), "not an image"),
        "noise.jpg": (np.random.default_rng(1).bytes(5000), "not an image"),
        "document.jpg": (b"%PDF-1.7\n%rubbish", "PDF"),
        "archive.png": (b"PK\x03\x04" + bytes(40), "ZIP"),
        "drawing.png": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "HTML or XML"),
        "xl.jpg": (b"\xff\x0a" + bytes(40), "JPEG XL"),
        "pointer.jpg": (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        "start of a jpeg.jpg": (b"\xff\xd8", "cut off"),
    }
