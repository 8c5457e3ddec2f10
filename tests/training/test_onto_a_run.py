"""A new task learned onto a run: the whole way, on the stub."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import stub

import midlevel
from midlevel import datasets, errors, runs
from midlevel.evaluation import overlap
from midlevel.images import pixels
from midlevel.method.calibration import Calibration
from midlevel.networks import heads, tasks
from midlevel.training import earlier

SHARED = ("windows", "backbone", "head")
SETTINGS = {k: v for k, v in stub.SETTINGS.items() if not k.startswith(SHARED)}


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    return str(tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="module")
def onto(toy_voc, features, stub_backbone):
    """Trains onto a run; `settings` have double underscores for dots."""

    def learn(folder, run, data=toy_voc, progress=stub.QUIET, **settings):
        changed = {k.replace("__", "."): v for k, v in settings.items()}
        changed = {**SETTINGS, "features.store": features, **changed}
        return midlevel.train(
            data, run=folder, from_run=run, settings=changed, progress=progress
        )

    return learn


@pytest.fixture(scope="module")
def first(toy_voc, features, stub_backbone, tmp_path_factory):
    """A run that knows squares and discs."""
    return stub.train(
        toy_voc,
        tmp_path_factory.mktemp("first") / "run",
        data__classes=["square", "disc"],
        features__store=features,
    )


@pytest.fixture(scope="module")
def second(first, onto, tmp_path_factory):
    """A run onto it that knows wedges too."""
    return onto(tmp_path_factory.mktemp("second") / "run", first)


def photographs(folder):
    return sorted((folder / "JPEGImages").glob("*.jpg"))


def of_classes(record, names):
    """What a record says of some classes."""
    return {
        "labels": [one for one in record["labels"] if one["name"] in names],
        "scores": {name: record["scores"][name] for name in names},
        "regions": [one for one in record["regions"] if one["name"] in names],
    }


def test_the_run_knows_the_classes_of_both_tasks(first, second):
    model = midlevel.load(second)
    assert model.classes == ("square", "disc", "wedge")
    assert model.tasks == (("square", "disc"), ("wedge",))
    assert model.columns[0] == "none of the classes"
    said = second.record["tasks"]
    assert [task["classes"] for task in said] == [["square", "disc"], ["wedge"]]
    assert said[0]["run"] == second.record["from"] == str(first.folder.resolve())
    assert "tasks" not in first.record


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_the_old_classes_keep_scores_and_records_to_the_bit(
    toy_voc, first, second, engine
):
    before, after = (midlevel.load(run, engine=engine) for run in (first, second))
    for path in photographs(toy_voc):
        image = pixels.read(path)
        old, new = before.windows(image).scores, after.windows(image).scores
        assert np.array_equal(new[:, 1:3], old[:, 1:])
        record = of_classes(before.record(image), before.classes)
        assert of_classes(after.record(image), before.classes) == record


def test_calibration_and_thresholds_of_old_classes_are_kept(first, second):
    for name in ("slopes", "intercepts"):
        old, new = (run.record["calibration"][name] for run in (first, second))
        assert new[:2] == old
    assert second.record["aggregation"] == first.record["aggregation"]
    kept = {name: second.record["thresholds"][name] for name in ("square", "disc")}
    assert kept == first.record["thresholds"]


def test_a_new_task_has_units_of_its_own_unless_told_otherwise(
    first, second, onto, tmp_path
):
    names = {layer.name for layer in heads.load(second.head_file).layers}
    assert second.config.growth.kind == "wa" and "fc7_wider2" in names
    run = onto(tmp_path / "run", first, growth__kind="none")
    assert "fc7_wider2" not in {one.name for one in heads.load(run.head_file).layers}


def test_the_new_class_is_learned_and_all_are_measured(second):
    assert set(second.metrics["AP"]) == {"square", "disc", "wedge"}
    assert all(row["area"] is not None for row in second.metrics["AP"].values())
    assert second.metrics["windows"].keys() == {"background", "wedge"}


def test_it_is_exported_and_reported_as_any_run(second, tmp_path):
    formats = ["keras", "openvino"]
    places = {"output": tmp_path / "exports", "progress": stub.QUIET}
    assert midlevel.export(second, formats=formats, **places)
    midlevel.report(second, output=tmp_path / "report.html", progress=stub.QUIET)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert all(name in text for name in ("square", "disc", "wedge"))
    midlevel.units(second, output=tmp_path / "units", progress=stub.QUIET)


def test_the_run_stands_alone(toy_voc, first, onto, tmp_path):
    copy = shutil.copytree(first.folder, tmp_path / "old")
    run = onto(tmp_path / "new", copy)
    image = photographs(toy_voc)[-1]
    before = midlevel.load(run).predict(image)[0]
    shutil.rmtree(copy)
    assert midlevel.load(run).predict(image)[0] == before
    assert not run.checkpoints.exists()


@pytest.mark.parametrize("kind", ["wa", "da"])
def test_a_third_task_keeps_both(toy_voc, onto, features, tmp_path, kind):
    one = stub.train(
        toy_voc, tmp_path / "1", data__classes=["square"], features__store=features
    )
    two = onto(tmp_path / "2", one, data__classes=["disc"])
    three = onto(tmp_path / "3", two, growth__kind=kind, growth__units=8)
    assert midlevel.load(three).tasks == (("square",), ("disc",), ("wedge",))
    image = pixels.read(photographs(toy_voc)[3])
    found = [midlevel.load(run).windows(image).scores for run in (one, two, three)]
    assert np.array_equal(found[2][:, 1], found[0][:, 1])
    assert np.array_equal(found[2][:, 1:3], found[1][:, 1:])


@pytest.mark.parametrize("boxes_first", [True, False])
def test_labels_alone_and_boxes_may_follow_each_other(
    toy_voc, onto, features, tmp_path, boxes_first
):
    levels = ["box", "image"] if boxes_first else ["image", "box"]
    data = write_labels(shutil.copytree(toy_voc, tmp_path / "data"))
    places = {"box": toy_voc, "image": data}
    one = stub.train(
        places[levels[0]],
        tmp_path / "1",
        data__classes=["square"],
        features__store=features,
    )
    two = onto(tmp_path / "2", one, places[levels[1]], data__classes=["disc"])
    assert [task["level"] for task in two.record["tasks"]] == levels
    image = pixels.read(photographs(toy_voc)[3])
    old, new = (midlevel.load(run).windows(image).scores for run in (one, two))
    assert np.array_equal(new[:, 1], old[:, 1])
    kinds = [heads.has_background(p) for p in tasks.parts(heads.load(two.head_file))]
    assert kinds == [level == "box" for level in levels]


def write_labels(folder):
    """The labels of photographs without their boxes, as a table."""
    dataset, lines = datasets.read(folder), ["filename,label,split"]
    for split, rows in dataset.splits.items():
        for row in rows:
            names = {dataset.classes[i - 1] for i in row.classes}
            lines += [f"{dataset.file(row)},{n},{split}" for n in sorted(names)]
    file = folder / "labels.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def test_fine_tuning_leaves_the_old_classifier(first, onto, tmp_path):
    run = onto(
        tmp_path / "run",
        first,
        growth__learn="fc7",
        tasks__keep="none",
        tasks__steps=3,
    )
    old, new = (heads.load(one.head_file) for one in (first, run))
    for a, b in zip(
        old.get_layer("fcb").get_weights(),
        new.get_layer("fcb").get_weights(),
        strict=True,
    ):
        assert np.array_equal(a, b)
    assert not np.array_equal(
        old.get_layer("fca").get_weights()[0], new.get_layer("fca").get_weights()[0]
    )


def weights(run):
    return heads.load(run.head_file).get_weights()


@pytest.mark.parametrize("stage", ["new", "together"])
def test_an_interrupted_run_goes_on_without_the_old_one(
    first, onto, tmp_path, monkeypatch, stage
):
    settings = {"growth__learn": "fc7", "tasks__steps": 30}
    whole = onto(tmp_path / "whole", first, **settings)
    copy = shutil.copytree(first.folder, tmp_path / "old")
    with monkeypatch.context() as patch:
        interrupt(stage, patch)
        with pytest.raises(errors.Interrupted, match="midlevel train --resume"):
            onto(tmp_path / "run", copy, **settings)
    shutil.rmtree(copy)
    run = midlevel.train(run=tmp_path / "run", resume=True, progress=stub.QUIET)
    assert run.record["finished"]
    for a, b in zip(weights(run), weights(whole), strict=True):
        assert np.array_equal(a, b)


def interrupt(stage, monkeypatch):
    """Ctrl-C after two epochs of a stage, each of which is saved."""
    from midlevel.training import fitting, image_step, together_step

    step = {
        "new": image_step.ImageStep,
        "together": together_step.TogetherStep,
    }[stage]
    begin, calls = step.begin_epoch, []

    def stopping(self, rng):
        calls.append(rng)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return begin(self, rng)

    monkeypatch.setattr(step, "begin_epoch", stopping, raising=False)
    monkeypatch.setattr(fitting, "SAVED_EVERY", 0.0)


def test_what_the_data_does_not_show_is_passed_over_with_a_line(
    first, onto, wedges, tmp_path
):
    run = onto(tmp_path / "run", first, wedges)
    ap = run.metrics["AP"]
    assert ap["wedge"]["area"] is not None
    assert ap["square"]["area"] is ap["disc"]["area"] is None
    notes = stub.Notes()
    found = midlevel.evaluate(run, progress=notes)
    assert "not measured, since no photograph is said to show it" in notes.text
    assert found.AP["square"]["area"] is None
    assert found.mAP["area"] == ap["wedge"]["area"]


@pytest.fixture
def wedges(toy_voc, tmp_path):
    """The toy set with the boxes of wedges alone."""
    folder = tmp_path / "wedges"
    shutil.copytree(toy_voc, folder)
    for file in (folder / "Annotations").glob("*.xml"):
        head, *objects = file.read_text().split("<object>")
        kept = [one.split("</annotation>")[0] for one in objects if "wedge" in one]
        text = "".join(f"<object>{one}" for one in kept)
        file.write_text(f"{head.split('</annotation>')[0]}{text}</annotation>")
    return folder


def test_classes_that_are_known_are_not_learned_again(first, onto, tmp_path):
    notes = stub.Notes()
    run = onto(tmp_path / "run", first, progress=notes)
    assert "learned before, and not again: disc, square" in notes.text
    assert run.record["tasks"][-1]["classes"] == ["wedge"]


BAD = {
    "known": ({"data__classes": ["wedge", "disc"]}, r"Received: disc\. Leave it out"),
    "nothing new": ({"data__ignore_classes": ["wedge"]}, "all learned before"),
    "windows": ({"windows__pyramid": "single"}, "windows.pyramid: the tasks of a run"),
    "backbone": ({"backbone__name": "stub_context"}, "backbone.name: the tasks"),
    "aggregation": ({"scores__aggregation": "max"}, "scores.aggregation: the tasks"),
    "head": ({"head__hidden": [4]}, r"Expected \[16\], as in .*Received: \[4\]"),
    "tail": ({"tail__cut": "stride16"}, "tail.cut: expected none with --from"),
    "below": ({"growth__learn": "fc6"}, "growth.learn=fc6: expected a run whose head"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_is_refused_in_one_line(first, onto, tmp_path, name):
    settings, said = BAD[name]
    with pytest.raises(errors.MidlevelError, match=said) as found:
        onto(tmp_path / "run", first, **settings)
    assert "\n" not in str(found.value)
    assert not (tmp_path / "run" / "run.json").exists()


def test_the_same_value_is_no_contradiction(first, onto, tmp_path):
    onto(tmp_path / "run", first, head__hidden=[16], scores__aggregation="auto")


def test_a_run_must_be_one_finished_and_another(first, onto, tmp_path):
    with pytest.raises(errors.MidlevelError, match="does not exist"):
        onto(tmp_path / "run", tmp_path / "none")
    with pytest.raises(errors.MidlevelError, match="which stays as it is"):
        onto(first.folder, first)
    copy = runs.Run(shutil.copytree(first.folder, tmp_path / "old"))
    copy.update(finished=False)
    with pytest.raises(errors.MidlevelError, match="nothing can be learned onto it"):
        onto(tmp_path / "run", copy)


def test_another_run_or_none_cannot_go_on_with_it(toy_voc, first, onto, tmp_path):
    onto(tmp_path / "run", first)
    other = shutil.copytree(first.folder, tmp_path / "old")
    with pytest.raises(errors.MidlevelError, match="from="):
        onto(tmp_path / "run", other)
    with pytest.raises(errors.MidlevelError, match="--from, or train a new run"):
        midlevel.train(run=tmp_path / "run", from_run=first, resume=True)


def test_growing_needs_a_run(toy_voc, stub_backbone, tmp_path):
    with pytest.raises(errors.MidlevelError, match="growth.kind is for classes that"):
        stub.train(toy_voc, tmp_path / "run", growth__kind="wa")


def test_a_head_of_another_network_is_refused(first, onto, tmp_path):
    copy = runs.Run(shutil.copytree(first.folder, tmp_path / "old"))
    copy.update(features_fingerprint="another")
    with pytest.raises(errors.MidlevelError, match="named with --from was trained"):
        onto(tmp_path / "run", copy)


@pytest.mark.parametrize("old_has", [True, False])
@pytest.mark.parametrize("new_has", [True, False])
def test_a_task_without_a_whole_model_has_noughts(first, tmp_path, old_has, new_has):
    run = first
    if old_has:
        run = stub.with_whole(first, tmp_path / "whole", (0.5, 1))
    from midlevel.method.whole import WholeModel
    from midlevel.prediction import facts

    old = earlier.Earlier(run, facts.read(run, run.record), 1)
    of_new = WholeModel(np.ones((12, 1), np.float32), np.ones(1, np.float32))
    found = old.whole(of_new if new_has else None, (12, 1))
    fitted = old.calibration(Calibration([2.0], [1.0], [3.0] if new_has else ()))
    assert len(fitted.slopes) == 3
    if not old_has and not new_has:
        assert found is None
        assert fitted.whole_slopes == ()
        return
    assert found.weights.shape == (12, 3)
    assert (fitted.whole_slopes[:2] == (0.5, 1)) is old_has
    assert fitted.whole_slopes[2] == (3.0 if new_has else 0.0)
    assert found.weights[:, :2].any() == old_has
    assert found.weights[:, 2].any() == new_has


def test_both_tasks_may_have_a_whole_model(toy_voc, onto, features, tmp_path):
    one = stub.train(
        toy_voc,
        tmp_path / "1",
        data__classes=["square"],
        features__store=features,
        scores__whole=True,
    )
    two = onto(tmp_path / "2", one, data__classes=["disc"], scores__whole=True)
    before, after = midlevel.load(one), midlevel.load(two)
    for path in photographs(toy_voc):
        record = of_classes(before.predict(path)[0], ["square"])
        assert of_classes(after.predict(path)[0], ["square"]) == record


@pytest.mark.data
@pytest.mark.slow
def test_on_photographs_old_records_stay_to_the_bit(voc_animals, tmp_path):
    usual = {
        "image_loss.steps": 8,
        "image_loss.least_steps": 8,
        "report": False,
        "features.views": ["original"],
    }
    split = {"data.train": "val", "data.val": "val", "select": "val"}
    usual |= {**split, "image_loss.epochs": 1}
    one = midlevel.train(
        voc_animals,
        run=tmp_path / "1",
        settings={**usual, "data.classes": ["dog", "cat", "horse"]},
        progress=stub.QUIET,
    )
    two = midlevel.train(
        voc_animals,
        run=tmp_path / "2",
        from_run=one,
        settings={**usual, "data.classes": ["sheep", "cow"]},
        progress=stub.QUIET,
    )
    before, after = midlevel.load(one), midlevel.load(two)
    for path in photographs(voc_animals)[:40]:
        image = pixels.read(path)
        old, new = before.windows(image).scores, after.windows(image).scores
        assert np.array_equal(new[:, 1:4], old[:, 1:])
        record = of_classes(before.record(image), before.classes)
        assert of_classes(after.record(image), before.classes) == record


def test_photographs_that_taught_earlier_classes_are_known(first, onto, tmp_path):
    class Lines(midlevel.Progress):
        said: list[str] = []

        def warn(self, text):
            self.said.append(text)

    # What taught squares and discs is what the new task is measured on.
    run = onto(
        tmp_path / "run",
        first,
        progress=Lines(quiet=True),
        data__train="val",
        data__val="train",
    )
    learned = {path.resolve() for path in overlap.photographs(run)}
    assert {Path(file) for file in run.earlier_files} < learned
    assert len(run.earlier_files) == len(first.split_files["train"])
    (line,) = [line for line in Lines.said if "taught earlier classes" in line]
    assert line.startswith("11 of 11 validation photographs")
    (note,) = overlap.notes(run, "run", sorted(learned)[:1])[:1]
    assert note.startswith("run learned from all 1")


def test_a_task_onto_a_run_of_an_earlier_map_sees_that_map(
    toy_voc, onto, features, tmp_path
):
    first = stub.train(
        toy_voc,
        tmp_path / "first",
        data__classes=["square", "disc"],
        features__store=features,
        backbone__map="colours",
    )
    run = onto(tmp_path / "run", first)
    assert run.config.backbone.map == "colours"
    assert midlevel.load(run).classes == ("square", "disc", "wedge")


def test_a_linear_classifier_shares_no_layers_so_it_is_refused(first, onto, tmp_path):
    with pytest.raises(errors.MidlevelError, match="strategy=linear: expected head"):
        onto(
            tmp_path / "run",
            first,
            strategy="linear",
            **{"head__hidden": [], "image_loss__epochs": 0},
        )


def test_data_that_was_moved_meanwhile_is_gone_on_with(
    first, onto, toy_voc, tmp_path, monkeypatch
):
    here, there = tmp_path / "here", tmp_path / "there"
    shutil.copytree(toy_voc, here)
    with monkeypatch.context() as patch:
        stub.interrupt_after(1, patch)
        with pytest.raises(errors.Interrupted):
            onto(tmp_path / "run", first, data=here)
    shutil.move(here, there)
    run = midlevel.train(there, run=tmp_path / "run", resume=True, progress=stub.QUIET)
    assert midlevel.load(run).classes == ("square", "disc", "wedge")
