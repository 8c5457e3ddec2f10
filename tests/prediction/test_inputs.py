import io
from pathlib import Path

import helpers
import numpy as np
import pytest

from midlevel import errors, runs
from midlevel.prediction import inputs

Image = pytest.importorskip("PIL.Image")
COLOURS = helpers.noise((6, 4))


class Tensor:
    """What other libraries have: no array, but one can be made of it."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)


def test_arrays_pictures_and_tensors_are_one_image():
    for thing in (COLOURS, Image.fromarray(COLOURS), Tensor(COLOURS)):
        assert inputs.is_image(thing)
        np.testing.assert_array_equal(inputs.image(thing), COLOURS)


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK"])
def test_pictures_of_other_modes_become_rgb(mode):
    picture = Image.fromarray(COLOURS).convert(mode)
    expected = np.asarray(picture.convert("RGB"))
    np.testing.assert_array_equal(inputs.image(picture), expected)


def test_what_is_transparent_lies_over_white():
    pixels = np.zeros((1, 3, 4), np.uint8)
    pixels[0, :, 3] = 0, 255, 51  # a fifth of black
    found = inputs.image(Image.fromarray(pixels, "RGBA"))
    assert found[0, :, 0].tolist() == [255, 0, 204]


def test_a_picture_is_turned_as_its_file_says():
    picture, file = Image.fromarray(COLOURS), io.BytesIO()
    exif = picture.getexif()
    exif[0x112] = 6  # turned right
    picture.save(file, "PNG", exif=exif)
    found = inputs.image(Image.open(file))
    np.testing.assert_array_equal(found, np.rot90(COLOURS, -1))


def test_pictures_of_more_bits_are_refused():
    picture = Image.fromarray(np.full((4, 4), 1000, np.uint16))
    with pytest.raises(errors.ImageError, match="8 bits .* Received: mode I;16"):
        inputs.image(picture)


@pytest.mark.parametrize(
    "thing", [None, 3, 2.5, b"a.jpg", {"a": 1}, object(), np.array("a.jpg")]
)
def test_what_is_none_of_these_is_told_what_is_accepted(thing):
    assert not inputs.is_image(thing) and not inputs.is_path(thing)
    message = f"Expected a path .* an image .* Received: {type(thing).__name__}"
    with pytest.raises(errors.MidlevelError, match=message):
        inputs.several(thing)


def test_names_in_an_array_are_names():
    names = np.array(["a.jpg", "b.jpg"])
    assert not inputs.is_image(names)
    assert all(inputs.is_path(name) for name in inputs.several(names))


def test_a_run_is_given_by_its_folder_or_itself(tmp_path):
    run = runs.Run(tmp_path)
    assert inputs.run(run) is run
    assert inputs.run(str(tmp_path)).folder == inputs.run(tmp_path).folder == tmp_path
    with pytest.raises(errors.MidlevelError, match="folder of a run.* Received: int"):
        inputs.run(5)
    assert isinstance(inputs.run("a").folder, Path)
