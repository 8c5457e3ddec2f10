import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midlevel.images import exif


def block(order="<", value=6, kind="H", number=3, version=42, tag=0x112):
    """EXIF data with one field."""
    mark = b"II" if order == "<" else b"MM"
    body = struct.pack(f"{order}{kind}", value).ljust(4, b"\0")
    field = struct.pack(f"{order}HHHI", 1, tag, number, 1) + body
    return mark + struct.pack(f"{order}HI", version, 8) + field


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("kind", "number"), [("H", 3), ("I", 4), ("B", 1)])
def test_the_orientation_is_read_in_every_order_and_type(order, kind, number):
    note = block(order, 6, kind, number)
    assert exif.orientation(note) == exif.orientation(b"Exif\0\0" + note) == 6


def test_a_big_tiff_has_fields_too():
    field = struct.pack("<HHQQ", 0x112, 3, 1, 8)
    note = b"II" + struct.pack("<HHHQQ", 43, 8, 0, 16, 1) + field
    assert exif.fields(note) == {0x112: 8}


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"Exif\0\0",
        b"II*\0",
        b"rubbish, and a lot of it",
        block(value=0),
        block(value=9),
        block(tag=0x113),
        block(number=2),  # a text
        block(version=44),
        block()[:-3],
        block()[:4] + b"\xff\xff\xff\xff" + block()[8:],
    ],
)
def test_what_says_nothing_is_upright(note):
    assert exif.orientation(note) == 1


@given(st.binary(max_size=60), st.integers(0, 40))
def test_any_bytes_give_an_orientation(rest, cut):
    assert 1 <= exif.orientation(block()[:cut] + rest) <= 8


def test_turning_there_and_back_gives_the_image():
    image = np.arange(24).reshape(2, 4, 3)
    back = {6: 8, 8: 6}
    for turn in range(1, 9):
        turned = exif.upright(image, turn)
        assert turned.flags.c_contiguous
        assert turned.shape[:2] == ((4, 2) if turn > 4 else (2, 4))
        again = exif.upright(turned, back.get(turn, turn))
        np.testing.assert_array_equal(again, image)
