"""TIFF's fields, which are EXIF's too: what they say, and turning an image by it.

By hand: Pillow opens no TIFF of a mode that it lacks, and no BigTIFF that begins `MM`.
"""

import struct

import numpy as np

# TIFF 6.0, section 8; EXIF 2.32, table 4
WIDTH, HEIGHT, PHOTOMETRIC, ORIENTATION = 0x100, 0x101, 0x106, 0x112
SAMPLES, ALPHA = 0x115, 0x152
TYPES = {1: "B", 3: "H", 4: "I", 16: "Q"}  # whole numbers, by TIFF's type
# By the version after the order of bytes: where the fields begin, how many there are,
# how one is laid out, bytes of one. 43 is BigTIFF.
LAYOUTS = {42: ("4xI", "H", "HHI", 12), 43: ("8xQ", "Q", "HHQ", 20)}
MOST = 1000  # fields that are looked at


def fields(note: bytes) -> dict[int, int]:
    """The first value of each whole number, by tag, in the first folder of a TIFF."""
    note = note.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(note[:2], "<")
    found: dict[int, int] = {}
    try:
        (version,) = struct.unpack_from(f"{order}2xH", note)
        start, count, entry, step = LAYOUTS[version]
        (place,) = struct.unpack_from(order + start, note)
        (number,) = struct.unpack_from(order + count, note, place)
        place += struct.calcsize(order + count)
        for at in range(place, place + step * min(number, MOST), step):
            tag, kind, _ = struct.unpack_from(order + entry, note, at)
            if kind in TYPES:
                value = struct.unpack_from(
                    order + TYPES[kind], note, at + struct.calcsize(order + entry)
                )
                found.setdefault(tag, value[0])
    except (struct.error, KeyError, OverflowError):  # cut off, or no TIFF
        pass
    return found


def orientation(note: bytes) -> int:
    """The orientation, 1 to 8, in a block of EXIF (TIFF) data; 1 where it has none."""
    found = fields(note).get(ORIENTATION, 1)
    return found if 1 <= found <= 8 else 1


def upright(image: np.ndarray, turn: int) -> np.ndarray:
    """`image` `(height, width, ...)`, seen as its orientation `turn` says."""
    if turn in (5, 6, 7, 8):
        image = image.swapaxes(0, 1)
    if turn in (2, 3, 6, 7):
        image = image[:, ::-1]
    if turn in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)
