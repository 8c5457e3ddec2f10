"""Sizes counted in whole numbers are those of `windows.grid`, for all sizes."""

import functools
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midlevel.method import windows
from midlevel.networks import counted_grids, export_layers
from midlevel.system import runtime

SCALES = sorted({level.scale for p in windows.PYRAMIDS.values() for level in p})
SIDES = st.integers(1, counted_grids.SIDE - 1)


@functools.cache
def counted(scale):
    """Rows and columns of a level of `scale` as OpenVINO counts them, of many sizes."""
    import tensorflow as tf

    layer = counted_grids.CountedLevel(scale, 1, 7, 1)  # 7 cells of 1 pixel
    spec = tf.TensorSpec([1], tf.int32)
    graph = tf.function(
        lambda height, width: tf.stack(layer._sides(height[0], width[0])),
        input_signature=[spec, spec],
    ).get_concrete_function()
    ov = runtime.load_openvino()
    run = ov.compile_model(
        ov.convert_model(graph.graph), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    request = run.create_infer_request()

    def of(size_wh):
        width, height = (np.array([side], np.int32) for side in size_wh)
        rows, columns = request.infer([height, width])[0]
        return int(columns), int(rows)

    return of


def grid(size_wh, scale):
    return windows.grid(size_wh, scale, windows.Geometry((), 1, 7))


def test_every_pyramid_can_be_counted():
    for levels in windows.PYRAMIDS.values():
        assert counted_grids.is_countable(windows.Geometry(levels))
    one = windows.Level(1.2345678, (3,))
    assert not counted_grids.is_countable(windows.Geometry((one,)))
    half = windows.Level(0.9375, (3,))  # of 8 cells: a panorama has 7.5 * 8, 7.5
    assert counted_grids.is_countable(windows.Geometry((half,), 28, 224))
    always = windows.Level(0.0625, (3,))  # of 1 cell: a panorama has 0.5
    assert not counted_grids.is_countable(windows.Geometry((always,), 224, 224))


@pytest.mark.slow
@given(scale=st.sampled_from(SCALES), width=SIDES, height=SIDES)
def test_counts_are_those_of_the_run(scale, width, height):
    assert counted(scale)((width, height)) == grid((width, height), scale)


@pytest.mark.slow
@pytest.mark.parametrize("scale", SCALES)
def test_counts_are_those_of_the_run_where_it_is_a_half(scale):
    """Halves of the long side, the short side and panoramas, and their neighbours."""
    halves = counted_grids._halves(counted_grids._cells(scale, 1, 7))
    rng = np.random.default_rng(0)
    some = rng.permutation(halves)[:300, :2].tolist()
    for (short, other), more in itertools.product(some, (-1, 0, 1)):
        size_wh = (max(1, other + more), short)
        assert counted(scale)(size_wh) == grid(size_wh, scale), size_wh
        assert counted(scale)(size_wh[::-1]) == grid(size_wh[::-1], scale), size_wh


def test_a_level_is_that_of_the_layer_with_floats():
    image = np.random.default_rng(0).integers(0, 256, (1, 75, 101, 3), np.uint8)
    there = (1.4, 32, 224, 2)
    expected = export_layers.PyramidLevel(*there)(image)
    found = counted_grids.CountedLevel(*there)(image)
    np.testing.assert_array_equal(found, expected)
