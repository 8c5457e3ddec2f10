"""What becomes of each kind of image; the table of midlevel/images/decoding.py."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from midlevel import errors
from midlevel.images import colours, decoding, headers, limits, pixels

pytest.importorskip("pillow_heif")
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import odd_images
import odd_jpegs

PICTURE = odd_images.quarters()
READABLE, UNREADABLE = odd_images.readable(), odd_images.unreadable()
FORMS = ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF")


def read(data, reduced=1):
    return decoding.decode(data, "a.jpg", reduced)


def assert_shows(data, image, atol=0):
    found = read(data)
    assert found.dtype == np.uint8 and found.shape == image.shape
    assert found.flags.c_contiguous
    np.testing.assert_allclose(found.astype(int), image, atol=atol)


def middles(image):
    """The colours in the middle of each quarter."""
    rows, columns = (np.array([side // 4, -side // 4]) for side in image.shape[:2])
    return image[rows][:, columns].astype(int)


def as_turned(image, orientation):
    """EXIF 2.32, 4.6.4: which sides of the scene row 0 and column 0 are."""
    return {
        1: image,
        2: np.fliplr(image),
        3: np.rot90(image, 2),
        4: np.flipud(image),
        5: np.fliplr(np.rot90(image, -1)),
        6: np.rot90(image, -1),
        7: np.fliplr(np.rot90(image)),
        8: np.rot90(image),
    }[orientation]


# === Kinds ===


@pytest.mark.parametrize("name", READABLE)
def test_a_readable_kind_shows_the_picture(name):
    found = read(READABLE[name])
    assert found.shape == PICTURE.shape and found.dtype == np.uint8
    np.testing.assert_allclose(middles(found), middles(PICTURE), atol=4)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", FORMS)
def test_every_orientation_is_turned_upright(form, orientation):
    data = odd_images.turned(form, orientation)
    assert_shows(data, as_turned(PICTURE, orientation), atol=4)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_of_16_bits_is_turned_too(orientation):
    data = odd_images.tiff(PICTURE.astype(np.uint16) * 257, t274=orientation)
    assert_shows(data, as_turned(PICTURE, orientation))


GREYS = [  # formats of Pillow, and their modes
    *(("PNG", mode) for mode in ("L", "1", "P", "LA", "I;16")),
    *(("TIFF", mode) for mode in ("L", "1", "P", "I;16")),
    *(("GIF", mode) for mode in ("L", "1", "P", "LA")),
    *(("BMP", mode) for mode in ("L", "1", "P")),
    *(("JPEG2000", mode) for mode in ("L", "I;16")),
    *(("PPM", mode) for mode in ("L", "1", "I;16")),
    ("JPEG", "L"),
]


def grey_in(mode):
    """A grey picture of Pillow's, and how it looks."""
    grey = Image.fromarray(PICTURE).convert("L")
    if mode == "I;16":
        values = np.asarray(grey).astype(np.uint16) * 257
        return Image.fromarray(values), np.asarray(grey.convert("RGB"))
    image = grey.quantize(8) if mode == "P" else grey.convert(mode)
    return image, np.asarray(image.convert("RGB"))


@pytest.mark.parametrize(("form", "mode"), GREYS)
def test_grey_and_palettes_become_rgb(form, mode):
    image, shown = grey_in(mode)
    assert_shows(odd_images.pillow(image, form), shown, atol=1)


# === Alpha ===


def test_alpha_lies_over_white():
    rgba, shown = odd_images.veiled()
    for form in ("PNG", "WEBP"):
        assert_shows(odd_images.pillow(rgba, form), shown)
    for form in ("AVIF", "HEIF"):
        assert_shows(odd_images.pillow(rgba, form), shown, atol=4)


def test_alpha_of_16_bits_lies_over_white():
    rgba, shown = odd_images.veiled()
    for values in (rgba.astype(np.uint16) * 257, np.uint16(rgba / 255 * 4095 + 0.5)):
        bgra = values[..., [2, 1, 0, 3]]
        assert_shows(cv2.imencode(".png", bgra)[1].tobytes(), shown, atol=1)
    twelve = rgba.astype(np.uint16) * 257
    twelve[..., :3] = np.rint(rgba[..., :3] / 255 * 4095)  # the alpha has 16 bits
    data = cv2.imencode(".png", twelve[..., [2, 1, 0, 3]])[1].tobytes()
    assert_shows(data, shown, atol=1)


@pytest.mark.parametrize("bits", [8, 16])
def test_tiff_says_what_its_fourth_channel_is(bits):
    rgba, shown = odd_images.veiled()
    multiplied = rgba.copy()
    multiplied[..., :3] = np.rint(rgba[..., :3] * (rgba[..., 3:] / 255))
    for kind, stored, seen in (
        (0, rgba, PICTURE),
        (1, multiplied, shown),
        (2, rgba, shown),
    ):
        values = stored if bits == 8 else stored.astype(np.uint16) * 257
        assert_shows(odd_images.tiff(values, t338=kind), seen, atol=1)
        turned = odd_images.tiff(values, t338=kind, t274=6)
        assert_shows(turned, np.rot90(seen, -1), atol=1)


@pytest.mark.parametrize("mode", ["LA", "PA"])
def test_a_tiff_of_grey_or_a_palette_has_its_alpha_too(mode):
    rgba, _ = odd_images.veiled()
    image = Image.fromarray(rgba).convert("LA")
    over = Image.alpha_composite(
        Image.new("RGBA", image.size, "white"), image.convert("RGBA")
    )
    shown = np.asarray(over.convert("RGB"))
    if mode == "PA":
        alpha, image = image.getchannel("A"), image.getchannel("L").convert("PA")
        image.putalpha(alpha)
    assert_shows(odd_images.pillow(image, "TIFF"), shown, atol=1)
    note = {274: 6}
    data = odd_images.pillow(image, "TIFF", tiffinfo=note)
    assert_shows(data, np.rot90(shown, -1), atol=1)


def test_a_tiff_of_grey_says_what_its_second_channel_is():
    grey, half = PICTURE[..., 0], np.full(PICTURE.shape[:2], 128, np.uint8)
    for kind, values, shown in (
        (0, grey, grey),
        (1, np.uint8(grey * 0.502), 127 + grey * 0.502),
        (2, grey, 127 + grey * 0.502),
    ):
        data = odd_images.tiff(np.dstack([values, half]), t338=kind)
        assert_shows(data, np.repeat(shown[..., None], 3, axis=2), atol=2)
    deep = odd_images.tiff(np.dstack([grey, half]).astype(np.uint16) * 257, t338=2)
    with pytest.raises(errors.ImageError, match="is TIFF and .* rare kind; save it ag"):
        read(deep)


def test_one_transparent_colour_lies_over_white():
    grey, palette = PICTURE[..., 0], Image.fromarray(PICTURE).quantize(4)
    shown = PICTURE.copy()
    shown[:8, :12] = 255
    assert_shows(odd_images.pillow(PICTURE, "PNG", transparency=odd_images.RED), shown)
    first = palette.getpixel((0, 0))
    for form in ("PNG", "GIF"):
        assert_shows(odd_images.pillow(palette, form, transparency=first), shown)
    seen = np.repeat(grey[..., None], 3, axis=2)
    seen[:8, :12] = 255
    assert_shows(odd_images.pillow(grey, "PNG", transparency=200), seen)


def test_one_transparent_grey_of_two_bits_lies_over_white():
    levels = Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).convert("1")
    seen = np.full((2, 2, 3), 255, np.uint8)
    assert_shows(odd_images.pillow(levels, "PNG", transparency=0), seen)


# === Values ===


def test_a_dark_avif_of_12_bits_stays_dark():
    dark = np.rint(PICTURE / 255 * 4095 / 8).astype(np.uint16)
    options = (cv2.IMWRITE_AVIF_DEPTH, 12, cv2.IMWRITE_AVIF_QUALITY, 100)
    found = read(odd_images.opencv(".avif", dark, *options))
    np.testing.assert_allclose(middles(found), middles(PICTURE) / 8, atol=2)


def test_a_tiff_whose_white_is_nought_is_turned_about():
    grey = np.ascontiguousarray(PICTURE[..., 0])
    shown = np.repeat(255 - grey[..., None], 3, axis=2)
    for values in (grey, grey.astype(np.uint16) * 257):
        assert_shows(odd_images.tiff(values, t262=0), shown)


@pytest.mark.parametrize(
    "dtype", [np.float32, np.float64, np.int8, np.int16, np.int32, np.uint32]
)
def test_values_without_a_known_range_are_refused(dtype):
    data = odd_images.tiff(PICTURE.astype(dtype))
    with pytest.raises(errors.ImageError, match=f"^a.jpg: holds {dtype.__name__} val"):
        read(data)


def test_large_images_are_converted_in_bands(monkeypatch):
    rgba, shown = odd_images.veiled()
    monkeypatch.setattr(colours, "BAND", 5 * rgba.shape[1])
    assert_shows(odd_images.pillow(rgba, "PNG"), shown)
    assert_shows(odd_images.opencv(".png", PICTURE.astype(np.uint16) * 257), PICTURE)


# === Sizes ===


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".tiff", ".webp", ".avif"])
def test_one_pixel_is_an_image(suffix):
    image = np.full((1, 1, 3), 90, np.uint8)
    assert_shows(odd_images.opencv(suffix, image), image)


@pytest.mark.parametrize("size_wh", [(65535, 1), (1, 65535)])
@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff"])
def test_the_longest_sides_are_read(suffix, size_wh):
    image = np.full((size_wh[1], size_wh[0], 3), 90, np.uint8)
    assert_shows(odd_images.opencv(suffix, image), image)


def test_a_jpeg_as_wide_as_can_be_is_read():
    image = np.full((2, 65500, 3), 90, np.uint8)
    data = odd_images.opencv(".jpg", image)
    assert_shows(data, image)
    assert read(data, 8).shape == (1, 8188, 3)


# === Refusals ===


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_kind_says_why_in_one_line(name):
    data, reason = UNREADABLE[name]
    with pytest.raises(errors.ImageError) as caught:
        read(data)
    text = str(caught.value)
    assert text.startswith("a.jpg: ") and re.search(reason, text)
    assert "\n" not in text and len(text) < 300


@pytest.mark.parametrize("name", READABLE)
def test_a_file_cut_off_anywhere_is_refused_or_whole(name):
    data, whole = READABLE[name], read(READABLE[name])
    places = np.linspace(1, len(data) - 1, 25).astype(int).tolist()
    refused = 0
    for place in [*places, len(data) - 2, len(data) - 3, len(data) - 12]:
        for reduced in (1, 8) if headers.kind(data) == "JPEG" else (1,):
            try:
                found = read(data[:place], reduced)
            except errors.ImageError:
                refused += 1
                continue
            np.testing.assert_array_equal(
                found, whole if reduced == 1 else read(data, 8)
            )
    assert refused >= 10


def test_rubbish_behind_an_image_is_passed_over():
    for form in ("PNG", "WEBP", "GIF", "BMP", "TIFF", "JPEG"):
        data = odd_images.pillow(PICTURE, form)
        np.testing.assert_array_equal(read(data + b"\0rubbish" * 50), read(data))


def test_heic_without_its_extra_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(errors.ImageError, match=r'pip install "midlevel\[heic\]"'):
        read(READABLE["colour.heic"])


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(limits, "MAX_PIXELS", PICTURE[..., 0].size)
    files = {n: d for n, d in READABLE.items() if headers.kind(d) != "HEIC"}  # padded
    for data in files.values():
        read(data)
    monkeypatch.setattr(limits, "MAX_PIXELS", PICTURE[..., 0].size - 1)
    monkeypatch.setattr(cv2, "imdecode", None)
    monkeypatch.setattr(cv2, "imdecodeWithMetadata", None)
    for data in files.values():
        with pytest.raises(errors.ImageError, match="24 x 16 pixels, more than 383 in"):
            read(data)


LIMITED = """
import json, resource, sys
{first}
import midlevel
sys.path[:0] = {places!r}
import odd_images
from midlevel.images import decoding
from midlevel import errors
from midlevel.images import limits

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

files, before = odd_images.unreadable(), peak()
for name in [name for name in files if name.startswith("huge")]:
    try:
        decoding.decode(files[name][0], name)
        raise SystemExit(name)
    except errors.ImageError:
        pass
decoding.decode(odd_images.pillow(odd_images.quarters(100, 100), "PNG"), "fits")
try:
    decoding.decode(odd_images.pillow(odd_images.quarters(100, 101), "PNG"), "a")
except errors.ImageError as error:
    print(json.dumps([limits.MAX_PIXELS, peak() - before, str(error)]))
"""


@pytest.mark.parametrize("first", ["", "import cv2"])
def test_the_limit_is_an_environment_variable_and_holds_memory_down(first):
    """Also where OpenCV was imported before midlevel, and has a limit of its own."""
    places = [str(Path(odd_images.__file__).parent)]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED.format(first=first, places=places)],
        capture_output=True,
        text=True,
        env={**os.environ, "MIDLEVEL_MAX_PIXELS": "10000"},
    )
    assert done.returncode == 0, done.stderr + done.stdout
    most, megabytes, why = json.loads(done.stdout)
    assert most == 10_000 and megabytes < 50
    assert "100 x 101 pixels, more than 10,000" in why and "MIDLEVEL_MAX_PIXELS" in why


@pytest.mark.parametrize("stated", ["250M", "-1", "0", "1e6"])
def test_a_limit_that_is_no_number_is_an_error_for_people(stated, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "midlevel", "check", str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "MIDLEVEL_MAX_PIXELS": stated},
    )
    assert done.returncode not in (0, 1) and "Traceback" not in done.stderr
    assert "MIDLEVEL_MAX_PIXELS: expected a number of pixels" in done.stderr
    assert repr(stated) in done.stderr


# === Reduced JPEGs ===


def jpegs():
    """JPEGs of every kind OpenCV reads, of soft colours, by name."""
    soft = pixels.resize(np.roll(PICTURE, 5, 1)[:6, :8].copy(), (331, 203))
    soft = cv2.GaussianBlur(soft, (0, 0), 25)
    shown = Image.fromarray(soft)
    made = {
        "progressive": odd_images.pillow(soft, "JPEG", progressive=True),
        "cmyk": odd_images.pillow(shown.convert("CMYK"), "JPEG"),
        "grey": odd_images.pillow(shown.convert("L"), "JPEG"),
        "restarts": odd_images.pillow(soft, "JPEG", restart_marker_blocks=3),
        "rgb inside": odd_images.pillow(soft, "JPEG", keep_rgb=True),
        "two pictures": odd_images.pillow(soft, "MPO", **odd_images.frames()),
    }
    for sampling in ("411", "420", "422", "440", "444"):
        factor = getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{sampling}")
        made[sampling] = odd_images.opencv(
            ".jpg", soft, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factor
        )
    return made


JPEGS = jpegs()


@pytest.mark.parametrize("name", JPEGS)
def test_a_reduced_jpeg_looks_like_the_whole_one(name):
    whole = pixels.resize(read(JPEGS[name]), (331, 203))
    for factor in (2, 4, 8):
        found = read(JPEGS[name], factor)
        to_wh = (-(-331 // factor), -(-203 // factor))
        assert pixels.size_wh(found) == to_wh
        difference = np.abs(found.astype(int) - pixels.resize(whole, to_wh))
        assert difference.mean() < 3  # 4:1:1 keeps a quarter of the colours


@pytest.mark.parametrize("name", odd_jpegs.JPEGS)
def test_a_rare_jpeg_is_read_or_refused_alike_where_less_is_needed(tmp_path, name):
    (tmp_path / "a.jpg").write_bytes(odd_jpegs.read(name))
    try:
        whole = pixels.read(tmp_path / "a.jpg")
    except errors.ImageError:
        with pytest.raises(errors.ImageError):
            pixels.read_enough(tmp_path / "a.jpg", lambda _: (1, 1))
        return
    found = pixels.read_enough(tmp_path / "a.jpg", lambda _: (3, 2))
    assert found.size_wh == odd_images.SIZE_WH and found.pixels.shape == (2, 3, 3)
    small = pixels.resize(whole, (3, 2))
    corners = np.ix_([0, 1], [0, 2])
    np.testing.assert_allclose(
        found.pixels[corners].astype(int), small[corners], atol=8
    )
