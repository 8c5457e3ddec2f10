"""Networks that users bring as files, as backbones: `own` and `own_graph`."""

import shutil
import subprocess
import sys

import numpy as np
import own_networks
import pytest
import stub

import midlevel
from midlevel import errors
from midlevel.networks import backbones, engines
from midlevel.networks.backbones import own, own_graph
from midlevel.networks.engines import openvino
from midlevel.settings import config
from midlevel.settings.geometry import geometry_of

OPENVINO = engines.Engine("openvino")
IMAGE = np.random.default_rng(0).integers(0, 256, (96, 64, 3), np.uint8)


def facts(file, **changes):
    name = "onnx" if file.suffix == ".onnx" else "openvino"
    known = {"stride": own_networks.STRIDE, "scaling": "unit", **changes}
    return own.Facts(name, file, **known)


def built(file, **changes):
    return backbones.build_own(facts(file, **changes), OPENVINO)


def expected(image=IMAGE):
    """Mean colours of cells, as differences: what the stub computes, in numpy."""
    rows, columns = (side // 32 for side in image.shape[:2])
    cells = image.reshape(rows, 32, columns, 32, 3).mean((1, 3)) / 255
    return np.maximum(cells @ stub.DIFFERENCES + stub.OFFSETS, 0)


# === What it gives ===


def test_a_map_with_channels_first_is_taken(tmp_path):
    backbone = built(own_networks.write_map(tmp_path / "a.xml"))
    (found,) = backbone.maps([IMAGE])
    assert found.dtype == np.float32 and backbone.spec.channels == 6
    np.testing.assert_allclose(found, expected(), atol=1e-5)


def test_so_is_onnx(tmp_path):
    pytest.importorskip("onnx")
    (found,) = built(own_networks.write_onnx(tmp_path / "a.onnx")).maps([IMAGE])
    np.testing.assert_allclose(found, expected(), atol=1e-5)


@pytest.mark.parametrize("leading", [0, 1, 5])  # SigLIP, a class, and four registers
def test_tokens_become_a_map_without_those_before_them(tmp_path, leading):
    backbone = built(own_networks.write_tokens(tmp_path / "a.xml", leading))
    wide = np.concatenate([IMAGE, 255 - IMAGE, IMAGE], axis=1)
    for found, image in zip(backbone.maps([IMAGE, wide]), [IMAGE, wide], strict=True):
        np.testing.assert_allclose(found, expected(image), atol=1e-5)


def test_one_of_several_outputs_is_named(tmp_path):
    path = own_networks.write_tokens(tmp_path / "a.xml", two_outputs=True)
    (found,) = built(path, output="tokens").maps([IMAGE])
    np.testing.assert_allclose(found, expected(), atol=1e-5)


def test_a_network_exported_for_one_size_takes_others_where_it_can(tmp_path):
    (found,) = built(own_networks.write_map(tmp_path / "a.xml", (224, 224))).maps(
        [IMAGE]
    )
    np.testing.assert_allclose(found, expected(), atol=1e-5)


@pytest.mark.parametrize(
    ("scaling", "order", "red"),
    [
        ("none", "rgb", 200),
        ("unit", "rgb", 200 / 255),
        ("signed", "rgb", 200 / 127.5 - 1),
        ("imagenet", "rgb", (200 / 255 - 0.485) / 0.229),
        ("clip", "rgb", (200 / 255 - 0.48145466) / 0.26862954),
        ("caffe", "bgr", 200 - 123.68),
    ],
)
def test_pixels_are_scaled_as_it_wants_them(tmp_path, scaling, order, red):
    """The first channel of what passes pixels through is red, the last with bgr."""
    path = own_networks.write_means(tmp_path / "a.xml")
    image = np.full((32, 32, 3), (200, 0, 0), np.uint8)
    (found,) = built(path, scaling=scaling, order=order).maps([image])
    place = 0 if order == "rgb" else 2
    assert found[0, 0, place] == pytest.approx(red, abs=1e-3)


@pytest.mark.slow
@pytest.mark.tf
def test_a_network_of_keras_gives_its_own_maps(tmp_path):
    """Channels last, preprocessing inside."""
    model = backbones.keras_model("efficientnet_lite0")
    openvino.ov.save_model(
        openvino.convert(model, "float32"), tmp_path / "a.xml", compress_to_fp16=False
    )
    (found,) = built(tmp_path / "a.xml", scaling="none").maps([IMAGE])
    same = model(IMAGE[None].astype(np.float32)).numpy()[0]
    np.testing.assert_allclose(found, same, atol=1e-3)


# === Its fingerprint ===


def test_the_same_file_has_the_same_fingerprint_wherever_it_lies(tmp_path):
    path = own_networks.write_map(tmp_path / "a.xml")
    (tmp_path / "other").mkdir()
    for suffix in (".xml", ".bin"):
        shutil.copy(path.with_suffix(suffix), tmp_path / "other")
    first, again = built(path), built(tmp_path / "other" / "a.xml")
    assert first.fingerprint == again.fingerprint and len(first.fingerprint) == 64


@pytest.mark.parametrize("changes", [{"scaling": "signed"}, {"order": "bgr"}])
def test_what_is_done_to_pixels_changes_it(tmp_path, changes):
    path = own_networks.write_map(tmp_path / "a.xml")
    assert built(path).fingerprint != built(path, **changes).fingerprint


def test_other_weights_change_it(tmp_path, monkeypatch):
    first = built(own_networks.write_map(tmp_path / "a.xml"))
    monkeypatch.setattr(own_networks, "KERNEL", own_networks.KERNEL * 1.001)
    other = built(own_networks.write_map(tmp_path / "b.xml"))
    assert first.fingerprint != other.fingerprint


# === What cannot serve ===


def vector(path):
    own_networks.write_vector(path)


def fixed(path):
    own_networks.write_fixed_tokens(path)


def several(path):
    own_networks.write_tokens(path, two_outputs=True)


@pytest.mark.parametrize(
    ("write", "changes", "message"),
    [
        (vector, {}, r"gives \(6,\) of an image: expected a map.*before the pooling"),
        (fixed, {}, "cannot take 2 images.*dynamic_axes.*dynamic_img_size=True"),
        (several, {}, r"several outputs: name the map's.*tokens .*, pooled "),
        (several, {"output": "maps"}, "has no output maps: it has tokens .*pooled"),
        (several, {"output": "pooled"}, "expected a map"),
        (own_networks.write_map, {"stride": 16}, "not a cell for every 16 pixels"),
        (own_networks.write_tokens, {"stride": 14}, "not a cell for every 14 pixels"),
    ],
)
def test_a_network_that_cannot_serve_says_what_to_do(tmp_path, write, changes, message):
    path = tmp_path / "a.xml"
    write(path)
    with pytest.raises(errors.MidlevelError, match=f"^{path}: .*{message}"):
        built(path, **changes)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.onnx", None, "there is no such file: backbone.weights names it"),
        ("a.onnx", b"no network", "cannot be read as a network"),
        ("a.xml", b"<net/>", "its a.bin is missing beside it"),
        ("a.pth", b"", "backbone.name=openvino takes a file that ends in .xml"),
    ],
)
def test_a_file_that_is_no_network_is_named(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(errors.MidlevelError, match=f"{name}: {message}"):
        built(tmp_path / name)


# === Settings ===


def settings(**changes):
    known = {"name": "onnx", "weights": "a.onnx", "stride": 16, **changes}
    return {f"backbone.{key}": value for key, value in known.items()}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": "imagenet"}, "onnx needs backbone.weights, the path of a file"),
        ({"stride": None}, "onnx needs backbone.stride, the pixels along one side"),
        ({"image_size": 250}, "image_size, 250, must be a multiple of .*stride, 16"),
        ({"scaling": "imagenett"}, "expected one of imagenet, .*mean imagenet"),
        ({"name": "onxx"}, "expected one of efficientnet_lite0, .* mean onnx"),
        (
            {"name": "resnet50", "weights": "imagenet"},
            "backbone.stride: is only for onnx and openvino; midlevel knows that of",
        ),
    ],
)
def test_settings_that_do_not_fit_say_what_is_missing(changes, message):
    with pytest.raises(errors.MidlevelError, match=message):
        config.load(None, settings(**changes))


def test_tensorflow_does_not_run_it():
    with pytest.raises(errors.MidlevelError, match="engine must be auto or openvino"):
        config.load(None, {**settings(), "engine": "tensorflow"})


def test_named_pyramids_have_windows_as_large_whatever_the_cells():
    usual = geometry_of(config.load())
    fine = geometry_of(config.load(None, settings()))  # 14 cells in place of 7
    assert (fine.stride, fine.input_size) == (16, 224)
    assert [level.scale for level in fine.levels] == [1.4, 2.8]
    for one, other in zip(usual.levels, fine.levels, strict=True):
        assert [2 * size for size in one.sizes] == list(other.sizes)
    written = {"windows.pyramid": [{"scale": 1, "sizes": [5]}]}
    (level,) = geometry_of(config.load(None, {**settings(), **written})).levels
    assert level.sizes == (5,)


# === A run ===


@pytest.fixture(scope="module")
def run(toy_voc, tmp_path_factory):
    """A run whose network's file is gone since."""
    folder = tmp_path_factory.mktemp("own")
    path = own_networks.write_tokens(folder / "mine.xml")
    brought = {
        "backbone.name": "openvino",
        "backbone.weights": str(path),
        "backbone.stride": own_networks.STRIDE,
        "backbone.scaling": "unit",
    }
    run = midlevel.train(
        toy_voc,
        run=folder / "run",
        settings={**stub.SETTINGS, **brought},
        progress=stub.QUIET,
    )
    path.unlink()
    path.with_suffix(".bin").unlink()
    return run


@pytest.mark.tf
def test_a_run_learns_from_it_and_is_whole_without_the_file(run):
    found = midlevel.evaluate(midlevel.load(run.folder), progress=stub.QUIET)
    assert found.mAP["area"] > 0.9
    assert run.stored_backbone.exists() and not run.weights_file.exists()


@pytest.mark.tf
def test_prediction_from_it_needs_no_tensorflow(run, toy_voc):
    code = (
        "import sys, midlevel\n"
        "records = midlevel.load(sys.argv[1]).predict(sys.argv[2])\n"
        "assert len(records) == 16 and not any(r['failure'] for r in records)\n"
        "sys.exit('keras' in sys.modules or 'tensorflow' in sys.modules)"
    )
    command = [sys.executable, "-c", code, run.folder, toy_voc / "JPEGImages"]
    assert subprocess.run(command).returncode == 0


@pytest.mark.tf
@pytest.mark.parametrize("name", ["keras", "onnx", "openvino"])
def test_exports_are_refused(run, tmp_path, name):
    with pytest.raises(errors.MidlevelError, match="mine.xml, and no Keras model"):
        midlevel.export(midlevel.load(run.folder), tmp_path / "e", formats=[name])
    assert not (tmp_path / "e").exists()


def test_the_channels_are_the_files_own(tmp_path):
    graph = own_graph.open_file(facts(own_networks.write_tokens(tmp_path / "a.xml")))
    openvino.save(graph, tmp_path / "b.xml")
    assert own_graph.channels(openvino.read(tmp_path / "b.xml")) == 6
