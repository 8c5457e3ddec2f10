import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midlevel import errors
from midlevel.method import windows
from midlevel.method.windows import PYRAMIDS, Geometry, Level

sizes_wh = st.tuples(st.integers(1, 900), st.integers(1, 900))
presets = st.sampled_from(sorted(PYRAMIDS))


def small(sizes, overlap=0.5, **changes):
    """One level, four cells along the image's short side."""
    settings = {"stride": 1, "input_size": 4, "overlap": overlap} | changes
    return Geometry((Level(1, tuple(sizes)),), **settings)


@pytest.mark.parametrize(
    ("length", "size", "overlap", "expected"),
    [
        (7, 7, 0.5, [0]),  # exact fit
        (8, 4, 0.5, [0, 2, 4]),
        (9, 4, 0.5, [0, 1, 3, 5]),  # does not divide: drawn closer together
        (9, 3, 0, [0, 3, 6]),
        (10, 3, 0, [0, 2, 4, 7]),
        (10, 4, 2 / 3, [0, 1, 2, 3, 4, 5, 6]),
        (3, 1, 0.9, [0, 1, 2]),  # never a step of nought
        (1, 1, 0.5, [0]),
    ],
)
def test_starts_of_hand_computed_rows(length, size, overlap, expected):
    assert windows.starts(length, size, overlap).tolist() == expected


@pytest.mark.parametrize(
    ("size_wh", "scale", "expected"),
    [
        ((224, 224), 1, (7, 7)),
        ((500, 375), 1, (9, 7)),
        ((375, 500), 1, (7, 9)),
        ((500, 375), 2.8, (26, 20)),  # 26.13 and 19.6
        ((640, 480), 1.4, (13, 10)),
        ((1, 1), 1, (7, 7)),
        ((1, 8), 1, (7, 56)),  # the longest that is not drawn coarser
        ((1600, 100), 1, (56, 4)),  # 16 : 1, half the scale
        ((1, 10_000), 4, (1, 224)),
    ],
)
def test_levels_have_whole_cells(size_wh, scale, expected):
    geometry = Geometry(PYRAMIDS["octaves"])
    assert windows.grid(size_wh, scale, geometry) == expected


def test_a_level_has_the_least_rows_and_columns_asked_for():
    geometry = Geometry(PYRAMIDS["octaves"], min_cells=7)
    assert windows.grid((1600, 100), 1, geometry) == (56, 7)


@pytest.mark.parametrize(
    ("size_wh", "geometry", "expected"),
    [
        pytest.param((4, 4), small([4]), [[0, 0, 4, 4]], id="exact fit"),
        pytest.param((3, 3), small([9]), [[0, 0, 3, 3]], id="larger than the level"),
        pytest.param(
            (1, 1),
            small([2], 0),
            [[0, 0, 0.5, 0.5], [0.5, 0, 1, 0.5], [0, 0.5, 0.5, 1], [0.5, 0.5, 1, 1]],
            id="one pixel",
        ),
        pytest.param(
            (8, 4),
            small([4]),
            [[0, 0, 4, 4], [2, 0, 6, 4], [4, 0, 8, 4]],
            id="not square",
        ),
        pytest.param((4, 8), small([4], 0), [[0, 0, 4, 4], [0, 4, 4, 8]], id="upright"),
        pytest.param(
            (9, 4),
            small([4]),
            [[0, 0, 4, 4], [1, 0, 5, 4], [3, 0, 7, 4], [5, 0, 9, 4]],
            id="does not divide",
        ),
        pytest.param(
            (6, 3),
            small([4]),
            [[0, 0, 3, 3], [1.5, 0, 4.5, 3], [3, 0, 6, 3]],
            id="a cell is three quarters of a pixel",
        ),
        pytest.param(
            (64, 4),  # 16 : 1, so 32 x 2 cells; windows are 4 x 2 cells
            small([4], 0),
            [[8 * i, 0, 8 * i + 8, 4] for i in range(8)],
            id="panorama",
        ),
        pytest.param(
            (4, 4),
            small([4, 3], 0),
            [[0, 0, 4, 4], [0, 0, 3, 3], [1, 0, 4, 3], [0, 1, 3, 4], [1, 1, 4, 4]],
            id="sizes in their order, rows before columns",
        ),
    ],
)
def test_windows_of_hand_computed_images(size_wh, geometry, expected):
    plan = windows.plan(size_wh, geometry)
    assert plan.boxes.tolist() == expected
    assert plan.boxes.dtype == np.float32 and len(plan) == len(expected)


def test_levels_follow_one_another():
    levels = (Level(1, (4,)), Level(2, (4,)))
    plan = windows.plan((2, 2), Geometry(levels, stride=1, input_size=4, overlap=0))
    assert plan.level.tolist() == [0, 1, 1, 1, 1]
    assert plan.grids == ((4, 4), (8, 8)) == plan.level_sizes_wh
    assert plan.boxes.tolist()[1:3] == [[0, 0, 1, 1], [1, 0, 2, 1]]


def test_level_sizes_are_whole_strides():
    plan = windows.plan((500, 375), Geometry(PYRAMIDS["octaves"]))
    assert plan.level_sizes_wh == ((416, 320), (832, 640))


def test_the_papers_pyramid_has_its_nine_scales():
    assert windows.LAMBDAS == (1, 1.3, 1.6, 2, 2.4, 2.8, 3.2, 3.6, 4)
    assert PYRAMIDS["paper"] == tuple(Level(n, (7,)) for n in windows.LAMBDAS)


@pytest.mark.parametrize(
    ("preset", "count"),
    # 7 cells at steps of 2: 2x1 + 4x2 + 5x3 + 7x5 + 9x6 + 11x8 + 13x9 + 15x10 + 16x12
    [("paper", 661), ("octaves", 377), ("single", 322), ("fine", 2191)],
)
def test_how_many_windows_the_presets_take_from_a_voc_photograph(preset, count):
    assert len(windows.plan((500, 375), Geometry(PYRAMIDS[preset]))) == count


@pytest.mark.parametrize("size_wh", [(0, 5), (5, 0), (-1, 3)])
def test_an_image_without_pixels_is_refused(size_wh):
    with pytest.raises(errors.ImageError, match=r"at least 1 x 1 .* Received: \("):
        windows.plan(size_wh, Geometry(PYRAMIDS["octaves"]))


@given(sizes_wh, presets)
def test_windows_lie_within_the_image(size_wh, preset):
    boxes = windows.plan(size_wh, Geometry(PYRAMIDS[preset])).boxes
    assert (boxes >= 0).all() and (boxes <= np.tile(size_wh, 2)).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()


@given(sizes_wh, presets)
def test_every_level_covers_every_pixel_and_touches_the_border(size_wh, preset):
    plan = windows.plan(size_wh, Geometry(PYRAMIDS[preset]))
    for i, (columns, rows) in enumerate(plan.grids):
        covered = np.zeros((rows, columns), bool)
        for left, top, right, bottom in plan.cells[plan.level == i]:
            covered[top:bottom, left:right] = True
        assert covered.all()
        of_level = plan.boxes[plan.level == i]
        assert of_level[:, 2:].max(axis=0).tolist() == list(size_wh)


@given(st.integers(1, 60), st.integers(1, 20), st.floats(0, 0.95))
def test_starts_rise_to_the_end_and_leave_no_gap(length, size, overlap):
    size = min(length, size)
    starts = windows.starts(length, size, overlap)
    assert starts[0] == 0 and starts[-1] == length - size
    steps = np.diff(starts)
    assert (steps >= 1).all() and (steps <= max(1, round(size * (1 - overlap)))).all()


@given(sizes_wh, presets)
def test_neighbours_overlap_by_half_at_least(size_wh, preset):
    geometry = Geometry(PYRAMIDS[preset])
    plan = windows.plan(size_wh, geometry)
    for (columns, rows), level in zip(plan.grids, geometry.levels, strict=True):
        for length in (columns, rows):
            for size in (min(size, length) for size in level.sizes):
                steps = np.diff(windows.starts(length, size, geometry.overlap))
                assert size == 1 or (size - steps >= size / 2).all()


@given(sizes_wh, presets)
def test_windows_are_as_many_for_the_image_turned(size_wh, preset):
    geometry = Geometry(PYRAMIDS[preset])
    plan, turned = (windows.plan(s, geometry) for s in (size_wh, size_wh[::-1]))
    assert sorted(plan.cells[:, [1, 0, 3, 2]].tolist()) == sorted(turned.cells.tolist())


@given(st.tuples(st.integers(1, 100_000), st.integers(1, 100_000)), presets)
def test_work_is_bounded_for_any_proportions(size_wh, preset):
    geometry = Geometry(PYRAMIDS[preset])
    plan = windows.plan(size_wh, geometry)
    for grid, level in zip(plan.grids, geometry.levels, strict=True):
        assert max(grid) <= windows.MAX_ASPECT * level.scale * 7 + 1
