import numpy as np
import pytest

from midlevel import errors, runs
from midlevel.exports import models
from midlevel.features.extractor import build_extractor
from midlevel.networks import backbones, engines, heads
from midlevel.prediction import model as model_
from midlevel.settings import config
from midlevel.settings.backbone import Backbone

OPENVINO = engines.Engine("openvino")
IMAGE = np.random.default_rng(0).integers(0, 256, (96, 64, 3), np.uint8)


@pytest.mark.parametrize("text", ["", "[]", '{"schema": "midlevel-run/0"}', "{"])
def test_a_foreign_run_is_refused_by_name(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(errors.MidlevelError, match=f"^{tmp_path}"):
        _ = runs.Run(tmp_path).record


# === The network it was scored with ===


@pytest.fixture(scope="module")
def packaged():
    return backbones.keras_model(backbones.DEFAULT)


@pytest.fixture(scope="module")
def tuned():
    """The default backbone, its last layer learned on."""
    model = backbones.keras_model(backbones.DEFAULT)
    last = [layer for layer in model.layers if layer.weights][-1]
    last.set_weights([0.5 * weight for weight in last.get_weights()])
    return model


def kept(folder, model):
    run = runs.Run(folder)
    run.begin(config.Config(), {"classes": ["cat"], "data": "/gone"})
    run.keep_backbone(backbones.DEFAULT, model)
    return run


@pytest.fixture(scope="module")
def of_packaged(packaged, tmp_path_factory):
    return kept(tmp_path_factory.mktemp("packaged"), packaged)


@pytest.fixture(scope="module")
def of_tuned(tuned, tmp_path_factory):
    """With all that a finished run has, so that it is scored with and exported."""
    run = kept(tmp_path_factory.mktemp("tuned"), tuned)
    head = heads.build(1280, 1, hidden=[4])
    heads.keep(run.head_file, run.stored_head, head)
    fingerprint = build_extractor(run.config, run).fingerprint
    run.update(
        **{"finished": True, "k": 2.0, "thresholds": {"cat": 0.5}, "folder": "/gone"},
        calibration={"slopes": [1.0], "intercepts": [0.0]},
        features_fingerprint=fingerprint,
    )
    return run


def expected(model):
    return model(IMAGE[None].astype(np.float32), training=False).numpy()[0]


@pytest.mark.slow
def test_the_backbone_that_comes_along_is_not_kept_twice(packaged, of_packaged):
    assert of_packaged.stored_backbone.exists()
    assert not of_packaged.weights_file.exists()
    assert backbones.fingerprint_of(packaged, backbones.DEFAULT) == (
        backbones.find(backbones.DEFAULT).packaged.fingerprint
    )


def test_a_file_with_the_weights_that_come_along_need_not_be_found_again(of_packaged):
    named = Backbone(weights="/gone.weights.h5")
    assert of_packaged.weights(named) == "imagenet"


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_the_default_backbone_with_other_weights_is_kept_and_scored_with(
    packaged, tuned, of_tuned, engine
):
    network = model_.load(of_tuned.folder, engine=engine).extractor.backbone
    (found,) = network.maps([IMAGE])
    np.testing.assert_allclose(found, expected(tuned), atol=1e-3)
    assert np.abs(found - expected(packaged)).max() > 0.1


@pytest.mark.slow
def test_the_default_backbone_with_other_weights_is_exported(tuned, of_tuned):
    made = models.window_model(model_.load(of_tuned.folder))
    window = np.resize(IMAGE, (1, 224, 224, 3))
    vectors = tuned(window.astype(np.float32), training=False).numpy()
    head = heads.load(of_tuned.head_file)
    scores = head(vectors.mean(axis=(1, 2)), training=False)
    np.testing.assert_allclose(made(window, training=False), scores, atol=1e-4)


def test_what_is_kept_last_is_what_counts(stub_backbone, tmp_path):
    run, stub_ = runs.Run(tmp_path), Backbone(name="stub")
    for weights in ("imagenet", "none"):
        model = backbones.keras_model("stub", weights)
        run.keep_backbone("stub", model)
    network = backbones.keras_model("stub", run.weights(stub_))
    wanted = backbones.fingerprint_of(model, "stub")
    assert backbones.fingerprint_of(network, "stub") == wanted
    stored = backbones.build("stub", engine=OPENVINO, stored=run.stored_backbone)
    assert stored.fingerprint == wanted
