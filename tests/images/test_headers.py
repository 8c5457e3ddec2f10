"""What a header says, against what the decoder finds."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midlevel.images import decoding, headers, limits, pixels, png

pytest.importorskip("pillow_heif")
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import odd_images

FILES = odd_images.readable()


@pytest.mark.parametrize("name", FILES)
def test_the_size_in_the_header_is_that_of_the_image(name):
    padded = (64, 64)  # what HEVC codes, before it is cropped
    expected = padded if name.endswith(".heic") else odd_images.SIZE_WH
    assert headers.size_wh(FILES[name]) == expected


@pytest.mark.parametrize("form", ["GIF", "WEBP", "BMP", "TIFF", "PPM", "JPEG2000"])
def test_long_sides_are_told_apart(form):
    lossy = {"lossless": False} if form == "WEBP" else {}
    for size_wh in ((700, 3), (2, 900)):
        picture = odd_images.quarters(*size_wh)
        data = odd_images.pillow(picture, form, **lossy)
        assert headers.size_wh(data) == size_wh
        assert pixels.size_wh(decoding.decode(data, "a")) == size_wh


def test_names_of_kinds():
    kinds = {headers.kind(data) for data in FILES.values()}
    assert kinds == set(headers.SIZES)
    assert headers.kind(b"") is None and headers.kind(b"\0" * 20) is None


def test_comments_of_a_pnm_are_passed_over():
    assert headers.size_wh(b"P6 # made by hand\n# twice\n 3\t2\n255\n") == (3, 2)


def test_avif_and_heic_are_told_apart_by_all_their_brands():
    def file(*brands):
        body = b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])
        return (4 + len(body)).to_bytes(4) + body

    assert headers.kind(file(b"mif1", b"mif1", b"avif")) == "AVIF"
    assert headers.kind(file(b"mif1", b"heic")) == "HEIC"
    assert headers.kind(file(b"isom", b"mp42")) is None  # a film


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
def test_any_bytes_are_looked_at_without_an_error(name, data):
    whole = FILES[name][:3000]
    place = data.draw(st.integers(0, len(whole)))
    changed = whole[:place] + data.draw(st.binary(max_size=8)) + whole[place + 4 :]
    found = headers.size_wh(changed[: data.draw(st.integers(0, len(changed)))])
    assert found is None or len(found) == 2
    assert png.still(changed) is None or headers.kind(whole) == "PNG"


def test_the_limits_are_what_the_documentation_says():
    assert limits.MAX_PIXELS == 250_000_000
    assert np.iinfo(np.int32).max == limits.MAX_BYTES
