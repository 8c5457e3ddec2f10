import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midlevel.prediction import localising

SIZE = (9, 6)
window = st.tuples(*[st.integers(0, side - 1) for side in SIZE * 2]).map(
    lambda e: (
        np.array([min(e[0], e[2]), min(e[1], e[3]), max(e[0], e[2]) + 1, 1])
        + [0, 0, 0, max(e[1], e[3])]
    )
)


def test_regions_surround_what_scores_best_first():
    tiles = np.array([[x, y, x + 8, y + 8] for y in (0, 8) for x in range(0, 40, 8)])
    values = np.zeros(10)
    values[0], values[[3, 4]] = 0.6, 0.9
    found, peaks = localising.find(tiles, values, (40, 16))
    assert found.tolist() == [[24, 0, 40, 8], [0, 0, 8, 8]]
    np.testing.assert_allclose(peaks, [0.9, 0.6], rtol=1e-6)
    values[0] = 0.01  # its fifth root is below 0.45 of the highest
    assert len(localising.find(tiles, values, (40, 16))[0]) == 1


def test_regions_are_in_pixels_of_a_large_image():
    tiles = np.array([[0, 0, 640, 320], [640, 0, 1280, 320]])
    found, _ = localising.find(tiles, np.array([0.01, 0.8]), (1280, 320))
    assert found.tolist() == [[640, 0, 1280, 320]] and found.dtype == np.float32


def test_a_speck_between_windows_is_no_region():
    windows = np.array([[0, 0, 10, 10], [9, 0, 19, 10], *[[30, 0, 40, 10]] * 3])
    values = np.full(5, 0.8)  # the first two agree in one column of pixels
    found, _ = localising.find(windows, values, (40, 10))
    assert found.tolist() == [[30, 0, 40, 10]]


def test_windows_that_agree_hold_more_than_one_that_is_sure():
    """A corner that one window covers is high in a mean; a sum wants several."""
    windows = np.array([[0, 0, 10, 10], *[[30, 0, 40, 10]] * 9])
    values = np.array([0.5] + [0.4] * 9)
    found, peaks = localising.find(windows, values, (40, 10))
    assert found.tolist() == [[30, 0, 40, 10]]
    np.testing.assert_allclose(peaks, [0.4], rtol=1e-6)


def test_the_regions_of_each_class_are_those_of_it_alone():
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 40, (30, 2))
    windows = np.hstack([corners, corners + 20])
    table = rng.random((30, 3)) ** 4
    together = list(localising.each(windows, table, (60, 60)))
    assert len(together) == 3
    for column, found in zip(table.T, together, strict=True):
        alone = localising.find(windows, column, (60, 60))
        for one, other in zip(found, alone, strict=True):
            np.testing.assert_array_equal(one, other)


def test_nothing_scored_gives_no_regions():
    found, peaks = localising.find(np.array([[0, 0, 5, 5]]), np.zeros(1), (5, 5))
    assert found.shape == (0, 4) and peaks.shape == (0,)


@given(st.lists(window, min_size=1, max_size=6), st.integers(0, 5))
def test_regions_lie_within_the_image(rows, seed):
    values = np.random.default_rng(seed).random(len(rows))
    found, peaks = localising.find(np.array(rows), values, SIZE)
    assert len(found) and (found >= 0).all() and (found <= SIZE * 2).all()
    assert (found[:, 2:] > found[:, :2]).all() and (np.diff(peaks) <= 0).all()


@pytest.mark.parametrize(
    ("size_wh", "expected"),
    [
        ((640, 480), (64, 48)),
        ((480, 640), (48, 64)),
        ((20, 10), (20, 10)),
        ((1, 1), (1, 1)),
        ((10_000, 10), (64, 1)),
    ],
)
def test_map_sizes_keep_the_proportions(size_wh, expected):
    assert localising.map_size(size_wh) == expected
