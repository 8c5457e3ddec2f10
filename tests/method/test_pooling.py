import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midlevel import errors
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


@pytest.mark.parametrize("lost_cells", [0, 2])
def test_shares_of_cells_give_the_same_means_by_a_product(lost_cells):
    plan = windows.plan((130, 90), Geometry(LEVELS, min_cells=3))
    maps = maps_of(plan, lost_cells)
    rows = np.random.default_rng(0).permutation(len(plan))[:20]
    shares = pooling.shares(plan, rows, lost_cells)
    found = sum(
        share @ cells.reshape(-1, 5) for share, cells in zip(shares, maps, strict=True)
    )
    expected = pooling.pool(maps, plan, lost_cells)[rows]
    np.testing.assert_allclose(found, expected, atol=1e-5)


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


# === Any boxes ===


def slow_box_mean(cells, box):
    """Cell by cell, weighted by the area that lies in the box `(4,)`, in cells."""
    total, area = np.zeros(cells.shape[-1]), 0.0
    for y in range(cells.shape[0]):
        for x in range(cells.shape[1]):
            across = max(min(box[2], x + 1) - max(box[0], x), 0)
            down = max(min(box[3], y + 1) - max(box[1], y), 0)
            total += across * down * cells[y, x]
            area += across * down
    return total / area


@st.composite
def boxes_in(draw, width, height):
    """A few boxes that reach over the borders at most on one side."""
    count, rows = draw(st.integers(1, 6)), []
    for _ in range(count):
        left = draw(st.floats(-5, width - 0.5))
        top = draw(st.floats(-5, height - 0.5))
        right = max(left, 0) + draw(st.floats(0.25, width))
        bottom = max(top, 0) + draw(st.floats(0.25, height))
        rows.append((left, top, right, bottom))
    return np.array(rows, np.float32)


@given(boxes_in(100, 60))
def test_a_box_is_the_mean_of_its_cells_weighted_by_their_share(boxes):
    plan = windows.plan((100, 60), Geometry((Level(1.0, (3,)),)))
    (cells,) = maps_of(plan)
    found = pooling.pool_boxes([cells], boxes, (100, 60))
    assert found.dtype == np.float32
    columns, rows = plan.grids[0]
    for mean, box in zip(found, np.float64(boxes), strict=True):
        in_cells = box * np.tile(np.divide((columns, rows), (100, 60)), 2)
        np.testing.assert_allclose(mean, slow_box_mean(cells, in_cells), atol=1e-5)


@pytest.mark.parametrize("lost_cells", [0, 2])
@pytest.mark.parametrize("size_wh", SIZES_WH)
@pytest.mark.parametrize("level", LEVELS)
def test_boxes_that_are_windows_of_a_level_are_pooled_as_windows(
    size_wh, level, lost_cells
):
    plan = windows.plan(size_wh, Geometry((level,), min_cells=lost_cells + 1))
    maps = maps_of(plan, lost_cells)
    found = pooling.pool_boxes(maps, plan.boxes, size_wh, lost_cells=lost_cells)
    expected = pooling.pool(maps, plan, lost_cells)
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_the_level_is_that_in_which_a_box_is_nearest_to_the_target():
    maps = [np.full((rows, rows, 1), rows, np.float32) for rows in (8, 16, 32)]
    boxes = np.array([[0, 0, side, side] for side in (640, 320, 160, 40)])
    chosen = pooling.pool_boxes(maps, boxes, (640, 640), target=7)
    assert chosen[:, 0].tolist() == [8, 16, 32, 32]
    chosen = pooling.pool_boxes(maps, boxes, (640, 640), target=2)
    assert chosen[:, 0].tolist() == [8, 8, 8, 32]
    flat = np.array([[0, 0, 640, 160]])  # 4 x 16 cells of the second level, root 8
    assert pooling.pool_boxes(maps, flat, (640, 640), target=8)[0, 0] == 16


def test_of_levels_that_are_equally_near_the_first_is_taken():
    maps = [np.full((8, 8, 1), value, np.float32) for value in (1, 2)]
    assert pooling.pool_boxes(maps, np.array([[0, 0, 9, 9]]), (64, 64))[0, 0] == 1


def test_a_box_of_less_than_a_cell_is_read_exactly():
    cells = np.random.default_rng(0).random((26, 20, 3), np.float32)
    box = np.array([[10.1, 5.2, 10.12, 5.21]], np.float32)  # a cell is a pixel
    found = pooling.pool_boxes([cells], box, (20, 26))
    np.testing.assert_allclose(found[0], cells[5, 10], rtol=1e-6)


def test_a_box_smaller_than_the_lost_cells_is_the_cell_about_its_centre():
    cells = np.arange(25, dtype=np.float32).reshape(5, 5, 1)  # of 7 x 7
    at = [(3.4, 3.4, 3.6, 3.6), (0, 0, 0.5, 0.5), (6.5, 6.5, 7, 7)]
    found = pooling.pool_boxes([cells], np.array(at), (7, 7), lost_cells=2)
    assert found[:, 0].tolist() == [cells[2, 2, 0], cells[0, 0, 0], cells[4, 4, 0]]


def test_more_boxes_than_are_looked_up_at_once_are_the_same(monkeypatch):
    plan = windows.plan((97, 64), Geometry(LEVELS))
    maps = maps_of(plan)
    expected = pooling.pool_boxes(maps, plan.boxes, (97, 64))
    monkeypatch.setattr(pooling, "BOXES_AT_ONCE", 3)
    found = pooling.pool_boxes(maps, plan.boxes, (97, 64))
    np.testing.assert_array_equal(found, expected)


def test_no_boxes_have_no_means():
    found = pooling.pool_boxes(
        [np.ones((3, 4, 5), np.float32)], np.empty((0, 4)), (8, 6)
    )
    assert found.shape == (0, 5) and found.dtype == np.float32


@pytest.mark.parametrize(
    "box", [(3, 3, 3, 5), (5, 3, 3, 5), (0, 0, np.nan, 4), (9, 0, 12, 4), (-3, 0, 0, 4)]
)
def test_a_box_without_an_area_in_the_image_is_refused(box):
    boxes = np.array([(0, 0, 4, 4), box], np.float32)
    with pytest.raises(errors.MidlevelError, match=r"image of 8 x 6 .*\(box 1\)"):
        pooling.pool_boxes([np.ones((3, 4, 5), np.float32)], boxes, (8, 6))


def test_what_is_no_boxes_is_refused():
    with pytest.raises(errors.MidlevelError, match=r"numbers \(n, 4\).* \(4,\)"):
        pooling.pool_boxes([np.ones((3, 4, 5), np.float32)], np.ones(4), (8, 6))
