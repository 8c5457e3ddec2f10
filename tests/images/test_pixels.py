import os
import socket
import struct
from pathlib import Path

import cv2
import helpers
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midlevel import errors
from midlevel.images import decoding, pixels

RED, GREEN = (200, 30, 30), (30, 160, 60)


def two_halves(width=48, height=32):
    """Red to the left, green to the right."""
    image = np.empty((height, width, 3), np.uint8)
    image[:, : width // 2], image[:, width // 2 :] = RED, GREEN
    return image


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """A JPEG with an EXIF segment that says how the camera was held."""
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = b"II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 0)
    body = b"Exif\0\0" + tiff
    segment = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    return jpeg[:2] + segment + jpeg[2:]


# === Reading ===


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".webp", ".tiff", ".jpg", ".ppm"])
def test_pixels_come_as_red_green_blue(tmp_path, suffix):
    bgr = np.ascontiguousarray(two_halves()[..., ::-1])
    path = tmp_path / f"a{suffix}"
    path.write_bytes(cv2.imencode(suffix, bgr)[1].tobytes())
    image = pixels.read(path)
    assert image.dtype == np.uint8 and image.shape == (32, 48, 3)
    np.testing.assert_allclose(image[16, 12], RED, atol=12)
    np.testing.assert_allclose(image[16, 36], GREEN, atol=12)


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (1, lambda image: image),
        (2, lambda image: image[:, ::-1]),
        (3, lambda image: np.rot90(image, 2)),
        (6, lambda image: np.rot90(image, -1)),  # a camera turned to the left
        (8, lambda image: np.rot90(image)),
    ],
)
def test_the_exif_orientation_is_applied(orientation, turn):
    jpeg = pixels.encode_jpeg(two_halves(), 95)
    upright = decoding.decode(with_orientation(jpeg, orientation), "a.jpg")
    np.testing.assert_array_equal(upright, turn(decoding.decode(jpeg, "a.jpg")))


def test_a_path_may_have_any_letters(tmp_path):
    path = tmp_path / "사진 № 1" / "été.jpg"
    helpers.write_photograph(path, two_halves())
    assert pixels.read(path).shape == (32, 48, 3)
    assert pixels.read(str(path)).shape == (32, 48, 3)


def test_encoding_and_decoding_keeps_smooth_pixels():
    image = two_halves()
    again = decoding.decode(pixels.encode_jpeg(image), "a.jpg")
    assert np.abs(again.astype(int) - image).mean() < 3


JPEG = pixels.encode_jpeg(helpers.noise((160, 120)))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "a.jpg: is empty; .* Copy it again", id="empty"),
        pytest.param(b"Dear Anna", "is not an image .* b'Dear Ann'", id="text"),
        pytest.param(JPEG[: len(JPEG) // 2], "a.jpg: .* may be cut off", id="half"),
        pytest.param(JPEG[:30], "a.jpg: .* may be cut off", id="thirty bytes"),
        pytest.param(b"\0" * 64, "a.jpg: is not an image", id="noughts"),
    ],
)
def test_files_that_are_no_image_are_refused_by_name(tmp_path, data, message):
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    with pytest.raises(errors.ImageError, match=message):
        pixels.read(path)


def test_a_missing_file_and_a_folder_cannot_be_read(tmp_path):
    with pytest.raises(errors.ImageError, match=r"no\.jpg: cannot be read: No such"):
        pixels.read(tmp_path / "no.jpg")
    with pytest.raises(errors.ImageError, match="cannot be read: Is a directory"):
        pixels.read(tmp_path)
    with pytest.raises(errors.ImageError, match="cannot be read: embedded null"):
        pixels.read("a\0b.jpg")
    with pytest.raises(errors.ImageError, match="cannot be read: File name too long"):
        pixels.read(tmp_path / ("a" * 300))


@pytest.mark.parametrize("kind", ["pipe", "device", "socket"])
def test_what_may_never_end_is_not_opened(tmp_path, kind, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if kind == "pipe":
        os.mkfifo("a.jpg")
    elif kind == "device":
        os.symlink("/dev/zero", "a.jpg")
    else:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("a.jpg")
    with pytest.raises(
        errors.ImageError, match=r"a\.jpg: is no file, but a pipe, sock"
    ):
        pixels.read("a.jpg")


def test_a_file_of_gigabytes_is_not_read(tmp_path):
    with (tmp_path / "a.jpg").open("wb") as file:
        file.truncate(2**40)  # takes no space
    with pytest.raises(
        errors.ImageError, match="has 1,099,511,627,776 bytes; expected"
    ):
        pixels.read(tmp_path / "a.jpg")


def test_a_photograph_that_may_not_be_opened_says_so(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    helpers.write_photograph(tmp_path / "a.jpg", two_halves())
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(errors.ImageError, match="cannot be read: Permission denied"):
        pixels.read(tmp_path / "a.jpg")


def test_the_longest_and_oddest_names_are_read(tmp_path):
    names = ["n" * 251 + ".jpg", os.fsdecode(b"\xff\xfe.jpg"), "two\nlines.jpg"]
    for path in (tmp_path / name for name in (*names, "/".join(["deep" * 20] * 20))):
        helpers.write_photograph(path, two_halves())
        assert pixels.read(path).shape == (32, 48, 3)


def test_what_opencv_raises_becomes_an_image_error(monkeypatch):
    def fail(*_):
        raise cv2.error("too many pixels")

    monkeypatch.setattr(cv2, "imdecode", fail)
    with pytest.raises(errors.ImageError, match=r"^a\.jpg: cannot be decoded"):
        decoding.decode(JPEG, "a.jpg")


# === Reading no more than is needed ===


@pytest.fixture
def jpeg(tmp_path):
    """Writes a JPEG of two halves, perhaps turned by EXIF; gives its path."""

    def write(size_wh, orientation=1):
        data = pixels.encode_jpeg(two_halves(*size_wh), 95)
        (tmp_path / "a.jpg").write_bytes(with_orientation(data, orientation))
        return tmp_path / "a.jpg"

    return write


@pytest.mark.parametrize(
    ("needed_wh", "given_wh"),
    [
        ((1200, 800), (1200, 800)),
        ((601, 401), (1200, 800)),
        ((600, 400), (600, 400)),
        ((301, 10), (600, 400)),
        ((300, 200), (300, 200)),
        ((1, 1), (150, 100)),  # an eighth at the least
        ((5000, 4000), (1200, 800)),
    ],
)
def test_a_jpeg_is_decoded_no_smaller_than_is_needed(jpeg, needed_wh, given_wh):
    asked = []

    def needed(size_wh):
        asked.append(size_wh)
        return needed_wh

    found = pixels.read_enough(jpeg((1200, 800)), needed)
    assert set(asked) == {(1200, 800)}
    assert found.size_wh == (1200, 800)
    assert pixels.size_wh(found.pixels) == given_wh
    height, width = found.pixels.shape[:2]
    np.testing.assert_allclose(found.pixels[height // 2, width // 4], RED, atol=12)
    np.testing.assert_allclose(found.pixels[height // 2, -width // 4], GREEN, atol=12)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("size_wh", [(1203, 801), (801, 1203), (800, 800)])
def test_a_turned_jpeg_is_reduced_and_upright(jpeg, size_wh, orientation):
    path = jpeg(size_wh, orientation)
    whole = pixels.read(path)
    found = pixels.read_enough(path, lambda _: (100, 100))
    assert found.size_wh == pixels.size_wh(whole)
    small = pixels.resize(whole, pixels.size_wh(found.pixels))
    assert found.pixels.size < whole.size / 60
    assert np.abs(found.pixels.astype(int) - small).mean() < 3


@pytest.mark.parametrize("size_wh", [(996, 1000), (1000, 996)])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_nearly_square_photograph_keeps_its_sides(jpeg, size_wh, orientation):
    """An eighth of it is square, which does not say how it lay."""
    path = jpeg(size_wh, orientation)
    found = pixels.read_enough(path, lambda _: (100, 100))
    assert found.size_wh == pixels.size_wh(pixels.read(path))


@pytest.mark.parametrize(
    ("needed_wh", "given_wh"),
    [((160, 128), (325, 250)), ((320, 251), (650, 500)), ((700, 9), (1300, 1000))],
)
def test_other_formats_are_averaged_to_what_is_needed(tmp_path, needed_wh, given_wh):
    image = pixels.resize(helpers.noise((200, 150)), (1300, 1000))
    path = tmp_path / "a.jpg"  # whatever the name says
    path.write_bytes(cv2.imencode(".png", image[..., ::-1])[1].tobytes())
    found = pixels.read_enough(path, lambda _: needed_wh)
    assert found.size_wh == (1300, 1000)
    assert pixels.size_wh(found.pixels) == given_wh
    np.testing.assert_array_equal(found.pixels, pixels.resize(image, given_wh))


def test_files_that_are_no_image_are_refused_where_less_is_needed_too(tmp_path):
    for data in (b"", JPEG[: len(JPEG) // 2], JPEG[:30], b"Dear Anna"):
        (tmp_path / "a.jpg").write_bytes(data)
        with pytest.raises(errors.ImageError, match="a.jpg: "):
            pixels.read_enough(tmp_path / "a.jpg", lambda _: (1, 1))


# === Checking ===


@pytest.mark.parametrize(
    ("wrong", "received"),
    [
        (np.zeros((4, 4), np.uint8), r"uint8 \(4, 4\)"),
        (np.zeros((4, 4, 4), np.uint8), r"uint8 \(4, 4, 4\)"),
        (np.zeros((4, 4, 3), np.float32), r"float32 \(4, 4, 3\)"),
        (np.zeros((1, 4, 4, 3), np.uint8), r"uint8 \(1, 4, 4, 3\)"),
        (np.zeros((0, 4, 3), np.uint8), r"uint8 \(0, 4, 3\)"),
        ([[[0, 0, 0]]], r"list \(1, 1, 3\)"),
        ("a.jpg", "str"),
        (None, "NoneType"),
    ],
)
def test_arrays_that_are_no_image_are_refused(wrong, received):
    with pytest.raises(errors.ImageError, match=f"RGB uint8 .* Received: {received}"):
        pixels.check(wrong)


def test_an_image_passes_the_check_as_it_is():
    image = np.zeros((1, 1, 3), np.uint8)
    assert pixels.check(image) is image


# === Resizing ===


def test_the_same_size_gives_the_image_itself():
    image = two_halves()
    assert pixels.resize(image, pixels.size_wh(image)) is image
    assert pixels.size_wh(image) == (48, 32)


@pytest.mark.parametrize("to_wh", [(1, 1), (7, 90), (300, 2), (96, 64)])
def test_resizing_gives_the_size_asked_for(to_wh):
    assert pixels.size_wh(pixels.resize(two_halves(), to_wh)) == to_wh


def test_shrinking_averages_areas():
    image = helpers.noise((16, 8))
    blocks = image.reshape(2, 4, 4, 4, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(pixels.resize(image, (4, 2)), blocks, atol=0.51)


# === Levels ===


def to_nearest(values):
    """Float pixels as bytes, halves upwards."""
    return np.rint(values + np.float32(pixels.HALVES_UP)).astype(np.uint8)


@pytest.mark.parametrize("size_wh", [(97, 64), (500, 375), (33, 700), (1, 1)])
def test_levels_are_the_image_resized_and_rounded_to_the_nearest(size_wh):
    image = helpers.noise(size_wh)
    sizes = [(224, 192), (416, 320), size_wh]
    levels = pixels.levels(image, sizes)
    for level, to_wh in zip(levels, sizes, strict=True):
        assert level.dtype == np.uint8 and pixels.size_wh(level) == to_wh
        exact = pixels.resize(image.astype(np.float32), to_wh)
        np.testing.assert_array_equal(level, to_nearest(exact))
    np.testing.assert_array_equal(levels[2], image)


def test_halves_are_rounded_upwards():
    image = np.array([[[0, 1, 2], [1, 2, 3]], [[0, 1, 2], [1, 2, 3]]], np.uint8)
    (level,) = pixels.levels(np.tile(image, (1, 2, 1)), [(2, 2)])  # 0.5, 1.5, 2.5
    assert level.tolist() == [[[1, 2, 3]] * 2] * 2


def test_rounding_moves_no_mean():
    image = helpers.noise((500, 375))
    (level,) = pixels.levels(image, [(416, 320)])
    exact = pixels.resize(image.astype(np.float32), (416, 320))
    assert np.abs(level - exact).max() <= 0.5 + 2 * pixels.HALVES_UP
    assert abs((level - exact).mean()) < 0.002


# === Cutting ===


def test_a_cut_at_its_own_size_is_a_slice():
    image = helpers.noise((40, 30))
    cut = pixels.cut(image, np.array([3, 5, 19, 21]), 16)
    np.testing.assert_array_equal(cut, image[5:21, 3:19])


def test_context_widens_a_cut():
    image = helpers.noise((60, 60))
    cut = pixels.cut(image, np.array([20, 20, 36, 36]), 24, context=4)
    np.testing.assert_array_equal(cut, image[16:40, 16:40])


def test_what_lies_outside_the_image_is_the_mean_colour():
    image = np.full((10, 10, 3), 255, np.uint8)
    cut = pixels.cut(image, np.array([0, 0, 10, 10]), 20, context=5)
    outside = np.ones((20, 20), bool)
    outside[5:15, 5:15] = False
    assert (cut[outside] == pixels.IMAGENET_MEAN).all()
    assert (cut[~outside] == 255).all()


@pytest.mark.parametrize("box", [(0, 0, 0.2, 0.2), (9.7, 9.7, 10, 10), (0, 4, 10, 4.1)])
def test_a_cut_of_a_sliver_has_pixels(box):
    image = np.full((10, 10, 3), 9, np.uint8)
    assert (pixels.cut(image, np.array(box), 8) == 9).any()


# === Connected parts ===


@given(st.integers(1, 7), st.integers(1, 7), st.data())
def test_connected_parts_agree_with_flood_fill(rows, columns, data):
    cells = data.draw(
        st.lists(st.booleans(), min_size=rows * columns, max_size=rows * columns)
    )
    mask = np.array(cells).reshape(rows, columns)
    parts, boxes = pixels.connected_parts(mask)
    expected = helpers.slow_parts(mask)
    assert len(boxes) == parts.max() == expected.max()
    pairs = {*zip(parts.flat, expected.flat, strict=True)}  # numbered in any order
    assert len(pairs) == len(np.unique(expected))
    for number, (left, top, right, bottom) in enumerate(boxes, 1):
        y, x = np.nonzero(parts == number)
        assert (x.min(), y.min(), x.max() + 1, y.max() + 1) == (
            left,
            top,
            right,
            bottom,
        )


def test_corners_do_not_connect_and_a_snake_is_one_part():
    assert pixels.connected_parts(np.eye(3, dtype=bool))[0].max() == 3
    snake = np.array([[1, 1, 1], [0, 0, 1], [1, 1, 1], [1, 0, 0], [1, 1, 1]], bool)
    np.testing.assert_array_equal(pixels.connected_parts(snake)[0], snake.astype(int))
