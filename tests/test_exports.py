import json
import subprocess
import sys
from pathlib import Path

import helpers
import numpy as np
import pytest
import stub

import midlevel
from midlevel import errors, exports, heads, images, runs, runtime

SIZES_WH = [(1, 1), (2, 3), (97, 64), (101, 333), (160, 120), (640, 427), (900, 33)]


@pytest.fixture(scope="module", autouse=True)
def few_photographs():
    """Exports are verified on two; every size of image costs a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exports, "VERIFIED_ON", 2)
        yield


@pytest.fixture(scope="module")
def model(trained):
    return midlevel.load(trained.folder)


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    """The exports of the run."""
    folder = tmp_path_factory.mktemp("exports") / "new"
    names = [path.name for path in exports.export(model, folder, stub.QUIET)]
    assert names == ["window.keras", "image.keras", "labels.json"]
    return folder


def load(path):
    return runtime.load_keras().saving.load_model(path)


def scores_of(model, image):
    """Scores of the run, not rounded."""
    return model.probabilities(model.windows(image))


def test_whole_images_of_all_sizes_score_as_in_the_run(model, folder):
    network = load(folder / "image.keras")
    for i, size_wh in enumerate(SIZES_WH):
        image = helpers.noise(size_wh, i)
        helpers.draw(image, "disc", (0, 0, (size_wh[0] + 1) // 2, size_wh[1]))
        (found,) = network.predict_on_batch(image[None])
        np.testing.assert_allclose(found, scores_of(model, image), atol=1e-4)


def test_several_images_of_one_size_are_taken_at_once(model, folder):
    batch = np.stack([helpers.noise((90, 70), i) for i in range(3)])
    helpers.draw(batch[1], "wedge", (5, 5, 65, 65))
    found = load(folder / "image.keras").predict_on_batch(batch)
    expected = [scores_of(model, image) for image in batch]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.ptp(expected, axis=0).max() > 0.05


def test_windows_score_as_crops_in_the_run(model, folder, toy_voc):
    image = images.read(toy_voc / "JPEGImages" / "val_04.jpg")
    boxes = model.extractor.plan(images.size_wh(image)).boxes
    cuts = np.stack([images.cut(image, box, 224) for box in boxes[::9]])
    vectors = np.mean(model.extractor.backbone.maps(cuts), axis=(1, 2))
    network = load(folder / "window.keras")
    assert network.input_shape == (None, 224, 224, 3)
    found = network.predict_on_batch(cuts)
    np.testing.assert_allclose(found, heads.score(model.head, vectors), atol=1e-4)
    assert found.shape[1] == 4


def test_labels_say_what_the_columns_are(model, folder):
    content = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    assert content["classes"] == list(model.classes)
    assert content["window_scores"] == ["background", *model.classes]
    assert content["thresholds"] == model.thresholds and content["k"] == model.k


@pytest.mark.parametrize(
    "first, second",
    [
        pytest.param("keras", "midlevel", marks=pytest.mark.slow),
        ("midlevel", "keras"),
    ],
)
def test_a_stranger_needs_no_more_than_import_midlevel(folder, first, second):
    code = (
        f"import {first}, {second}, numpy\n"
        f"network = keras.saving.load_model({str(folder / 'image.keras')!r})\n"
        "image = numpy.full((1, 64, 97, 3), 128, numpy.uint8)\n"
        "print(network.predict_on_batch(image).shape)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder
    )
    assert done.stdout.strip() == "(1, 3)", done.stderr


@pytest.mark.slow
def test_a_network_without_padding_is_exported_too(stub_backbone, toy_voc, tmp_path):
    run = stub.train(
        toy_voc,
        tmp_path / "run",
        backbone__name="stub_context",
        windows__pyramid=[{"scale": 0.9, "sizes": [4, 3]}],
        features__views=["original"],
        training__epochs=1,
    )
    model = midlevel.load(run.folder)
    exports.export(model, progress=stub.QUIET)
    network = load(run.folder / "exports" / "image.keras")
    for size_wh in SIZES_WH[::3]:
        image = helpers.noise(size_wh)
        (found,) = network.predict_on_batch(image[None])
        np.testing.assert_allclose(found, scores_of(model, image), atol=1e-4)


def test_a_run_on_crops_has_no_whole_image_model(trained_on_crops, tmp_path):
    notes, model = stub.Notes(), midlevel.load(trained_on_crops.folder)
    paths = exports.export(model, tmp_path, notes)
    assert [path.name for path in paths] == ["window.keras", "labels.json"]
    assert "no image.keras" in notes.text
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == ["labels.json", "window.keras"]


def test_an_export_that_differs_is_not_kept(model, tmp_path, monkeypatch):
    make, networks = exports.image_model, exports._networks

    def of_another_head(model):
        backbone, head = networks(model)
        head.set_weights([w + 0.01 for w in head.get_weights()])
        return backbone, head

    def wrong(model):
        with monkeypatch.context() as patch:
            patch.setattr(exports, "_networks", of_another_head)
            return make(model)

    monkeypatch.setattr(exports, "image_model", wrong)
    with pytest.raises(errors.MidlevelError, match="image.keras: was not kept: .*e-"):
        exports.export(model, tmp_path, stub.QUIET)
    assert [path.name for path in tmp_path.iterdir()] == ["window.keras"]


@pytest.mark.filterwarnings("ignore:This CPU has no bfloat16")
def test_a_run_in_bf16_is_exported_and_verified_in_f32(model, tmp_path, monkeypatch):
    def verified(path, network, difference, model, photographs):
        assert model.extractor.backbone.engine.precision == "f32"
        return 0.0

    monkeypatch.setattr(exports, "_write_verified", verified)
    coarse = midlevel.load(model.run.folder, engine="openvino", precision="bf16")
    assert tmp_path / "image.keras" in exports.export(coarse, tmp_path, stub.QUIET)


def test_a_model_is_verified_on_noise_where_its_photographs_are_gone(
    model, tmp_path, monkeypatch
):
    monkeypatch.setattr(exports, "VERIFIED_ON", 6)
    folder = Path(model.run.record["folder"])
    names = model.run.split_files["train"][:2]
    there = [folder / name for name in names]
    with monkeypatch.context() as patch:
        patch.setattr(runs.Run, "split_files", {"train": ["gone.jpg"]})
        noise = list(exports._photographs(model))
        patch.setattr(runs.Run, "split_files", {"train": names})
        some = list(exports._photographs(model))
    assert len({image.shape for image in noise}) == 3
    np.testing.assert_array_equal(some[1], images.read(there[1]))
    assert len(some) == 5
    assert len(list(exports._photographs(model))) == 6


def test_a_folder_that_cannot_be_made_is_refused_by_name(model, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(errors.MidlevelError, match="file/new: cannot be written: "):
        exports.export(model, tmp_path / "file" / "new", stub.QUIET)


@pytest.fixture(scope="module")
def packaged(toy_voc, tmp_path_factory):
    """A run on the backbone that comes along, and its whole-image export."""
    run = midlevel.train(
        toy_voc,
        run=tmp_path_factory.mktemp("packaged") / "run",
        settings={"head.hidden": [32], "training.epochs": 1},
        progress=stub.QUIET,
    )
    model = midlevel.load(run.folder)
    exports.export(model, progress=stub.QUIET)
    return model, load(run.folder / "exports" / "image.keras")


@pytest.mark.slow
@pytest.mark.parametrize("size_wh", [*SIZES_WH, (1000, 750), (1300, 1300)])
def test_the_packaged_backbone_is_exported(packaged, size_wh):
    model, network = packaged
    image = helpers.noise(size_wh)
    (found,) = network.predict_on_batch(image[None])
    np.testing.assert_allclose(found, scores_of(model, image), atol=1e-4)
