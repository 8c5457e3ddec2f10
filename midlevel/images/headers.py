"""What the first bytes of an image say: its kind, and how many pixels it claims."""

import re
import struct
from collections.abc import Callable

from midlevel.images import exif, jpeg

KINDS = {  # of image that are read, by their first bytes
    kind: re.compile(start, re.DOTALL)
    for kind, start in (
        ("JPEG", rb"\xff\xd8"),
        ("PNG", rb"\x89PNG\r\n\x1a\n"),
        ("GIF", rb"GIF8"),
        ("WebP", rb"RIFF.{4}WEBP"),
        ("TIFF", rb"II[*+]\0|MM\0[*+]"),  # + is BigTIFF's
        ("JPEG 2000", rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"),
        ("BMP", rb"BM"),
        ("PNM", rb"P[1-6][\s#]"),
    )
}
# Brands of ISO/IEC 14496-12 files; mif1 alone may be either, and is HEVC's more often.
AVIF = {b"avif", b"avis"}
HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
SPATIAL_EXTENT = re.compile(rb"ispe\0{4}(.{8})", re.DOTALL)  # ISO/IEC 23008-12, 6.5.3
PNM = re.compile(rb"P[1-6](?:\s|#.*\n)+(\d{1,9})(?:\s|#.*\n)+(\d{1,9})\s")
CODESTREAM = b"\xff\x4f\xff\x51"  # of JPEG 2000 (T.800, A.5.1)
OTHERS = {  # what is found under the names of photographs, and cannot be read
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"II\xbc": "JPEG XR",
    b"%PDF": "a PDF",
    b"8BPS": "a Photoshop file",
    b"\0\0\x01\0": "an icon",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a gzip archive",
    b"\x76\x2f\x31\x01": "OpenEXR",
    b"#?RA": "Radiance HDR",
    b"PF\n": "PFM, of values without a range",
    b"Pf\n": "PFM, of values without a range",
    b"version https://git-lfs": "a pointer of Git LFS; fetch the file itself",
}
TEXT = re.compile(rb"(?i)[\xef\xbb\xbf\s]*<(!doctype html|html|head|\?xml|svg)")


def kind(data: bytes) -> str | None:
    """The kind of image, which a name may deny; None if it is none that is read."""
    if brands := _brands(data):
        return "AVIF" if AVIF & brands else "HEIC" if HEIC & brands else None
    return next((kind for kind, start in KINDS.items() if start.match(data)), None)


def other(data: bytes) -> str | None:
    """What a file that is no readable image is, where that can be seen."""
    if TEXT.match(data[:256]):
        return "a page of HTML or XML"
    return next(
        (what for start, what in OTHERS.items() if data.startswith(start)), None
    )


def size_wh(data: bytes) -> tuple[int, int] | None:
    """`(width, height)` in pixels as stored; None where a header is cut off.

    Of AVIF and HEIC it is the largest of all pictures in the file.
    """
    try:
        return SIZES[kind(data) or ""](data)
    except (struct.error, KeyError, ValueError):
        return None


def _brands(data: bytes) -> set[bytes]:
    """What an ISO/IEC 14496-12 file says it is; nothing if it is no such file."""
    if data[4:8] != b"ftyp" or len(data) < 12:
        return set()
    end = min(int.from_bytes(data[:4]), 256)
    return {data[8:12], *(data[i : i + 4] for i in range(16, end - 3, 4))}


def _bmp(data: bytes) -> tuple[int, int]:
    is_old = struct.unpack_from("<I", data, 14)[0] == 12
    width, height = struct.unpack_from("<HH" if is_old else "<ii", data, 18)
    return abs(width), abs(height)


def _webp(data: bytes) -> tuple[int, int]:
    """RFC 9649: 2.7 extended, 3.4 lossless, and RFC 6386, 9.1."""
    if data[12:16] == b"VP8X":
        low, high = data[24:27], data[27:30]
        return 1 + int.from_bytes(low, "little"), 1 + int.from_bytes(high, "little")
    if data[12:16] == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _tiff(data: bytes) -> tuple[int, int]:
    fields = exif.fields(data)
    return fields[exif.WIDTH], fields[exif.HEIGHT]


def _jp2(data: bytes) -> tuple[int, int]:
    place = data.index(CODESTREAM) + 8
    right, bottom, left, top = struct.unpack_from(">IIII", data, place)
    return right - left, bottom - top


def _heif(data: bytes) -> tuple[int, int] | None:
    sizes = [struct.unpack(">II", found) for found in SPATIAL_EXTENT.findall(data)]
    return max(sizes, key=lambda size: size[0] * size[1], default=None)


def _pnm(data: bytes) -> tuple[int, int] | None:
    found = PNM.match(data[:4096])
    return (int(found[1]), int(found[2])) if found else None


# What the decoder will look at. Pillow is seven times slower, and refuses some whole.
SIZES: dict[str, Callable[[bytes], tuple[int, int] | None]] = {
    "JPEG": jpeg.size_wh,
    "PNG": lambda data: struct.unpack_from(">II", data, 16),
    "GIF": lambda data: struct.unpack_from("<HH", data, 6),
    "BMP": _bmp,
    "WebP": _webp,
    "TIFF": _tiff,
    "JPEG 2000": _jp2,
    "AVIF": _heif,
    "HEIC": _heif,
    "PNM": _pnm,
}
