import dataclasses
import subprocess
import sys
import urllib.error

import h5py
import keras
import numpy as np
import pytest
import stub
from real_backbones import ALL, noise

from midlevel import errors
from midlevel.networks import backbones, engines
from midlevel.networks.backbones import architectures, table
from midlevel.networks.backbones import weights as weights_files
from midlevel.system import runtime


@pytest.fixture(scope="module")
def lite0():
    return backbones.keras_model("efficientnet_lite0")


# === The packaged weights ===


def altered(monkeypatch, **changes):
    """The default backbone, with other packaged weights in the table."""
    spec = table.find(backbones.DEFAULT)
    packaged = dataclasses.replace(spec.packaged, **changes)
    changed = dataclasses.replace(spec, packaged=packaged)
    monkeypatch.setitem(table.BACKBONES, spec.name, changed)
    return packaged


def test_damaged_weights_are_refused_by_checksum(tmp_path, monkeypatch):
    damaged = tmp_path / "damaged.weights.h5"
    contents = bytearray(table.LITE0.file.read_bytes())
    contents[len(contents) // 2] ^= 1
    damaged.write_bytes(contents)
    expected = altered(monkeypatch, file=damaged).sha256
    with pytest.raises(errors.MidlevelError, match=f"damaged.*Expected.*{expected}"):
        backbones.keras_model("efficientnet_lite0")


def test_missing_packaged_weights_say_reinstall(tmp_path, monkeypatch):
    altered(monkeypatch, file=tmp_path / "gone")
    with pytest.raises(errors.MidlevelError, match="gone is missing: reinstall"):
        backbones.keras_model("efficientnet_lite0")


# === The table ===


def test_the_table_is_read_without_tensorflow():
    code = (
        "import sys; from midlevel.networks import backbones\n"
        "backbones.find('resnet50');"
        "sys.exit('keras' in sys.modules or 'tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_unknown_name_lists_the_names_and_suggests_the_nearest():
    message = "must be one of .*vgg16_fc7. Received: resnet5. Did you mean resnet50?"
    with pytest.raises(errors.MidlevelError, match=message):
        backbones.build("resnet5")
    with pytest.raises(errors.MidlevelError, match=message):
        backbones.keras_model("resnet5")


def test_everything_in_the_contents_can_be_had():
    assert all(hasattr(backbones, name) for name in backbones.__all__)
    assert not hasattr(backbones, "no_such_name")
    assert backbones.DEFAULT in backbones.NAMES


# === Every backbone ===


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_map_has_the_shape_the_table_says(name):
    spec = table.find(name)
    backbone = backbones.build(name, "none")
    assert backbone.spec == spec
    sizes = ((7, 7), (8, 9))
    maps = backbone.maps([noise(*size)[0] for size in sizes])
    for (rows, cols), cells in zip(sizes, maps, strict=True):
        lost = spec.lost_cells
        assert cells.shape == (rows - lost, cols - lost, spec.channels)
        assert cells.dtype == np.float32
        assert np.isfinite(cells).all() and cells.std() > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_model_is_frozen_and_reloads_with_the_same_output(name, tmp_path):
    model = backbones.keras_model(name, "none")
    assert model.trainable_weights == []
    assert not any(layer.name.startswith("_") for layer in model.layers)

    model.save(tmp_path / "model.keras")
    reloaded = keras.saving.load_model(tmp_path / "model.keras")
    assert reloaded.trainable_weights == []
    image = noise(7, 8)
    expected = model(image).numpy()
    scale = np.abs(expected).max()
    np.testing.assert_allclose(reloaded(image), expected, atol=1e-4 * scale)


@pytest.mark.parametrize("kind, mode", [("signed", "tf"), ("caffe", "caffe")])
def test_preprocessing_is_that_of_keras_applications(kind, mode):
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, architectures.preprocess(inputs, kind))
    image = noise(1, 1).astype(np.float32)
    module = {"tf": "mobilenet_v2", "caffe": "vgg16"}[mode]
    expected = getattr(keras.applications, module).preprocess_input(image.copy())
    np.testing.assert_allclose(model(image), expected, atol=1e-5)


def test_uint8_and_float32_images_give_one_map(lite0):
    image = noise(3, 4)
    expected = lite0(image.astype(np.float32))
    np.testing.assert_allclose(lite0(image), expected, rtol=1e-5, atol=1e-5)


def test_batch_normalisation_does_not_see_the_batch(lite0):
    first, second = noise(2, 2, seed=1), noise(2, 2, seed=2)
    after = lite0(np.concatenate([first, second]))[:1]
    np.testing.assert_allclose(after, lite0(first), rtol=1e-3, atol=1e-4)


def test_random_weights_are_the_same_on_every_build_and_fingerprinted():
    one = backbones.keras_model("mobilenet_v3_small", "none")
    other = backbones.keras_model("mobilenet_v3_small", "none")
    found = weights_files.fingerprint(one, "mobilenet_v3_small")
    assert found == weights_files.fingerprint(other, "mobilenet_v3_small")
    assert found != weights_files.fingerprint(one, "mobilenet_v3_large")
    assert len(found) == 64

    other.weights[-1].assign_add(np.ones(other.weights[-1].shape))
    assert found != weights_files.fingerprint(other, "mobilenet_v3_small")


# === Maps ===


def test_images_of_any_sizes_go_in_together_and_maps_come_in_their_order(
    stub_backbone,
):
    backbone = stub.counting(backbones.build("stub"))
    sizes = [(2, 3), (3, 2), (2, 3), (1, 1), (2, 3)]
    several = [noise(*size, seed)[0] for seed, size in enumerate(sizes)]
    maps = backbone.maps(several)
    assert backbone.network.batches == [3, 1, 1]  # one call for each size
    for image, found in zip(several, maps, strict=True):
        np.testing.assert_allclose(found, backbone.network(image[None])[0], atol=1e-5)
    assert backbone.maps([]) == []


def test_a_call_takes_no_more_pixels_than_the_engine_gains_from(
    stub_backbone, monkeypatch
):
    monkeypatch.setattr(engines, "CPU_PIXELS", 2 * 64 * 96 + 1)
    backbone = stub.counting(backbones.build("stub"))
    maps = backbone.maps([noise(2, 3, seed)[0] for seed in range(5)])
    assert backbone.network.batches == [2, 2, 1] and len(maps) == 5
    backbone.network.calls.clear()
    backbone.maps([noise(9, 9)[0]] * 2)  # too large for two at once: one, not none
    assert backbone.network.batches == [1, 1]


def test_the_fingerprint_is_that_of_the_name_and_the_weights(stub_backbone):
    plain, other = backbones.build("stub"), backbones.build("stub_context")
    model = backbones.keras_model("stub")
    assert plain.fingerprint == weights_files.fingerprint(model, "stub")
    assert plain.fingerprint != other.fingerprint


@pytest.mark.slow
def test_vgg16_fc7_of_one_window_is_fc7_of_the_ordinary_network(monkeypatch):
    ordinary = keras.applications.VGG16(weights=None)
    weights_files.randomise(ordinary, seed=1)
    build_vgg16 = keras.applications.VGG16
    monkeypatch.setattr(  # stands for the download
        keras.applications,
        "VGG16",
        lambda include_top, **rest: (
            ordinary if include_top else build_vgg16(include_top=False, **rest)
        ),
    )
    model = backbones.keras_model("vgg16_fc7", "imagenet")

    image = noise(7, 7)
    fc7 = keras.Model(ordinary.inputs, ordinary.get_layer("fc2").output)
    prepared = keras.applications.vgg16.preprocess_input(image.astype(np.float32))
    expected = fc7([prepared]).numpy()
    received = model(image).numpy()
    assert received.shape == (1, 1, 1, 4096)
    tolerance = 1e-5 * expected.max()
    np.testing.assert_allclose(received[0, 0], expected, atol=tolerance)


# === Weights files ===


@pytest.mark.slow
def test_saved_weights_load_again(tmp_path):
    path = tmp_path / "small.weights.h5"
    original = backbones.keras_model("mobilenet_v3_small", "none")
    original.save_weights(path)
    loaded = backbones.keras_model("mobilenet_v3_small", path)
    for one, other in zip(original.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_weights_of_another_network_name_the_file(tmp_path):
    path = tmp_path / "other.weights.h5"
    backbones.keras_model("mobilenet_v3_small", "none").save_weights(path)
    message = "other.weights.h5 does not fit efficientnet_lite0. Pass a file saved"
    with pytest.raises(errors.MidlevelError, match=message):
        backbones.keras_model("efficientnet_lite0", path)


def test_an_empty_weights_file_is_refused(tmp_path):
    path = tmp_path / "empty.weights.h5"
    h5py.File(path, "w").close()
    with pytest.raises(errors.MidlevelError, match="empty.weights.h5 does not fit"):
        backbones.keras_model("efficientnet_lite0", path)


def test_a_file_that_is_no_weights_names_itself(tmp_path):
    path = tmp_path / "text.weights.h5"
    path.write_text("not HDF5")
    with pytest.raises(errors.MidlevelError, match="text.weights.h5 does not fit"):
        backbones.keras_model("efficientnet_lite0", path)


@pytest.mark.parametrize(
    "path, message",
    [
        ("gone.weights.h5", "There is no weights file gone.weights.h5"),
        ("model.pth", "must end in one of .weights.h5, .h5. Received: model.pth"),
    ],
)
def test_unusable_weights_paths_are_explained(path, message):
    with pytest.raises(errors.MidlevelError, match=message):
        backbones.keras_model("efficientnet_lite0", path)


@pytest.mark.slow
def test_failed_download_says_what_to_do(tmp_path, monkeypatch):
    def offline(*arguments, **keywords):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", offline)
    monkeypatch.setattr("keras.src.backend.config.keras_home", lambda: str(tmp_path))
    message = (
        "Cannot get the ImageNet weights of mobilenet_v2. URL fetch failure on "
        "https://.*/mobilenet_v2_weights.*no route to host.*~/.keras/models"
    )
    with pytest.raises(errors.MidlevelError, match=message):
        backbones.keras_model("mobilenet_v2")


@pytest.mark.slow
def test_a_copy_of_the_weights_keeps_what_has_none(tmp_path, monkeypatch):
    """EfficientNet has one more layer, without weights, with ImageNet weights only."""
    from keras.src.applications import efficientnet

    plain = runtime.load_keras().applications.EfficientNetB0(
        weights=None, include_top=False
    )
    plain.save_weights(tmp_path / "download.weights.h5")
    downloaded = str(tmp_path / "download.weights.h5")
    stand_in = lambda *_, **__: downloaded  # noqa: E731
    monkeypatch.setattr(efficientnet.file_utils, "get_file", stand_in)
    with_weights = efficientnet.EfficientNetB0(weights="imagenet", include_top=False)

    trained = backbones.keras_model("efficientnet_b0")
    copy = tmp_path / "copy.weights.h5"
    trained.save_weights(copy)
    again = backbones.keras_model("efficientnet_b0", copy)
    image = noise(2, 3).astype(np.float32)
    expected = with_weights.predict(image, verbose=0)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(trained(image), expected, atol=1e-4 * scale)
    np.testing.assert_allclose(again(image), expected, atol=1e-4 * scale)
