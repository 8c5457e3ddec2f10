import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midlevel.method import pooling, windows
from midlevel.method.windows import Geometry, Level

LEVELS = (Level(1.0, (7, 5, 3)), Level(0.5, (4, 3)))
SIZES_WH = [(97, 64), (64, 64), (40, 900), (1, 1), (2000, 31)]


def maps_of(plan, lost_cells=0, channels=5):
    """A map of noise for each level."""
    rng = np.random.default_rng(0)
    return [
        rng.random((rows - lost_cells, columns - lost_cells, channels), np.float32)
        for columns, rows in plan.grids
    ]


def slow_pool(maps, plan, lost_cells):
    """Window by window and cell by cell."""
    rows = []
    for level, (left, top, right, bottom) in zip(plan.level, plan.cells, strict=True):
        inside = [
            maps[level][y, x]
            for y in range(top, bottom - lost_cells)
            for x in range(left, right - lost_cells)
        ]
        rows.append(np.mean(inside, axis=0))
    return np.array(rows)


@pytest.mark.parametrize("lost_cells", [0, 2])
@pytest.mark.parametrize("size_wh", SIZES_WH)
def test_pooling_is_the_mean_over_the_cells_of_each_window(size_wh, lost_cells):
    plan = windows.plan(size_wh, Geometry(LEVELS, min_cells=lost_cells + 1))
    maps = maps_of(plan, lost_cells)
    pooled = pooling.pool(maps, plan, lost_cells)
    assert pooled.dtype == np.float32
    np.testing.assert_allclose(pooled, slow_pool(maps, plan, lost_cells), atol=2e-5)


def test_every_window_of_the_default_pyramid_is_the_mean_of_its_cells():
    plan = windows.plan((500, 375), Geometry(windows.PYRAMIDS["octaves"]))
    maps = maps_of(plan)
    expected = slow_pool(maps, plan, 0)
    np.testing.assert_allclose(pooling.pool(maps, plan), expected, atol=2e-5)


def test_a_window_as_large_as_its_level_is_the_mean_of_the_map():
    plan = windows.plan((224, 224), Geometry((Level(1.0, (7,)),)))
    (cells,) = maps_of(plan)
    (mean,) = pooling.pool([cells], plan)
    np.testing.assert_allclose(mean, cells.mean(axis=(0, 1)), atol=1e-6)


def test_lost_cells_are_taken_from_the_right_and_from_below():
    plan = windows.plan((224, 224), Geometry((Level(1.0, (3,)),), min_cells=3))
    cells = np.arange(25, dtype=np.float32).reshape(5, 5, 1)  # of 7 x 7
    found = pooling.pool([cells], plan, lost_cells=2)
    corners = plan.cells[:, :2]
    assert found[:, 0].tolist() == [cells[top, left, 0] for left, top in corners]


def test_what_is_pooled_is_not_changed():
    plan = windows.plan((97, 64), Geometry(LEVELS))
    maps = maps_of(plan)
    before = [cells.copy() for cells in maps]
    pooling.pool(maps, plan)
    np.testing.assert_equal(maps, before)


@given(rows=st.integers(1, 9), columns=st.integers(1, 9), channels=st.integers(1, 4))
def test_summed_areas_are_those_of_cumsum_to_the_last_bit(rows, columns, channels):
    cells = np.random.default_rng(rows).random((rows, columns, channels), np.float32)
    found = pooling.summed_areas(cells)
    assert found.dtype == np.float32
    assert not found[0].any() and not found[:, 0].any()
    expected = cells.cumsum(axis=0, dtype=np.float32).cumsum(axis=1, dtype=np.float32)
    np.testing.assert_array_equal(found[1:, 1:], expected)


def test_sums_of_maps_that_cannot_be_written_to_or_lie_otherwise_are_the_same():
    cells = np.random.default_rng(0).random((4, 6, 3), np.float32)
    turned = np.asfortranarray(cells)
    turned.setflags(write=False)
    expected = pooling.summed_areas(cells)
    np.testing.assert_array_equal(pooling.summed_areas(turned), expected)
