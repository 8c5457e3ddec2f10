"""A PNG without what is about other pictures, each part of it checked."""

import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# All that decides the picture (PNG 3, 11). OpenCV 5.0 and 4.12 end the process on some
# damaged animations (opencv/opencv#27744), so those never reach it.
KEPT = frozenset((b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"IDAT", b"IEND"))


def still(data: bytes) -> bytes | None:
    """The picture that every reader shows; None if a part is damaged or missing."""
    parts: list[bytes | memoryview] = [SIGNATURE]
    for name, chunk in _chunks(data):
        (stated,) = struct.unpack(">I", chunk[-4:])
        if zlib.crc32(chunk[4:-4]) != stated:
            return None
        if name in KEPT:
            parts.append(chunk)
        elif not name[0] & 0x20:  # a capital: it decides too, nobody knows how
            return None
        if name == b"IEND":
            return b"".join(parts)
    return None


def clear_grey(data: bytes) -> int | None:
    """The grey value that a PNG of greys has transparent (PNG 3, 11.3.1.1)."""
    depth, colours = data[24], data[25]
    for name, chunk in _chunks(data) if colours == 0 else ():
        if name == b"tRNS" and len(chunk) == 14:
            (found,) = struct.unpack_from(">H", chunk, 8)
            return found * 255 // (2**depth - 1) if depth < 8 else found
        if name == b"IDAT":
            break
    return None


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Name and bytes of each whole chunk: length, name, body, checksum."""
    place, view = len(SIGNATURE), memoryview(data)
    while place + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        end = place + 12 + length
        if end > len(data):
            return
        yield name, view[place:end]
        place = end
