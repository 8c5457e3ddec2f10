"""What the header of a JPEG image says, read without decoding it.

By hand: Pillow opens none that is cut off, nor of 12 bits, and takes longer.
"""

import struct
from typing import NamedTuple

# Start-of-frame markers (ITU T.81, table B.1): C0 to CF but for DHT, JPG and DAC; and
# F7 of JPEG-LS (T.87).
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
STANDALONE = frozenset(range(0xD0, 0xD9)) | {0x01}  # RST0 to RST7, SOI, TEM
SCAN = 0xDA  # pixels begin


class Frame(NamedTuple):
    """A frame header: bits of a sample, sides in pixels as stored."""

    bits: int
    size_wh: tuple[int, int]


def is_jpeg(data: bytes) -> bool:
    """Whether `data` begins as a JPEG image."""
    return data[:2] == b"\xff\xd8"


def size_wh(data: bytes) -> tuple[int, int] | None:
    """`(width, height)` in pixels as stored, before any EXIF rotation.

    None if `data` is no JPEG image, or is cut off before its size is told.
    """
    found = frame(data)
    return found.size_wh if found else None


def frame(data: bytes) -> Frame | None:
    """The first frame header, found as libjpeg finds it: bytes between are passed."""
    place = 2 if is_jpeg(data) else len(data)
    while (place := data.find(b"\xff", place)) >= 0:
        marker = data[place + 1] if place + 1 < len(data) else SCAN
        if marker in (0xFF, 0):  # a fill byte; no marker
            place += 1 + (marker == 0)
        elif marker in STANDALONE:
            place += 2
        elif marker in FRAMES:
            return _frame(data[place + 4 : place + 9])
        elif marker == SCAN or place + 4 > len(data):
            return None
        else:
            place += 2 + struct.unpack_from(">H", data, place + 2)[0]
    return None


def _frame(header: bytes) -> Frame | None:
    """A frame header (T.81, B.2.2); a height of 0 is told after the pixels."""
    if len(header) < 5:
        return None
    bits, height, width = struct.unpack(">BHH", header)
    return Frame(bits, (width, height)) if width and height else None
