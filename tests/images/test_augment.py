import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import helpers
import numpy as np
import pytest

from midlevel import errors
from midlevel.images import augment

ROOT = Path(__file__).parents[2]
SIZE = (160, 120)
BOX = (60, 40, 100, 70)
CHANGING = ("colour", "geometry")
ALL = ("original", "mirror", "colour", "geometry", "geometry:2")
contents = pytest.mark.parametrize("content", ["a", "b", "c", "d"])


def bright_rectangle():
    """A dark image with a white rectangle in BOX."""
    image = np.full((SIZE[1], SIZE[0], 3), 20, np.uint8)
    image[BOX[1] : BOX[3], BOX[0] : BOX[2]] = 255
    return image


def found_box(image):
    """Where the white rectangle is now."""
    y, x = np.nonzero(image[..., 0] > 190)
    return np.array([x.min(), y.min(), x.max() + 1, y.max() + 1])


@pytest.mark.parametrize("name", ["mirror", "geometry", "geometry:1", "geometry:2"])
@contents
def test_boxes_move_with_the_pixels(name, content):
    image, (box,) = augment.view(bright_rectangle(), np.array([BOX]), name, content)
    np.testing.assert_allclose(box, found_box(image), atol=1.5)


@contents
def test_geometry_really_moves_and_fills_with_the_mean_colour(content):
    white = np.full((SIZE[1], SIZE[0], 3), 255, np.uint8)
    _, (box,) = augment.view(white, np.array([BOX]), "geometry", content)
    assert np.abs(box - BOX).max() > 1
    views = [augment.view(white, [], "geometry", f"{content}{i}")[0] for i in range(4)]
    outside = np.concatenate([v[(v == (124, 116, 104)).all(axis=-1)] for v in views])
    assert len(outside)


def test_mirror_flips_pixels_and_boxes():
    image = helpers.noise(SIZE)
    flipped, boxes = augment.view(image, np.array([BOX]), "mirror", "a")
    np.testing.assert_array_equal(flipped, image[:, ::-1])
    assert boxes.tolist() == [[60, 40, 100, 70]]  # BOX lies in the middle
    again, _ = augment.view(flipped, boxes, "mirror", "a")
    np.testing.assert_array_equal(again, image)


def test_the_original_is_unchanged():
    image = helpers.noise(SIZE)
    view, boxes = augment.view(image, np.array([BOX]), "original", "a")
    assert view is image and boxes.tolist() == [list(BOX)]


@contents
def test_colour_changes_pixels_and_leaves_boxes(content):
    image = helpers.noise(SIZE)
    view, boxes = augment.view(image, np.array([BOX]), "colour", content)
    assert (view != image).any() and boxes.tolist() == [list(BOX)]


@pytest.mark.parametrize("name", ALL)
def test_views_keep_size_kind_and_argument(name):
    image = helpers.noise(SIZE)
    before, boxes = image.copy(), np.array([BOX, (0, 0, 160, 120)])
    view, moved = augment.view(image, boxes, name, "a")
    assert view.shape == image.shape and view.dtype == np.uint8
    assert moved.shape == (2, 4) and moved.dtype == np.float32
    assert (moved >= 0).all() and (moved <= SIZE * 2).all()
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("name", ALL)
@contents
def test_boxes_can_be_moved_without_pixels(name, content):
    boxes = np.array([BOX, (0, 0, 10, 10)])
    moved = augment.move_boxes(SIZE, boxes, name, content)
    _, expected = augment.view(helpers.noise(SIZE), boxes, name, content)
    np.testing.assert_array_equal(moved, expected)


@pytest.mark.parametrize("name", ALL)
def test_an_image_without_boxes_has_views_too(name):
    _, boxes = augment.view(helpers.noise(SIZE), np.empty((0, 4)), name, "a")
    assert boxes.shape == (0, 4) == augment.move_boxes(SIZE, [], name, "a").shape


@pytest.mark.parametrize("name", CHANGING)
def test_a_view_is_the_same_whenever_it_is_made(name):
    image = helpers.noise(SIZE)
    first, _ = augment.view(image, [], name, "a")
    augment.view(image, [], name, "b")
    np.testing.assert_array_equal(augment.view(image, [], name, "a")[0], first)


@pytest.mark.parametrize("name", CHANGING)
def test_views_differ_between_images_and_between_draws(name):
    image = helpers.noise(SIZE)
    draws = [(name, "a"), (name, "b"), (f"{name}:2", "a"), (f"{name}:3", "a")]
    views = [augment.view(image, [], *draw)[0].tobytes() for draw in draws]
    assert len(set(views)) == len(draws)


@pytest.mark.parametrize("name", CHANGING)
def test_views_made_in_threads_are_those_made_one_by_one(name):
    image = helpers.noise((320, 240))

    def pixels(content):
        return augment.view(image, [], name, content)[0].tobytes()

    images = [str(number) for number in range(24)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(pixels, images)) == [pixels(content) for content in images]


@pytest.mark.parametrize("name", ["blur", "colour:x", "colour:-1", "", "Mirror", ":2"])
def test_unknown_views_are_refused(name):
    with pytest.raises(errors.MidlevelError, match="must be one of original, mirror"):
        augment.view(helpers.noise(SIZE), [], name, "a")
    with pytest.raises(errors.MidlevelError, match=f"Received: {name}."):
        augment.move_boxes(SIZE, [], name, "a")


def test_importing_and_making_views_makes_no_network_request(monkeypatch):
    monkeypatch.delenv("NO_ALBUMENTATIONS_UPDATE", raising=False)
    code = """
import socket
def refuse(*_, **__): raise SystemExit("a network request")
socket.socket.connect = socket.socket.sendto = socket.getaddrinfo = refuse
import numpy as np
import midlevel
from midlevel.images import augment
augment.view(np.zeros((9, 9, 3), np.uint8), [], "geometry", "a")
"""
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
