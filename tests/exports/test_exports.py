import json
import subprocess
import sys
from pathlib import Path

import helpers
import numpy as np
import pytest
import stub
from click.testing import CliRunner

import midlevel
from midlevel import errors, exports, runs
from midlevel.commands.cli import cli
from midlevel.exports import card, formats, models, verification
from midlevel.images import pixels
from midlevel.system import files

SIZES_WH = [(1, 1), (2, 3), (97, 64), (101, 333), (160, 120), (640, 427), (900, 33)]
BESIDE = ["labels.json", "labels.txt", "exports.json", "MODEL_CARD.md"]


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
    assert names == ["window.keras", "image.keras", *BESIDE]
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
    return folder


def load(path):
    return midlevel.load_keras(path)


def scores_of(model, image):
    """Scores of the run, not rounded."""
    return model.probabilities(model.windows(image))


@pytest.mark.slow
def test_whole_images_of_all_sizes_score_as_in_the_run(model, folder):
    network = load(folder / "image.keras")
    for i, size_wh in enumerate(SIZES_WH):
        image = helpers.noise(size_wh, i)
        helpers.draw(image, "disc", (0, 0, (size_wh[0] + 1) // 2, size_wh[1]))
        (found,) = network.predict_on_batch(image[None])
        np.testing.assert_allclose(found, scores_of(model, image), atol=1e-4)


def test_labels_say_what_the_columns_are(model, folder):
    content = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    assert content["classes"] == list(model.classes)
    assert content["window_scores"] == ["background", *model.classes]
    assert content["thresholds"] == model.thresholds and content["k"] == model.k


@pytest.mark.slow
@pytest.mark.parametrize(
    "begin, load",
    [
        ("import midlevel", "midlevel.load_keras"),
        ("import keras, midlevel", "midlevel.load_keras"),
        ("import keras, midlevel.networks.export_layers", "keras.saving.load_model"),
    ],
)
def test_a_stranger_needs_one_call_whatever_was_imported(folder, begin, load):
    code = (
        f"import numpy\n{begin}\n"
        f"network = {load}({str(folder / 'image.keras')!r})\n"
        "image = numpy.full((1, 64, 97, 3), 128, numpy.uint8)\n"
        "print(network.predict_on_batch(image).shape)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder
    )
    assert done.stdout.strip() == "(1, 3)", done.stderr


@pytest.mark.parametrize("name", ["gone.keras", "text.keras", "labels.json"])
def test_what_is_no_exported_keras_file_is_refused(folder, tmp_path, name):
    (tmp_path / "text.keras").write_text("no archive")
    path = folder / name if name == "labels.json" else tmp_path / name
    with pytest.raises(errors.MidlevelError, match=f"{name}: is no Keras model that"):
        midlevel.load_keras(path)


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


@pytest.mark.slow
def test_the_whole_photograph_is_part_of_the_image_model_and_the_card(
    trained, model, tmp_path
):
    both = midlevel.load(stub.with_whole(trained, tmp_path / "run").folder)
    (_, image_file, *_) = exports.export(both, progress=stub.QUIET)
    network = load(image_file)
    for size_wh in SIZES_WH[::3]:
        image = helpers.noise(size_wh)
        (found,) = network.predict_on_batch(image[None])
        np.testing.assert_allclose(found, scores_of(both, image), atol=1e-4)
        assert np.abs(found - scores_of(model, image)).max() > 1e-3
    card = image_file.with_name("MODEL_CARD.md").read_text(encoding="utf-8")
    assert "scored, and so is the whole of it; together" in card


def test_the_card_says_what_chose(trained, model, tmp_path):
    content = {"run": "run", "files": []}
    said = " ".join(card.of(model, content).split())
    assert "5 other photographs, split `val`, chose the epoch" in said
    assert "expect somewhat less on others. A class is said" in said
    apart = midlevel.load(stub.held_out(trained, tmp_path / "run").folder)
    said = " ".join(card.of(apart, content).split())
    assert "held out of these chose the calibration" in said
    assert (
        "These chose nothing. A class is said" in said and "less on others" not in said
    )


@pytest.mark.slow
def test_a_model_that_sees_the_mirror_image_too_is_exported_without_it(model, tmp_path):
    notes = stub.Notes()
    exports.export(midlevel.load(model, mirror=True), tmp_path, notes)
    assert "not mirrored" in notes.text
    image = helpers.noise((97, 64))
    (found,) = load(tmp_path / "image.keras").predict_on_batch(image[None])
    np.testing.assert_allclose(found, scores_of(model, image), atol=1e-4)


def test_a_run_on_crops_has_no_whole_image_model(
    trained_on_crops, tmp_path, monkeypatch
):
    notes, model = stub.Notes(), midlevel.load(trained_on_crops.folder)
    monkeypatch.setattr(runs.Run, "split_files", {"val": ["gone.jpg"]})
    paths = exports.export(model, tmp_path, notes)
    assert [path.name for path in paths] == ["window.keras", *BESIDE]
    assert "no image models" in notes.text
    assert "noise verifies in their place" in notes.text
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == sorted(["window.keras", *BESIDE])
    card = (tmp_path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "How to run it" not in card  # the examples are of images


# === What goes wrong ===


@pytest.fixture
def wrong_images(monkeypatch):
    """Image models of another head than the run's."""
    networks = models._networks

    def of_another_head(model):
        backbone, head = networks(model)
        head.set_weights([w + 0.01 for w in head.get_weights()])
        return backbone, head

    def wrong(model, size_wh=None, is_counted=False):
        with monkeypatch.context() as patch:
            patch.setattr(models, "_networks", of_another_head)
            return models.image_model(model, size_wh)

    monkeypatch.setitem(models.MAKERS, "image", wrong)


@pytest.mark.slow
def test_an_export_that_differs_is_not_kept(model, tmp_path, wrong_images):
    (tmp_path / "image.keras").write_bytes(b"an earlier one")
    with pytest.raises(errors.MidlevelError, match="image.keras: was not kept: .*e-"):
        exports.export(model, tmp_path, stub.QUIET)
    there = sorted(path.name for path in tmp_path.iterdir())
    assert there == ["exports.json", "image.keras", "window.keras"]
    assert (tmp_path / "image.keras").read_bytes() == b"an earlier one"
    assert "image.keras" not in (tmp_path / "exports.json").read_text()


def test_what_is_not_verified_says_so(model, tmp_path, wrong_images):
    notes = stub.Notes()
    exports.export(model, tmp_path, notes, verify=False)
    assert f"{tmp_path / 'image.keras'}: not verified" in notes.lines
    rows = json.loads((tmp_path / "exports.json").read_text())["files"]
    assert [row["largest_difference"] for row in rows] == [None, None]
    assert "| not verified |" in (tmp_path / "MODEL_CARD.md").read_text()


def test_scores_that_are_no_numbers_differ():
    batch = np.zeros((1, 1, 1, 3), np.uint8)
    compared = verification.Comparison([batch], [np.array([[0.5, 0.5]])])
    assert compared.worst(lambda _: np.array([[0.5, 0.25]])) == 0.25
    assert not compared.worst(lambda _: np.array([[0.5, np.nan]])) <= 1


@pytest.mark.slow
def test_a_run_in_bf16_is_exported_and_verified_in_f32(
    model, tmp_path, monkeypatch, needs_bf16
):
    compare, seen = verification.of_images, []

    def watched(model, *others):
        seen.append(model.extractor.backbone.engine.precision)
        return compare(model, *others)

    monkeypatch.setitem(verification.COMPARISONS, "image", watched)
    coarse = midlevel.load(model.run.folder, engine="openvino", precision="bf16")
    assert tmp_path / "image.keras" in exports.export(coarse, tmp_path, stub.QUIET)
    assert seen == ["f32"]


def test_validation_photographs_verify_and_noise_where_they_are_gone(
    model, monkeypatch
):
    folder, splits = Path(model.run.record["folder"]), model.run.split_files
    first, *_ = found = verification.photographs(model, 2)
    assert list(found) == splits["val"][:2]
    np.testing.assert_array_equal(found[first], pixels.read(folder / first))
    assert len(verification.photographs(model, 16)) == 16

    gone = {"train": splits["train"][:2], "val": ["gone.jpg"]}
    monkeypatch.setattr(runs.Run, "split_files", gone)
    found = verification.photographs(model, 6)
    assert list(found)[:2] == gone["train"]
    assert list(found)[2:] == [f"noise of {s}" for s in ("320x240", "500x375", "61x90")]


def test_a_folder_that_cannot_be_made_is_refused_by_name(model, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(errors.MidlevelError, match="file/new: cannot be written: "):
        exports.export(model, tmp_path / "file" / "new", stub.QUIET)


def test_two_exports_to_one_folder_are_refused(model, tmp_path):
    with (
        files.locked(tmp_path / exports.LOCK) as is_held,
        pytest.raises(errors.MidlevelError, match="another process is writing there"),
    ):
        if not is_held:
            pytest.skip("this file system knows no locks")
        exports.export(model, tmp_path, stub.QUIET)


def test_what_a_killed_export_left_goes_away(model, tmp_path):
    left = tmp_path / exports.STAGE / "image.savedmodel"
    left.mkdir(parents=True)
    with exports._staged(tmp_path) as stage:
        assert not any(stage.iterdir())
    assert not any(tmp_path.iterdir())


def test_a_folder_takes_the_place_of_a_folder_and_a_file_of_a_file(tmp_path):
    stage, folder = tmp_path / "stage", tmp_path / "folder"
    for place, text in ((folder, "old"), (stage, "new")):
        (place / "image.savedmodel").mkdir(parents=True)
        (place / "image.savedmodel" / text).touch()
        (place / "image.keras").write_text(text)
    exports._put(stage, folder)
    assert [path.name for path in (folder / "image.savedmodel").iterdir()] == ["new"]
    assert (folder / "image.keras").read_text() == "new"


def test_a_converter_that_fails_is_one_line(model, tmp_path, monkeypatch):
    def fail(*_):
        raise ValueError("no such operation:\nErfInv")

    monkeypatch.setattr(formats.find(["keras"])[0].room, "write", fail)
    expected = (
        "window.keras: the converter to keras failed: ValueError: no such operation: "
        "ErfInv. Choose another --format."
    )
    with pytest.raises(errors.MidlevelError) as caught:
        exports.export(model, tmp_path, stub.QUIET)
    assert str(caught.value) == expected
    assert not any(tmp_path.iterdir())


def test_a_wrong_name_is_refused_with_the_nearest():
    with pytest.raises(errors.MidlevelError, match="Received: onx. Did you mean onnx"):
        formats.find(["keras", "onx"])
    with pytest.raises(errors.MidlevelError, match="Name a format: keras, "):
        formats.find([])


def test_formats_come_once_and_in_the_order_of_the_table():
    chosen = [form.name for form in formats.find(["onnx", "keras", "onnx"])]
    assert chosen == ["keras", "onnx"]
    every = [form.name for form in formats.find(["all"])]
    assert list(dict.fromkeys(every)) == list(formats.NAMES)


@pytest.mark.parametrize(
    "name, package, verify",
    [
        ("onnx", "tf2onnx", False),
        ("onnx", "onnxruntime", True),
        ("litert", "ai_edge_litert", True),
    ],
)
def test_a_missing_package_is_said_before_any_work(
    model, tmp_path, monkeypatch, name, package, verify
):
    monkeypatch.setitem(sys.modules, package, None)
    expected = f'{package} cannot be imported .* pip install "midlevel\\[{name}\\]"\\.'
    with pytest.raises(errors.MissingDependency, match=expected):
        exports.export(
            model, tmp_path / "new", stub.QUIET, ["keras", name], None, verify
        )
    assert not (tmp_path / "new").exists()


@pytest.mark.tf
def test_runtimes_are_needed_for_verifying_alone(monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    formats.check(["litert"], verify=False)


def test_the_command_looks_for_packages_before_it_loads(trained, monkeypatch):
    def load(*_, **__):
        raise AssertionError("the model was loaded")

    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    monkeypatch.setattr("midlevel.prediction.model.load", load)
    arguments = ["export", "--model", str(trained.folder), "--format", "onnx"]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 5
    assert "tf2onnx cannot be imported" in done.stderr


def test_looking_for_packages_imports_none_of_them():
    code = (
        "import sys\n"
        "from midlevel import exports\n"
        "exports.check(['keras'])\n"
        "sys.exit(str({'tensorflow', 'keras'} & set(sys.modules) or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.strip() == ""


# === The backbone that comes along ===


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
