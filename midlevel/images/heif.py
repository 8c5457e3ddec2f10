"""What an AVIF or HEIC file says of its image: its size, depth, and how to turn it.

Boxes in boxes (ISO/IEC 14496-12), of which a list of properties (23008-12) matters.
EXIF's orientation is for information only there; `irot` and `imir` are what counts.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from midlevel.images import exif

AVIF = (b"avif", b"avis")
HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


@dataclass(frozen=True)
class Facts:
    """Of the image that is shown first.

    Attributes:
        size_wh: the largest of all images in the file, or None.
        turn: as EXIF's orientation.
        bits: of a sample.
    """

    size_wh: tuple[int, int] | None = None
    turn: int = 1
    bits: int = 8


def brands(data: bytes) -> tuple[bytes, ...]:
    """What a file says it is; nothing if it is no such file."""
    if data[4:8] != b"ftyp" or len(data) < 12:
        return ()
    end = min(int.from_bytes(data[:4]), 256)
    return (data[8:12], *(data[i : i + 4] for i in range(16, end - 3, 4)))


def facts(data: bytes) -> Facts:
    """What the file says; as little as nothing where it is damaged."""
    try:
        return _facts(data)
    except (struct.error, IndexError):
        return Facts()


def _facts(data: bytes) -> Facts:
    meta = dict(_boxes(dict(_boxes(data)).get(b"meta", b"")[4:]))
    told = dict(_boxes(meta.get(b"iprp", b"")))
    properties = list(_boxes(told.get(b"ipco", b"")))
    sizes = [struct.unpack(">II", b[4:12]) for name, b in properties if name == b"ispe"]
    own = [
        properties[i - 1]
        for i in _own(told.get(b"ipma", b""), _first(meta.get(b"pitm", b"")))
        if 1 <= i <= len(properties)
    ]
    depths = [_depth(body) for name, body in own if name == b"av1C"]
    size_wh = max(sizes, key=lambda size: size[0] * size[1], default=None)
    return Facts(size_wh, _turn(own), (depths or [8])[0])


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and body of each box."""
    place = 0
    while place + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, place)
        head = 8
        if size == 1:
            (size,), head = struct.unpack_from(">Q", data, place + 8), 16
        end = place + size if size else len(data)
        if size and size < head:
            return
        yield name, data[place + head : end]
        place = end


def _first(pitm: bytes) -> int:
    """Id of the primary image."""
    if not pitm:
        return 0
    return struct.unpack_from(">I" if pitm[0] else ">H", pitm, 4)[0]


def _own(ipma: bytes, wanted: int) -> list[int]:
    """Places, from 1, of an image's properties, in the order they are applied."""
    if not ipma:
        return []
    key = ">I" if ipma[0] else ">H"
    form, mask = (">H", 0x7FFF) if ipma[3] & 1 else (">B", 0x7F)
    (count,), place = struct.unpack_from(">I", ipma, 4), 8
    for _ in range(count):
        (item,) = struct.unpack_from(key, ipma, place)
        place += struct.calcsize(key)
        number, step = ipma[place], struct.calcsize(form)
        places = [place + 1 + step * i for i in range(number)]
        if item == wanted:
            return [struct.unpack_from(form, ipma, at)[0] & mask for at in places]
        place += 1 + step * number
    return []


def _depth(av1c: bytes) -> int:
    """Bits of a sample in AV1's configuration (AV1-ISOBMFF, 2.3)."""
    return 8 + 2 * bool(av1c[2] & 0x40) + 2 * bool(av1c[2] & 0x20)


def _turn(properties: list[tuple[bytes, bytes]]) -> int:
    """The orientation that a rotation, then a mirror, come to."""
    lying = seen = np.arange(4).reshape(2, 2)
    for name, body in properties:
        if name == b"irot":
            seen = np.rot90(seen, body[0] & 3)  # anticlockwise
        if name == b"imir":
            seen = seen[:, ::-1] if body[0] & 1 else seen[::-1]
    return next(t for t in range(1, 9) if (exif.upright(lying, t) == seen).all())
