import cv2
import helpers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midlevel.images import decoding, jpeg, pixels

SIZE_WH = (301, 207)
DATA = pixels.encode_jpeg(helpers.noise(SIZE_WH))


def encoded(*options):
    return cv2.imencode(".jpg", helpers.noise(SIZE_WH), options)[1].tobytes()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(DATA, id="baseline"),
        pytest.param(encoded(cv2.IMWRITE_JPEG_PROGRESSIVE, 1), id="progressive"),
        pytest.param(encoded(cv2.IMWRITE_JPEG_RST_INTERVAL, 2), id="restarts"),
        pytest.param(DATA[:2] + b"\xff\xfe\x00\x06abcd" + DATA[2:], id="comment"),
        pytest.param(DATA[:2] + b"\xff\xff\xff" + DATA[2:], id="fill bytes"),
        pytest.param(DATA[:2] + b"\xff\x01" + DATA[2:], id="a marker alone"),
    ],
)
def test_the_size_is_that_of_the_decoded_image(data):
    assert jpeg.size_wh(data) == SIZE_WH
    assert pixels.size_wh(decoding.decode(data, "a.jpg")) == SIZE_WH


def test_rubbish_before_a_marker_is_passed_over():
    assert jpeg.size_wh(DATA[:2] + b"rub\xff\0ish" + DATA[2:]) == SIZE_WH


def test_a_thumbnail_in_the_header_is_not_the_image():
    small = pixels.encode_jpeg(helpers.noise((20, 10)))
    segment = b"\xff\xe1" + (2 + len(small)).to_bytes(2) + small
    assert jpeg.size_wh(DATA[:2] + segment + DATA[2:]) == SIZE_WH


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"\0" * 64, DATA[:40]],
)
def test_what_does_not_tell_its_size_has_none(data):
    assert jpeg.size_wh(data) is None


@given(st.integers(0, 700), st.binary(max_size=40))
def test_any_bytes_are_read_without_an_error(cut, rest):
    found = jpeg.size_wh(DATA[:cut] + rest)
    assert found is None or min(found) > 0
