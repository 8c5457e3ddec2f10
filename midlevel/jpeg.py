"""The size of a JPEG image, read from its header without decoding it."""

import struct

# Start-of-frame markers (ITU T.81, table B.1): C0 to CF but for DHT, JPG and DAC.
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
STANDALONE = frozenset(range(0xD0, 0xD8)) | {0x01}  # RST0 to RST7, TEM


def size_wh(data: bytes) -> tuple[int, int] | None:
    """`(width, height)` in pixels as stored, before any EXIF rotation.

    None if `data` is no JPEG image, or is cut off before its size is told.
    """
    place = 2
    while data[:2] == b"\xff\xd8" and data[place : place + 1] == b"\xff":
        marker = data[place + 1 : place + 2]
        if marker == b"\xff":  # a fill byte
            place += 1
        elif marker and marker[0] in STANDALONE:
            place += 2
        elif marker and marker[0] in FRAMES:
            return _frame_size(data[place + 5 : place + 9])
        elif len(length := data[place + 2 : place + 4]) == 2:
            place += 2 + struct.unpack(">H", length)[0]
        else:
            break
    return None


def _frame_size(sides: bytes) -> tuple[int, int] | None:
    """Height and width of a frame header (T.81, B.2.2); a height of 0 comes later."""
    if len(sides) < 4:
        return None
    height, width = struct.unpack(">HH", sides)
    return (width, height) if width and height else None
