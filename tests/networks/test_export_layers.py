import helpers
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midlevel.images import pixels
from midlevel.method import calibration, pooling, whole, windows
from midlevel.method.aggregation import Aggregation
from midlevel.method.windows import Geometry, Level
from midlevel.networks import export_layers

keras = export_layers.keras

SIZES_WH = [(1, 1), (2, 1), (97, 64), (224, 224), (500, 375), (333, 500), (31, 999)]


def level_of(geometry, level):
    return export_layers.PyramidLevel(
        level.scale, geometry.stride, geometry.input_size, geometry.min_cells
    )


def reloaded(layer):
    """The layer as it comes back from its configuration."""
    return type(layer).from_config(layer.get_config())


@pytest.mark.parametrize(
    "size_wh, scale",
    [
        ((500, 375), 0.9),  # shrinks
        ((501, 377), 0.9),
        ((64, 49), 1.0),  # grows
        ((212, 225), 1.0),  # grows one way, by rounding to cells shrinks the other
        ((224, 448), 1.0),  # stays
        ((1, 1), 0.5),
        ((3, 700), 0.5),  # a panorama
        ((1200, 20), 0.5),
        ((500, 375), 0.3),
        ((1001, 777), 0.5),
    ],
)
def test_levels_are_those_of_the_run(size_wh, scale):
    geometry = Geometry((Level(scale, (3,)),), min_cells=2)
    image = helpers.noise(size_wh)
    (expected,) = pixels.levels(image, windows.plan(size_wh, geometry).level_sizes_wh)
    layer = reloaded(level_of(geometry, geometry.levels[0]))
    (found,) = keras.ops.convert_to_numpy(layer(image[None]))
    assert found.shape == expected.shape
    difference = np.abs(found - expected.astype(np.float32))
    assert set(np.unique(difference)) <= {0, 1}
    assert (difference > 0).mean() < 1e-3  # where a value lies between two


@pytest.mark.parametrize("size_wh", SIZES_WH)
@pytest.mark.parametrize("pyramid", windows.PYRAMIDS)
def test_sides_of_levels_are_those_of_the_plan(size_wh, pyramid):
    geometry = Geometry(windows.PYRAMIDS[pyramid], min_cells=7)
    assert_sides(size_wh, geometry)


@given(
    width=st.integers(1, 5000),
    height=st.integers(1, 5000),
    scale=st.floats(0.05, 8, allow_subnormal=False),
    stride=st.sampled_from([8, 16, 32]),
    least=st.integers(1, 9),
)
def test_sides_of_levels_are_those_of_the_plan_for_any_size(
    width, height, scale, stride, least
):
    geometry = Geometry((Level(scale, (3,)),), stride=stride, min_cells=least)
    assert_sides((width, height), geometry)


def assert_sides(size_wh, geometry):
    for level in geometry.levels:
        columns, rows = windows.grid(size_wh, level.scale, geometry)
        sides = (keras.ops.convert_to_tensor(side) for side in size_wh[::-1])
        found = level_of(geometry, level)._sides(*sides)
        assert [int(side) for side in found] == [
            rows * geometry.stride,
            columns * geometry.stride,
        ]


def test_a_size_that_is_known_beforehand_has_the_sides_of_the_plan():
    geometry = Geometry((Level(0.6, (3,)),), min_cells=2)
    for size_wh in [*SIZES_WH, (165, 126)]:
        columns, rows = windows.grid(size_wh, 0.6, geometry)
        layer = level_of(geometry, geometry.levels[0])
        given = keras.Input((size_wh[1], size_wh[0], 3), dtype="uint8")
        assert layer(given).shape == (None, rows * 32, columns * 32, 3)


@pytest.mark.parametrize("context", [0, 2])
@pytest.mark.parametrize("size_wh", SIZES_WH)
def test_means_are_those_of_pooling_in_the_same_order(size_wh, context):
    level = Level(1.4, (10, 8, 6, 3))
    geometry = Geometry((level,), min_cells=context + 1)
    plan = windows.plan(size_wh, geometry)
    columns, rows = plan.grids[0]
    rng = np.random.default_rng(0)
    cells = rng.random((2, rows - context, columns - context, 4), np.float32)
    layer = reloaded(export_layers.WindowMeans(level.sizes, geometry.overlap, context))
    found = keras.ops.convert_to_numpy(layer(cells))
    assert found.shape == (2, len(plan), 4)
    for i in range(2):
        np.testing.assert_allclose(
            found[i], pooling.pool([cells[i]], plan, context), atol=1e-5
        )


@pytest.mark.parametrize("k", [1.0, 2.0, 5.0, 50.0])
def test_image_scores_are_the_power_mean_of_the_classes(k):
    y = np.random.default_rng(0).dirichlet([0.1] * 4, (3, 60)).astype(np.float32)
    y[1] *= 1e-4  # y ** k is below what float32 can hold
    y[2] = 0
    layer = reloaded(export_layers.ImageScores("power", k))
    found = keras.ops.convert_to_numpy(layer(y))
    expected = [Aggregation("power", k)(image[:, 1:]) for image in y]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-12)


@pytest.mark.parametrize("windows", [1, 7, 60])
@pytest.mark.parametrize(
    "how, by", [("max", 0.0), ("top", 0.1), ("top", 1.0), ("lse", 5.0), ("lse", 0.1)]
)
def test_image_scores_are_those_of_every_aggregation(how, by, windows):
    rng = np.random.default_rng(0)
    y = rng.dirichlet([0.1] * 4, (3, windows)).astype(np.float32)
    y[1] = y[1] * 0.9 + 0.05
    y[2] = 0
    layer = reloaded(export_layers.ImageScores(how, by))
    found = keras.ops.convert_to_numpy(layer(y))
    expected = [Aggregation(how, by)(image[:, 1:]) for image in y]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_image_scores_that_were_exported_before_there_was_a_choice_still_load():
    layer = export_layers.ImageScores.from_config({"k": 3.0, "name": "image_scores"})
    y = np.random.default_rng(0).random((1, 6, 3)).astype(np.float32)
    found = keras.ops.convert_to_numpy(layer(y))[0]
    np.testing.assert_allclose(found, Aggregation("power", 3)(y[0, :, 1:]), rtol=1e-5)


def test_image_scores_are_calibrated_as_in_the_run():
    known = calibration.Calibration([0.5, 1.0, 3.0], [-1.0, 0.0, 2.0])
    raw = np.array([[0.0, 0.5, 1.0], [1e-20, 1e-9, 1e-3], [0.3, 0.9, 0.9999]])
    layer = reloaded(export_layers.Calibrated(known.slopes, known.intercepts))
    found = keras.ops.convert_to_numpy(layer(raw.astype(np.float32)))
    np.testing.assert_allclose(found, known(raw), atol=1e-5)


def test_calibration_joins_the_whole_photograph_as_in_the_run():
    known = calibration.Calibration([0.5, 2.0], [-1.0, 1.0], [0.7, -0.3])
    raw, odds = np.array([[0.01, 0.9], [0.3, 1.0]]), np.array([[3.0, -8.0], [0.0, 40]])
    layer = export_layers.Calibrated(known.slopes, known.intercepts, known.whole_slopes)
    layer = reloaded(layer)
    found = layer(raw.astype(np.float32), odds.astype(np.float32))
    found = keras.ops.convert_to_numpy(found)
    np.testing.assert_allclose(found, known(raw, odds), atol=1e-5)


def test_a_calibration_that_was_exported_before_there_was_a_whole_still_loads():
    config = export_layers.Calibrated([2.0], [1.0]).get_config()
    del config["whole_slopes"]
    layer = export_layers.Calibrated.from_config(config)
    found = keras.ops.convert_to_numpy(layer(np.array([[0.5]], np.float32)))
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-1)), atol=1e-6)


def test_the_vector_of_the_whole_is_the_one_the_whole_model_sees():
    rng = np.random.default_rng(0)
    sides = ((5, 4), (9, 7), (1, 1))
    maps = [rng.normal(0.2, 1, (2, *hw, 6)).astype(np.float32) for hw in sides]
    maps[2][:] = 0  # of no direction
    maps[1][..., 3] = 1e-7  # near zero, where a root is steep
    layer = reloaded(export_layers.WholeVector())
    found = keras.ops.convert_to_numpy(layer(maps))
    expected = [whole.vector(whole.of_maps([m[i] for m in maps])) for i in range(2)]
    np.testing.assert_allclose(found, expected, atol=1e-6)
