import helpers
import numpy as np
import pytest

from midlevel.exports import letterbox
from midlevel.images import pixels


@pytest.mark.parametrize("size_wh", [(80, 60), (160, 120), (640, 480)])
def test_an_image_of_the_same_shape_is_resized_alone(size_wh):
    image = helpers.noise(size_wh)
    found = letterbox.letterbox(image, 160, 120)
    np.testing.assert_array_equal(found, pixels.resize(image, (160, 120)))


def test_the_shape_is_kept_between_grey_bars():
    image = np.full((100, 50, 3), (10, 20, 30), np.uint8)
    image[:50] = (30, 40, 50)
    found = letterbox.letterbox(image, 90, 60)
    assert found.shape == (60, 90, 3) and found.dtype == np.uint8
    assert (found[:, :30] == 128).all() and (found[:, 60:] == 128).all()
    assert (found[:29, 30:60] == (30, 40, 50)).all()
    assert (found[31:, 30:60] == (10, 20, 30)).all()


@pytest.mark.parametrize("size_wh", [(1, 1), (1, 5000), (5000, 1)])
def test_any_image_finds_a_place(size_wh):
    assert letterbox.letterbox(helpers.noise(size_wh), 64, 48).shape == (48, 64, 3)
