"""What of a PNG reaches the decoder."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from midlevel.images import decoding, png

pytest.importorskip("pillow_heif")
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import odd_images

PICTURE = odd_images.quarters()
WHOLE = odd_images.pillow(PICTURE, "PNG")
ANIMATED = odd_images.pillow(PICTURE, "PNG", **odd_images.frames())


def names(data):
    return [bytes(name) for name, _ in png._chunks(data)]


def test_a_still_picture_stays_as_it_is():
    assert png.still(WHOLE) == WHOLE
    assert png.still(WHOLE + b"rubbish behind") == WHOLE


def test_an_animation_becomes_its_still_picture():
    assert {b"acTL", b"fcTL", b"fdAT"} <= set(names(ANIMATED))
    assert names(png.still(ANIMATED)) == [b"IHDR", b"IDAT", b"IEND"]
    np.testing.assert_array_equal(decoding.decode(ANIMATED, "a.png"), PICTURE)


def test_what_does_not_decide_the_pixels_is_left_out():
    text = odd_images.chunk(b"tEXt", b"Title\0A") + odd_images.chunk(
        b"gAMA", b"\0\0\xff\0"
    )
    data = WHOLE[:33] + text + WHOLE[33:]
    assert png.still(data) == WHOLE


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(WHOLE[:-12], id="without an end"),
        pytest.param(WHOLE[:-1], id="less a byte"),
        pytest.param(WHOLE[:60] + b"\1" + WHOLE[61:], id="a changed byte"),
        pytest.param(
            WHOLE[:33] + odd_images.chunk(b"NEWs", b"") + WHOLE[33:],
            id="a part that decides, nobody knows how",
        ),
        pytest.param(png.SIGNATURE, id="nothing"),
    ],
)
def test_a_damaged_picture_is_none(data):
    assert png.still(data) is None


def test_a_damaged_animation_does_not_end_the_process(tmp_path):
    """OpenCV 5.0.0 by itself is killed by it; found by scripts/fuzz.py."""
    end = odd_images.chunk(b"IeND", b"")
    (tmp_path / "a.png").write_bytes(ANIMATED[:-12] + end)
    code = (
        "import sys\nfrom midlevel import errors\n"
        "from midlevel.images import pixels\n"
        "try:\n    pixels.read(sys.argv[1])\n"
        "except errors.ImageError as error:\n    print(error)"
    )
    words = [sys.executable, "-c", code, tmp_path / "a.png"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0 and "a.png: is PNG and not" in done.stdout


def test_the_transparent_grey_is_told_in_8_bits_or_16():
    for depth, value, expected in ((1, 1, 255), (2, 1, 85), (8, 7, 7), (16, 700, 700)):
        head = (1).to_bytes(4) + (1).to_bytes(4) + bytes([depth, 0, 0, 0, 0])
        parts = odd_images.chunk(b"IHDR", head)
        clear = odd_images.chunk(b"tRNS", value.to_bytes(2))
        assert png.clear_grey(png.SIGNATURE + parts + clear) == expected
        assert png.clear_grey(png.SIGNATURE + parts) is None
    assert png.clear_grey(WHOLE) is None
