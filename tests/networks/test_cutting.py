import numpy as np
import pytest
from real_backbones import ALL, noise

from midlevel import errors
from midlevel.features.extractor import Extractor
from midlevel.method.windows import Geometry, Level
from midlevel.networks import backbones, engines
from midlevel.networks.backbones import cutting, table
from midlevel.networks.engines import openvino


@pytest.fixture(scope="module")
def lite0():
    return backbones.keras_model("efficientnet_lite0")


@pytest.fixture(scope="module")
def small():
    return backbones.keras_model("mobilenet_v3_small", "none")


# === Maps ===


@pytest.mark.parametrize("name", ALL)
def test_every_map_has_the_shape_the_table_says(name):
    spec, model = table.find(name), backbones.keras_model(name, "none")
    names = [table.LAST, *(one.name for one in spec.maps)]
    found = cutting.maps(model, spec, names)(noise(7, 8))
    for map_name, cells in zip(
        names, found if len(names) > 1 else [found], strict=True
    ):
        of_map = spec.of_map(map_name)
        cell, lost = of_map.stride, of_map.lost_cells
        rows, columns = 7 * 32 // cell - lost, 8 * 32 // cell - lost
        assert cells.shape == (1, rows, columns, of_map.channels), map_name


def test_a_map_is_the_same_alone_and_among_others(lite0):
    spec = table.find("efficientnet_lite0")
    together = cutting.maps(lite0, spec, ["stride16", "before_last"])(noise(3, 4))
    alone = backbones.keras_model("efficientnet_lite0", map="before_last")(noise(3, 4))
    np.testing.assert_allclose(alone, together[1], atol=1e-5)


def test_a_map_that_is_not_there_is_told_before_anything_is_built():
    message = "map of efficientnet_lite0 must be one of last, before_last, block6, str"
    with pytest.raises(errors.MidlevelError, match=f"{message}.* Received: conv9"):
        backbones.keras_model("efficientnet_lite0", map="conv9")
    with pytest.raises(errors.MidlevelError, match="must be one of last. Received"):
        backbones.build("convnext_tiny", map="stride16")


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_windows_of_another_map_have_its_channels_and_its_cells(engine, lite0):
    backbone = backbones.build(
        "efficientnet_lite0", engine=engines.Engine(engine), map="stride16"
    )
    assert (backbone.spec.channels, backbone.spec.stride) == (112, 16)
    geometry = Geometry((Level(0.5, (7, 4)),), stride=16)
    image = noise(4, 5)[0]  # 128 x 160: the level is 112 x 144, 7 x 9 cells
    extractor = Extractor(backbone, geometry)
    plan, found = extractor.plan((160, 128)), extractor(image)
    assert plan.grids == ((9, 7),) and found.shape == (len(plan), 112)
    level = extractor.backbone.maps([image])[0]
    assert level.shape == (8, 10, 112)
    last = Extractor(backbones.build("efficientnet_lite0"), geometry)
    assert extractor.fingerprint != last.fingerprint
    assert backbone.fingerprint != last.backbone.fingerprint


@pytest.mark.slow
def test_what_is_stored_of_one_map_is_not_another(tmp_path):
    model = backbones.keras_model("mobilenet_v3_small", "none", "stride16")
    backbones.store(tmp_path / "a.xml", "mobilenet_v3_small", model, "stride16")
    kept = backbones.build(
        "mobilenet_v3_small",
        "none",
        engines.Engine("openvino"),
        tmp_path / "a.xml",
        "stride16",
    )
    made = backbones.build("mobilenet_v3_small", "none", map="stride16")
    assert kept.fingerprint == made.fingerprint
    backbones.store(tmp_path / "b.xml", "mobilenet_v3_small", model)
    other = backbones.build(
        "mobilenet_v3_small", "none", engines.Engine("openvino"), tmp_path / "b.xml"
    )
    assert other.fingerprint != kept.fingerprint


# === Trunk and tail ===


@pytest.mark.parametrize(
    "at", ["image", "stem_relu6", "block5c_add", "block6a_expand_conv", "head_bn"]
)
def test_tail_of_trunk_is_the_network(lite0, at):
    trunk, tail = cutting.cut(lite0, at)
    whole = lite0(noise(3, 4)).numpy()
    np.testing.assert_allclose(tail(trunk(noise(3, 4))), whole, atol=1e-5)
    assert len(trunk.weights) + len(tail.weights) == len(lite0.weights)
    assert trunk.trainable_weights == tail.trainable_weights == []


@pytest.mark.parametrize("at", ["expanded_conv_7_add", "expanded_conv_10_add"])
def test_a_network_of_random_weights_with_gates_is_cut_too(small, at):
    trunk, tail = cutting.cut(small, at)
    whole = small(noise(3, 3)).numpy()
    scale = np.abs(whole).max()
    np.testing.assert_allclose(tail(trunk(noise(3, 3))), whole, atol=1e-5 * scale)


@pytest.mark.parametrize("name", ALL)
def test_every_map_of_the_table_is_a_place_to_cut(name):
    model = backbones.keras_model(name, "none")
    whole = model(noise(7, 7)).numpy()
    for one in table.find(name).maps:
        trunk, tail = cutting.cut(model, one.layer)
        found = tail(trunk(noise(7, 7))).numpy()
        np.testing.assert_allclose(found, whole, atol=1e-4 * np.abs(whole).max())


@pytest.mark.parametrize(
    "at", ["block5b_project_bn", "block6d_depthwise_relu6", "block2b_expand_conv"]
)
def test_inside_a_residual_block_there_is_no_cut(lite0, at):
    with pytest.raises(errors.MidlevelError, match=f"cannot be cut at {at}: expected"):
        cutting.cut(lite0, at)


def test_inside_a_gate_there_is_no_cut(small):
    at = "expanded_conv_8_squeeze_excite_relu"
    with pytest.raises(errors.MidlevelError, match="cannot be cut"):
        cutting.cut(small, at)


def test_where_nothing_lies_behind_there_is_no_cut(lite0):
    with pytest.raises(errors.MidlevelError, match="head_relu6, the last"):
        cutting.cut(lite0, "head_relu6")
    with pytest.raises(errors.MidlevelError, match="Expected a layer.* Received: no"):
        cutting.cut(lite0, "no")


def test_a_tail_can_be_trained_and_the_trunk_stays(lite0):
    model = backbones.keras_model("efficientnet_lite0")
    trunk, tail = cutting.cut(model, "block6d_add")
    before = trunk(noise(2, 2)).numpy()
    for layer in tail.layers:
        layer.trainable = True
    assert tail.trainable_weights and trunk.trainable_weights == []
    for weight in tail.trainable_weights:
        weight.assign_add(np.ones(weight.shape))
    np.testing.assert_array_equal(trunk(noise(2, 2)), before)


@pytest.mark.slow
def test_both_parts_run_on_an_engine_and_the_trunk_from_disk(lite0, tmp_path):
    trunk, tail = cutting.cut(lite0, "block5c_add")
    graph = openvino.convert(trunk, "uint8")
    openvino.save(graph, tmp_path / "trunk.xml", "of a trunk")
    engine = engines.Engine("openvino")
    below = engine.network(lambda: trunk, "uint8", tmp_path / "trunk.xml")
    above = engine.network(lambda: tail, "float32")
    assert below.fingerprint == "of a trunk"
    whole = engine.network(lambda: lite0, "uint8")(noise(3, 4))
    np.testing.assert_allclose(above(below(noise(3, 4))), whole, atol=1e-3)
