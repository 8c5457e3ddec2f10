import csv
import json
import shutil
from pathlib import Path

import helpers
import numpy as np
import pytest
import stub
import yaml

import midlevel
from midlevel import datasets, errors, runs
from midlevel.datasets import reading
from midlevel.networks import backbones, engines, heads
from midlevel.networks.backbones import weights as weights_files
from midlevel.settings import config
from midlevel.training import fitting, train

FILES = {
    "backbone.bin",
    "backbone.weights.h5",
    "backbone.xml",
    "config.yaml",
    "environment.json",
    "head.bin",
    "head.keras",
    "head.xml",
    "history.csv",
    "metrics.json",
    "run.json",
    "split.csv",
}


@pytest.fixture
def features(trained):
    """The store in which the toy set's features already are."""
    return trained.config.features.store


def rows(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def weights(run):
    return np.concatenate([w.ravel() for w in heads.load(run.head_file).get_weights()])


def test_coloured_shapes_are_learned(trained):
    assert trained.metrics["mAP"]["area"] > 0.95


def test_a_run_explains_itself(trained, toy_voc):
    assert {path.name for path in trained.folder.iterdir()} == FILES
    record = trained.record
    assert record["finished"] and record["classes"] == ["disc", "square", "wedge"]
    assert record["data"] == str(toy_voc) and record["left_out"] == []
    assert set(record["thresholds"]) == set(record["classes"])
    written = yaml.safe_load((trained.folder / "config.yaml").read_text())
    assert written["backbone"]["name"] == "stub" and written["scores"]["k"] == "auto"
    assert {"name", "precision", "device", "why"} == set(record["engine"])
    environment = json.loads((trained.folder / "environment.json").read_text())
    assert {"keras", "openvino"} <= set(environment["versions"])
    assert environment["command"]
    history = rows(trained.folder / "history.csv")
    assert list(history[0]) == ["epoch", "loss", "mAP", "learning_rate", "stage"]
    assert [row["epoch"] for row in history] == [
        str(i + 1) for i in range(len(history))
    ]
    best = history[record["best_epoch"] - 1]
    assert float(best["mAP"]) == pytest.approx(trained.metrics["mAP"]["area"])
    split = rows(trained.folder / "split.csv")
    assert len(split) == 16
    assert {"split": "val", "file": "JPEGImages/val_00.jpg"} in split
    found = trained.split_files
    assert len(found["train"]) + len(found["val"]) == 16
    assert "JPEGImages/val_00.jpg" in found["val"]


@pytest.mark.slow
def test_the_same_seed_trains_the_same_head_twice(trained, toy_voc, features, tmp_path):
    again = stub.train(toy_voc, tmp_path / "again", features__store=features)
    other = stub.train(
        toy_voc,
        tmp_path / "other",
        features__store=features,
        seed=1,
        training__epochs=1,
    )
    np.testing.assert_array_equal(weights(again), weights(trained))
    assert again.metrics["mAP"] == trained.metrics["mAP"]
    assert again.record["thresholds"] == trained.record["thresholds"]
    assert np.abs(weights(other) - weights(trained)).max() > 0.01


def test_an_interrupted_run_resumes_to_the_same_head(
    trained, toy_voc, features, tmp_path, monkeypatch
):
    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        stub.interrupt_after(1, patch)
        with pytest.raises(errors.Interrupted) as caught:
            stub.train(toy_voc, folder, features__store=features)
    assert f"midlevel train --resume --run {folder}" in str(caught.value)
    assert caught.value.exit_code == 130
    assert not runs.Run(folder).record["finished"]
    with pytest.raises(
        errors.MidlevelError, match="not finished. Go on with: midlevel"
    ):
        midlevel.load(folder)

    run = midlevel.train(run=folder, resume=True, progress=stub.QUIET)
    np.testing.assert_array_equal(weights(run), weights(trained))
    assert {path.name for path in run.folder.iterdir()} == FILES
    assert rows(folder / "history.csv") == rows(trained.folder / "history.csv")


@pytest.mark.slow
def test_a_run_interrupted_in_its_features_resumes(
    stub_backbone, toy_voc, tmp_path, monkeypatch
):
    """One thread, one photograph at a time, so that it is known what was finished."""
    build, folder = backbones.build, tmp_path / "run"
    monkeypatch.setattr(engines.Engine, "workers", 1)
    monkeypatch.setattr(engines.Engine, "together", 1)

    def interrupted(*arguments):
        return stub.counting(build(*arguments), stop_at=15)

    with monkeypatch.context() as patch:
        patch.setattr(backbones, "build", interrupted)
        with pytest.raises(errors.Interrupted, match="--resume --run"):
            stub.train(toy_voc, folder)
    notes = stub.Notes()
    run = midlevel.train(run=folder, resume=True, progress=notes)
    # Two levels, both views at once: the 15th call is of the eighth photograph.
    assert "features of train: 8 to compute, 14 in the store" in notes.text
    assert run.record["finished"]


def test_an_interruption_before_anything_is_written_names_no_run(
    stub_backbone, toy_voc, tmp_path, monkeypatch
):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(train.reading.datasets, "read", interrupted)
    with pytest.raises(errors.Interrupted, match="nothing is written yet"):
        stub.train(toy_voc, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_resume_is_refused_where_it_has_no_sense(trained, tmp_path, monkeypatch):
    def resume(run, **arguments):
        midlevel.train(run=run, resume=True, progress=stub.QUIET, **arguments)

    with pytest.raises(errors.MidlevelError, match="is not a run of midlevel train"):
        resume(tmp_path)
    begun = runs.Run(tmp_path / "begun")
    begun.begin(trained.config, {"data": "", "folder": "", "classes": []})
    with pytest.raises(errors.MidlevelError, match="the run's own settings: leave out"):
        resume(begun.folder, settings={"seed": 1})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.MidlevelError, match="No unfinished run in runs/train"):
        resume(None)


def begin(toy_voc, folder, features, monkeypatch, epochs=1, **settings):
    """A run that was interrupted after some epochs."""
    with monkeypatch.context() as patch:
        stub.interrupt_after(epochs, patch)
        with pytest.raises(errors.Interrupted):
            stub.train(toy_voc, folder, features__store=features, **settings)


@pytest.mark.slow
def test_the_same_command_goes_on_with_its_run(
    trained, toy_voc, features, tmp_path, monkeypatch
):
    folder, notes = tmp_path / "run", stub.Notes()
    begin(toy_voc, folder, features, monkeypatch)
    settings = {**stub.SETTINGS, "features.store": features}
    run = midlevel.train(toy_voc, run=folder, settings=settings, progress=notes)
    assert f"{folder}: holds this run already, going on" in notes.lines
    assert sum(line.startswith("epoch 1:") for line in notes.lines) == 0
    np.testing.assert_array_equal(weights(run), weights(trained))
    assert run.metrics["mAP"] == trained.metrics["mAP"]

    before = run.head_file.stat().st_mtime_ns
    again = midlevel.train(toy_voc, run=folder, settings=settings, progress=notes)
    assert f"{folder}: is finished, nothing to do" in notes.lines
    resumed = midlevel.train(run=folder, resume=True, progress=stub.QUIET)
    assert again.folder == resumed.folder == run.folder
    assert run.head_file.stat().st_mtime_ns == before


def test_another_command_does_not(trained, toy_voc, features, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    begin(toy_voc, folder, features, monkeypatch)
    why = r"with training.epochs=6, seed=0\. Received: training.epochs=3, seed=2\. Name"
    with pytest.raises(errors.MidlevelError, match=why):
        stub.train(
            toy_voc, folder, features__store=features, seed=2, training__epochs=3
        )
    other = tmp_path / "other"
    shutil.copytree(toy_voc, other)
    with pytest.raises(errors.MidlevelError, match=f"begun with data={toy_voc}. Rec"):
        stub.train(other, folder, features__store=features)
    assert fitting.read_state(runs.Run(folder).checkpoints / "photographs").epoch == 1


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_at_any_file_that_it_writes_a_run_goes_on(
    trained, toy_voc, features, tmp_path, monkeypatch, after
):
    """Killed at its 1st file, then at the 2nd of those still to write, and so on."""
    replace, written, kills = Path.replace, [], 0

    def killed(path, target):
        written.append(target.name)
        if len(written) != kills + 1:
            return replace(path, target)
        if after:
            replace(path, target)
        raise SystemError("killed")

    folder = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        while True:
            written.clear()
            try:
                run = stub.train(toy_voc, folder, features__store=features)
                break
            except SystemError:
                kills += 1
    assert 5 <= kills <= 20
    np.testing.assert_array_equal(weights(run), weights(trained))
    assert {path.name for path in run.folder.iterdir()} == FILES
    assert rows(folder / "history.csv") == rows(trained.folder / "history.csv")
    assert run.metrics["mAP"] == trained.metrics["mAP"]
    for name in ("aggregation", "thresholds", "best_epoch", "features_fingerprint"):
        assert run.record[name] == trained.record[name]
    image = toy_voc / "JPEGImages" / "val_00.jpg"
    found, expected = (midlevel.load(r.folder).predict(image) for r in (run, trained))
    assert found == expected


def test_labels_that_changed_meanwhile_are_not_learned_by_halves(
    toy_voc, features, tmp_path, monkeypatch
):
    data, folder = tmp_path / "data", tmp_path / "run"
    shutil.copytree(toy_voc, data)
    begin(data, folder, features, monkeypatch)
    shutil.copy(data / "Annotations/train_05.xml", data / "Annotations/train_06.xml")
    with pytest.raises(errors.DataError, match="labels have changed since the run in"):
        midlevel.train(run=folder, resume=True, progress=stub.QUIET)


@pytest.mark.slow
def test_what_a_process_left_that_was_killed_as_it_began_is_no_hindrance(
    trained, toy_voc, features, tmp_path
):
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("config.yaml", "split.csv", ".7-0a1b2c3d-run.json", ".lock"):
        (folder / name).write_text("cut off")
    run = stub.train(toy_voc, folder, features__store=features)
    np.testing.assert_array_equal(weights(run), weights(trained))
    assert {path.name for path in run.folder.iterdir()} == FILES


def test_one_process_at_a_time_writes_a_run(toy_voc, features, tmp_path, monkeypatch):
    folder = tmp_path / "run"
    begin(toy_voc, folder, features, monkeypatch)
    with (
        runs.Run(folder).alone(),
        pytest.raises(errors.MidlevelError, match="another process is writing there"),
    ):
        stub.train(toy_voc, folder, features__store=features)
    assert not (folder / ".lock").exists()


def test_a_folder_with_something_in_it_is_not_written_to(toy_voc, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(errors.MidlevelError, match="is not empty and holds no run"):
        stub.train(toy_voc, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_wrong_settings_are_refused_before_a_folder_is_made(toy_voc, tmp_path):
    with pytest.raises(errors.MidlevelError, match="training.epoch: no such setting"):
        stub.train(toy_voc, tmp_path / "run", training__epoch=3)
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def unsplit(tmp_path_factory):
    """Ten photographs in one list, one of which cannot be read."""
    photographs = {}
    for i in range(10):
        image, box = helpers.noise((128, 96), i), (10, 10, 74, 74)
        name = ("square", "disc")[i % 2]
        helpers.draw(image, name, box)
        photographs[f"{i}"] = image, [(name, box, False)]
    folder = helpers.write_voc(
        tmp_path_factory.mktemp("unsplit") / "voc", photographs, {"train": photographs}
    )
    (folder / "JPEGImages" / "3.jpg").write_bytes(b"\xff\xd8 cut off")
    return folder


@pytest.mark.slow
def test_without_a_validation_split_some_of_the_training_split_serves(
    stub_backbone, unsplit, tmp_path
):
    notes = stub.Notes()
    settings = {**stub.SETTINGS, "data.val_fraction": 0.4, "training.epochs": 2}
    run = midlevel.train(
        unsplit, run=tmp_path / "run", settings=settings, progress=notes
    )
    assert "no split 'val': about 40% of each class of 'train' serves" in notes.text
    files = {
        name: [
            row["file"]
            for row in rows(run.folder / "split.csv")
            if row["split"] == name
        ]
        for name in ("train", "val")
    }
    assert not set(files["train"]) & set(files["val"])
    assert len(files["train"]) + len(files["val"]) == 10
    (broken,) = run.record["left_out"]
    readable = [file for file in files["val"] if file not in broken]
    model = midlevel.load(run.folder)
    found = midlevel.evaluate(model, progress=stub.QUIET)
    learned = midlevel.evaluate(model, split="train", progress=stub.QUIET)
    assert found.images == len(readable)
    assert found.images + learned.images == 9
    assert found.mAP == run.metrics["mAP"]


def test_what_cannot_be_read_is_named_counted_and_recorded(
    stub_backbone, unsplit, tmp_path
):
    notes = stub.Notes()
    settings = {**stub.SETTINGS, "training.epochs": 1}
    run = midlevel.train(
        unsplit, run=tmp_path / "run", settings=settings, progress=notes
    )
    (line,) = run.record["left_out"]
    assert line.startswith(f"{unsplit / 'JPEGImages' / '3.jpg'}: ")
    assert line.endswith(": left out") and line in notes.lines
    assert "1 things to mend in the data; the rest goes on" in notes.lines


def test_nothing_to_validate_on_is_refused(stub_backbone, toy_voc, tmp_path):
    list_ = toy_voc / "ImageSets/Main/train.txt"
    folder = tmp_path / "voc"
    folder.mkdir()
    for part in ("JPEGImages", "Annotations"):
        (folder / part).symlink_to(toy_voc / part)
    (folder / "ImageSets/Main").mkdir(parents=True)
    (folder / "ImageSets/Main/train.txt").write_text(list_.read_text())
    (folder / "ImageSets/Main/val.txt").write_text("train_00\n")  # shows nothing
    with pytest.raises(errors.DataError, match="split 'val' shows one of the classes"):
        stub.train(folder, tmp_path / "run")


@pytest.mark.slow
def test_a_run_keeps_the_packaged_backbone_as_it_came(tmp_path):
    image, box = helpers.noise((96, 96)), (0, 0, 80, 80)
    helpers.draw(image, "disc", box)
    photographs = {
        name: (image + i, [("disc", box, False)]) for i, name in ((0, "a"), (1, "b"))
    }
    lists = {"train": ["a"], "val": ["b"]}
    folder = helpers.write_voc(tmp_path / "voc", photographs, lists)

    run = midlevel.train(
        folder,
        run=tmp_path / "run",
        settings={
            "windows.pyramid": [{"scale": 0.7, "sizes": [4, 3]}],
            "features.views": ["original"],
            "head.hidden": [8],
            "training.epochs": 1,
        },
        progress=stub.QUIET,
    )
    assert not run.weights_file.exists()  # they come with midlevel
    model = midlevel.load(run.folder)
    before = backbones.keras_model(backbones.DEFAULT)
    expected = weights_files.fingerprint(before, backbones.DEFAULT)
    assert model.extractor.backbone.fingerprint == expected
    head = heads.load(run.head_file)
    start = heads.build(1280, 1, hidden=[8])
    assert np.abs(head.get_weights()[0] - start.get_weights()[0]).max() > 0


@pytest.mark.slow
def test_a_run_keeps_its_state_until_it_is_finished(
    trained, toy_voc, features, tmp_path, monkeypatch
):
    def fail(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train.results, "write", fail)
        with pytest.raises(errors.Interrupted):
            stub.train(toy_voc, tmp_path / "run", features__store=features)
    run = runs.Run(tmp_path / "run")
    assert fitting.read_state(run.checkpoints / "photographs").finished
    midlevel.train(run=run.folder, resume=True, progress=stub.QUIET)
    np.testing.assert_array_equal(weights(run), weights(trained))
    assert not run.checkpoints.exists()


@pytest.mark.slow
def test_a_resumed_run_keeps_the_split_it_drew(stub_backbone, unsplit, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(unsplit, data)
    settings = {**stub.SETTINGS, "training.epochs": 2}
    folder = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train.results, "write", interrupt)
        with pytest.raises(errors.Interrupted):
            midlevel.train(data, run=folder, settings=settings, progress=stub.QUIET)
    before = (folder / "split.csv").read_text()
    shutil.copy(data / "Annotations/1.xml", data / "Annotations/another.xml")
    shutil.copy(data / "JPEGImages/1.jpg", data / "JPEGImages/another.jpg")
    with (data / "ImageSets/Main/train.txt").open("a") as file:
        file.write("another\n")
    run = midlevel.train(run=folder, resume=True, progress=stub.QUIET)
    assert run.record["finished"] and (folder / "split.csv").read_text() == before


def interrupt(*_):
    raise KeyboardInterrupt


def test_a_run_that_cannot_be_written_is_refused_by_name(stub_backbone, toy_voc):
    with pytest.raises(errors.MidlevelError, match="/dev/null/x: cannot be written"):
        midlevel.train(toy_voc, run="/dev/null/x", settings=stub.SETTINGS)


def test_nothing_is_left_of_a_run_whose_data_cannot_be_used(tmp_path):
    with pytest.raises(errors.DataError):
        midlevel.train(tmp_path / "gone", run=tmp_path / "run", progress=stub.QUIET)
    assert not (tmp_path / "run").exists()


def test_a_damaged_state_says_what_to_delete(stub_backbone, toy_voc, tmp_path):
    folder = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train.results, "write", interrupt)
        with pytest.raises(errors.Interrupted):
            stub.train(toy_voc, folder, training__epochs=1)
    (folder / "checkpoints" / "photographs" / "state.json").write_text("{")
    with pytest.raises(errors.MidlevelError, match="state.json: is damaged: .*Delete"):
        midlevel.train(run=folder, resume=True, progress=stub.QUIET)


def test_training_says_how_many_photographs_show_each_class(toy_voc):
    notes = stub.Notes()
    reading.for_training(toy_voc, config.load(), notes)
    dataset = datasets.read(toy_voc)
    for i, name in enumerate(dataset.classes):
        counts = [
            sum(int(e.targets(len(dataset.classes))[i] == 1) for e in dataset.split(s))
            for s in ("train", "val")
        ]
        assert f"{name} {counts[0]} + {counts[1]}" in notes.text
