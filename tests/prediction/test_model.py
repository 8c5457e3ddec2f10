import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import helpers
import numpy as np
import pytest
import stub

import midlevel
from midlevel import errors, runs
from midlevel.images import pixels
from midlevel.networks import backbones
from midlevel.prediction import records


@pytest.fixture(scope="module")
def model(trained):
    return midlevel.load(trained.folder)


@pytest.fixture(scope="module")
def photograph(toy_voc):
    return toy_voc / "JPEGImages" / "val_04.jpg"  # a square and a disc


def test_a_record_says_everything_of_an_image(model, photograph):
    (record,) = model.predict(str(photograph))
    assert list(record) == [
        *("schema", "file", "width", "height"),
        *("labels", "scores", "regions", "failure"),
    ]
    assert record["schema"] == "midlevel-prediction/2"
    assert record["file"] == photograph.as_posix()
    assert (record["width"], record["height"]) == (160, 120)
    assert record["failure"] is None
    assert list(record["scores"]) == ["disc", "square", "wedge"]
    assert json.loads(json.dumps(record)) == record


def test_labels_are_the_classes_at_or_above_their_thresholds_best_first(model, toy_voc):
    for record in model.predict(toy_voc):
        above = [n for n, s in record["scores"].items() if s >= model.thresholds[n]]
        ranked = sorted(above, key=lambda name: -record["scores"][name])
        assert [label["name"] for label in record["labels"]] == ranked
        for label in record["labels"]:
            assert label["score"] == record["scores"][label["name"]]
            assert label["threshold"] == model.thresholds[label["name"]]


def test_objects_are_found_where_they_are(model, photograph):
    (record,) = model.predict(photograph)
    assert {label["name"] for label in record["labels"]} == {"disc", "square"}
    for name, inside in (("square", (30, 30)), ("disc", (94, 94))):
        best = next(row for row in record["regions"] if row["name"] == name)
        left, top, width, height = best["bbox"]
        assert left <= inside[0] <= left + width
        assert top <= inside[1] <= top + height
        assert left >= 0 and left + width <= 160 and top + height <= 120


def test_scores_are_calibrated_image_scores_of_windows(model, photograph):
    image = pixels.read(photograph)
    found = model.windows(image)
    assert found.scores.shape == (len(found.plan), 4)
    np.testing.assert_allclose(found.scores.sum(axis=1), 1, rtol=1e-5)
    (record,) = model.predict(image)
    raw = model.aggregation(found.scores[:, 1:])
    slopes, intercepts = model.calibration.slopes, model.calibration.intercepts
    odds = np.log(raw / (1 - raw)) * slopes + intercepts
    expected = 1 / (1 + np.exp(-odds))
    np.testing.assert_allclose(list(record["scores"].values()), expected, atol=1e-6)


@pytest.mark.parametrize("call", ["map", "of_class"])
def test_a_class_that_the_model_has_not_is_told_which_it_has(model, photograph, call):
    found = model.windows(pixels.read(photograph))
    message = "classes, disc, square, wedge. Received: 'lion'"
    with pytest.raises(errors.MidlevelError, match=message):
        getattr(found, call)("lion")
    assert repr(found).startswith(f"WindowScores({len(found.plan)} windows of 160 x")


@pytest.mark.parametrize("size", [5, (0, 0), (4,), "ab"])
def test_a_size_of_a_map_that_is_none_is_told_what_is_expected(model, photograph, size):
    found = model.windows(pixels.read(photograph))
    with pytest.raises(errors.MidlevelError, match="map_wh: expected .* Received: "):
        found.map("disc", size)


@pytest.mark.parametrize("threshold", ["0.5", None, {"disc": "x"}, 2, float("nan")])
def test_a_threshold_that_is_no_probability_is_told(model, threshold):
    with pytest.raises(errors.MidlevelError, match="a probability from 0 to 1"):
        model.with_thresholds(threshold)


@pytest.mark.parametrize("source", [None, 7, b"a.jpg", [None]])
def test_a_source_that_is_none_is_told_what_is_accepted(model, source):
    with pytest.raises(errors.MidlevelError, match="Expected a path .* Received: "):
        model.predict(source)


def test_a_picture_is_predicted_as_its_pixels(model, photograph):
    Image = pytest.importorskip("PIL.Image")
    image = pixels.read(photograph)
    assert model.predict(Image.fromarray(image)) == model.predict(image)
    assert model.record(Image.fromarray(image), "a") == model.record(image, "a")


def test_a_run_itself_is_loaded(trained, model):
    assert midlevel.load(trained).fingerprint == model.fingerprint
    with pytest.raises(errors.MidlevelError, match="folder of a run.* Received: int"):
        midlevel.load(5)


def test_a_model_is_shown_in_a_line_and_in_a_small_table(model, trained):
    assert repr(model).startswith(f"Model({str(trained.folder)!r}: disc, square, wedge")
    assert "\n" not in repr(model) and len(repr(model)) < 300
    named = dataclasses.replace(
        model, classes=("<b>",), thresholds={"<b>": model.thresholds["disc"]}
    )
    shown = named._repr_html_()
    assert "<td>&lt;b&gt;</td>" in shown and "<b>" not in shown
    assert f"<td>{model.thresholds['disc']:.2f}</td>" in shown


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_predicts_with_the_model_of_its_parent(trained, toy_voc):
    """And ends as any other; so does one that never used the model, and its child."""
    code = (
        "import os, sys\n"
        f"sys.path.insert(0, {str(Path(stub.__file__).parent)!r})\n"
        "import midlevel, stub\n"
        "stub.in_table()\n"
        f"model = midlevel.load({str(trained.folder)!r}, engine='openvino')\n"
        f"source = {str(toy_voc / 'JPEGImages')!r}\n"
        "expected = model.predict(source)\n"
        "def child(work):\n"
        "    number = os.fork()\n"
        "    if number == 0:\n"
        "        work()\n"
        "        sys.exit(0)\n"
        "    if os.waitpid(number, 0)[1] != 0:\n"
        "        sys.exit('a child failed')\n"
        "def predict():\n"
        "    if model.predict(source) != expected:\n"
        "        os._exit(1)\n"
        "child(predict)\n"
        "child(lambda: child(predict))\n"
        "child(lambda: None)\n"
        "predict()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_a_score_map_has_the_size_of_the_image(model, photograph):
    found = model.windows(pixels.read(photograph))
    heat = found.map("square")
    assert heat.shape == (120, 160)
    assert heat[10:50, 10:50].mean() > 2 * heat[80:, 80:].mean()
    assert found.map("square", (16, 12)).shape == (12, 16)


def test_arrays_paths_folders_globs_and_lists_are_predicted_alike(
    model, toy_voc, photograph
):
    folder = toy_voc / "JPEGImages"
    by_file = model.predict(photograph)
    assert model.predict([photograph]) == by_file
    assert model.predict(folder / "val_0[4].jpg") == by_file
    (by_array,) = model.predict(pixels.read(photograph))
    assert by_array == {**by_file[0], "file": None}
    of_folder = model.predict(str(folder))
    assert [r["file"] for r in of_folder] == sorted(r["file"] for r in of_folder)
    assert len(of_folder) == 16 and by_file[0] in of_folder
    mixed = model.predict([folder / "val_03.jpg", pixels.read(photograph), photograph])
    assert mixed[1:] == [by_array, *by_file]


def test_a_file_that_cannot_be_read_gives_a_failure_and_the_rest_goes_on(
    model, photograph, tmp_path
):
    for name in ("a", "c"):
        shutil.copy(photograph, tmp_path / f"{name}.jpg")
    (tmp_path / "b.jpg").write_bytes(b"no image")
    good, bad, again = model.predict(tmp_path)
    assert bad["failure"].startswith(f"{tmp_path / 'b.jpg'}: is not an image")
    assert bad["file"] == (tmp_path / "b.jpg").as_posix()
    assert (bad["labels"], bad["scores"], bad["width"]) == ([], {}, None)
    assert set(bad) == set(good)
    assert good["failure"] is None and again["scores"] == good["scores"]


def test_a_missing_file_is_refused(model, tmp_path):
    with pytest.raises(errors.DataError, match="gone.jpg: no such file or folder"):
        model.predict(tmp_path / "gone.jpg")


@pytest.mark.parametrize("shape", [(5, 5), (5, 5, 4), (0, 5, 3)])
def test_an_array_that_is_no_rgb_image_is_refused(model, shape):
    with pytest.raises(errors.ImageError, match="RGB uint8 array of shape"):
        model.predict(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("size_wh", [(1, 1), (3, 200), (900, 40)])
def test_any_size_of_image_is_predicted(model, size_wh):
    (record,) = model.predict(helpers.noise(size_wh))
    assert (record["width"], record["height"]) == size_wh
    assert all(0 <= score <= 1 for score in record["scores"].values())


def test_a_run_moved_with_its_weights_is_the_same_model(model, photograph, tmp_path):
    shutil.copytree(model.run.folder, tmp_path / "elsewhere")
    moved = midlevel.load(tmp_path / "elsewhere")
    assert moved.predict(photograph) == model.predict(photograph)


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_a_backbone_with_other_weights_is_refused(trained, tmp_path, engine):
    shutil.copytree(trained.folder, tmp_path / "run")
    run = runs.Run(tmp_path / "run")
    other = backbones.keras_model("stub", "none")
    other.save_weights(run.weights_file, overwrite=True)
    backbones.store(run.stored_backbone, "stub", other)
    with pytest.raises(
        errors.MidlevelError, match="are not those the head was trained"
    ):
        midlevel.load(run.folder, engine=engine)


def test_a_run_predicts_alike_on_every_engine(trained, toy_voc):
    on_each = [
        midlevel.load(trained.folder, engine=engine).predict(toy_voc)
        for engine in ("openvino", "tensorflow")
    ]
    for one, other in zip(*on_each, strict=True):
        assert one["scores"] == pytest.approx(other["scores"], abs=1e-4)


def test_an_engine_asked_for_goes_over_the_runs_setting(trained):
    asked = midlevel.load(trained.folder, engine="tensorflow")
    assert asked.extractor.backbone.engine.name == "tensorflow"
    assert asked.config.engine == "tensorflow" and trained.config.engine == "auto"
    with pytest.raises(errors.MidlevelError, match="engine"):
        midlevel.load(trained.folder, engine="onnx")


def test_the_head_of_another_run_is_refused(trained, tmp_path):
    folder = shutil.copytree(trained.folder, tmp_path / "copy")
    (folder / "head.keras").write_bytes(b"another")
    with pytest.raises(errors.MidlevelError, match="is not the head in head.keras"):
        midlevel.load(folder, engine="openvino")


def test_a_run_without_stored_networks_is_converted(trained, toy_voc, tmp_path):
    """Whoever deletes the files that OpenVINO reads can still use the run."""
    shutil.copytree(trained.folder, tmp_path / "run")
    run = runs.Run(tmp_path / "run")
    for stored in (run.stored_backbone, run.stored_head):
        stored.unlink()
        stored.with_suffix(".bin").unlink()
    (found,) = midlevel.load(run.folder, engine="openvino").predict(
        toy_voc / "JPEGImages" / "val_00.jpg"
    )
    (expected,) = midlevel.load(trained.folder, engine="openvino").predict(
        toy_voc / "JPEGImages" / "val_00.jpg"
    )
    assert found["scores"] == pytest.approx(expected["scores"], abs=1e-5)


def test_several_photographs_are_scored_as_each_alone(model, toy_voc):
    read = model.extractor.read
    photographs = [read(path) for path in sorted(toy_voc.rglob("val_*.jpg"))]
    for found, photograph in zip(model.many(photographs), photographs, strict=True):
        alone = model.windows(photograph.pixels)
        assert found.plan.size_wh == alone.plan.size_wh
        np.testing.assert_allclose(found.scores, alone.scores, atol=1e-6)
    assert model.many([]) == []


def test_a_large_photograph_is_scored_from_its_file_as_from_its_pixels(model, tmp_path):
    image = helpers.noise((1600, 1200))
    helpers.draw(image, "square", (100, 100, 700, 700))
    helpers.write_photograph(tmp_path / "a.jpg", image)
    (by_file,) = model.predict(tmp_path / "a.jpg")
    (by_pixels,) = model.predict(pixels.read(tmp_path / "a.jpg"))
    assert (by_file["width"], by_file["height"]) == (1600, 1200)
    assert by_file["scores"] == pytest.approx(by_pixels["scores"], abs=0.01)
    assert by_file["labels"][0]["name"] == by_pixels["labels"][0]["name"] == "square"
    found, expected = by_file["regions"][0]["bbox"], by_pixels["regions"][0]["bbox"]
    np.testing.assert_allclose(found, expected, atol=1)


def test_what_was_asked_for_is_read_a_few_files_ahead(model, photograph):
    taken = []

    def paths():
        for number in range(200):
            taken.append(number)
            yield photograph

    stream = model.stream(paths())
    next(stream)
    stream.close()
    engine = model.extractor.backbone.engine
    assert len(taken) == 2 * engine.workers * engine.together < 200


def test_the_newest_finished_run_is_loaded_by_default(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.MidlevelError, match="No finished run in runs/train"):
        midlevel.load()
    shutil.copytree(trained.folder, tmp_path / "runs/train/a")
    assert midlevel.load().run.folder.name == "a"


def test_a_run_on_crops_predicts_from_crops(trained_on_crops):
    model = midlevel.load(trained_on_crops.folder)
    assert trained_on_crops.metrics["mAP"]["area"] > 0.9
    counted = stub.counting(model.extractor.backbone)
    object.__setattr__(model.extractor, "backbone", counted)
    (record,) = model.predict(np.zeros((120, 160, 3), np.uint8))
    windows = len(model.extractor.plan((160, 120)))
    assert sum(counted.network.batches) == windows
    assert record["schema"] == records.SCHEMA
