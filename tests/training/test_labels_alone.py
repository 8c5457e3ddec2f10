"""Runs that labels of photographs alone have taught, from end to end."""

import csv
import json

import formats
import helpers
import numpy as np
import pytest
import stub

import midlevel
from midlevel import errors, runs
from midlevel.images import pixels
from midlevel.method.aggregation import Aggregation
from midlevel.networks import heads
from midlevel.pages.explain import explain_page
from midlevel.settings import config
from midlevel.training import stages

ALONE = {"labels__level": "image", "image_loss__epochs": 30, "image_loss__batch": 4}
ALONE |= {"image_loss__learning_rate": 0.05, "image_loss__mean_epochs": 2}
ALONE |= {"training__patience": 30}


@pytest.fixture(scope="module")
def alone(stub_backbone, toy_voc, once):
    """A run on the toy set whose boxes are not used."""

    def make(place):
        store = str(place / "features")
        stub.train(toy_voc, place / "run", features__store=store, report=True, **ALONE)

    return runs.Run(once("labels alone", make) / "run")


@pytest.fixture(scope="module")
def model(alone):
    return midlevel.load(alone.folder)


def weights(run):
    return np.concatenate([w.ravel() for w in heads.load(run.head_file).get_weights()])


def rows(run):
    with (run.folder / "history.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_coloured_shapes_are_learned_and_found_without_boxes(alone, model):
    assert alone.metrics["mAP"]["area"] > 0.9
    found = midlevel.evaluate(model, progress=stub.QUIET)
    assert found.mAP == alone.metrics["mAP"]
    assert found.pointing["mean"] > 0.6


def test_a_run_says_what_taught_it(alone):
    assert alone.config.labels.level == "image"
    assert alone.record["aggregation"] == {"how": "lse", "by": 1.0}
    assert set(alone.record["epochs"]) == {"mean", "photographs"}
    assert alone.metrics["windows"] is None
    assert [row["stage"] for row in rows(alone)] == ["mean"] * 2 + ["photographs"] * 30
    assert [int(row["epoch"]) for row in rows(alone)] == list(range(1, 33))


def test_each_class_is_scored_alone_and_column_nought_is_none_of_them(model, toy_voc):
    image = pixels.read(toy_voc / "JPEGImages/val_04.jpg")
    found = model.windows(image).scores
    none = (1 - found[:, 1:].astype(np.float64)).prod(axis=1)
    np.testing.assert_allclose(found[:, 0], none, atol=1e-5)
    assert model.columns == ("none of the classes", "disc", "square", "wedge")
    assert not heads.has_background(heads.load(model.run.head_file))


def test_no_page_speaks_of_background(alone, model, toy_voc, tmp_path):
    report = alone.report.read_text(encoding="utf-8").partition("<body")[2]
    shown = sorted((toy_voc / "JPEGImages").glob("*.jpg"))
    explained = explain_page.make(
        model, shown, output=tmp_path / "explained", progress=stub.QUIET
    )
    text = explained.page.read_text(encoding="utf-8").partition("<body")[2]
    for page in (report, text):
        for word in ("background:", "kind-background", "background_fraction"):
            page = page.replace(word, "")  # of style sheets and settings
        assert "ackground" not in page
    assert "labels of photographs alone" in report
    assert "photographs and their labels alone, and was measured" in report


def test_the_same_labels_in_any_format_are_the_same_run(stub_backbone, tmp_path):
    photographs = {}
    for i in range(12):
        image, name = helpers.noise((128, 96), i), ("square", "disc", "")[i % 3]
        objects = [(name, (10, 10, 74, 74), False)] if name else []
        for name, box, _ in objects:
            helpers.draw(image, name, box)
        photographs[f"{i:02}"] = image, objects
    names = list(photographs)
    lists = {"train": names[:8], "val": names[8:]}
    boxed = helpers.write_voc(tmp_path / "boxed", photographs, lists)
    places = [boxed, *stripped(boxed, tmp_path)]
    settings = {**ALONE, "image_loss__epochs": 3, "select": "heldout"}
    settings["features__store"] = str(tmp_path / "features")
    found = [
        stub.train(place, tmp_path / f"run{i}", **settings)
        for i, place in enumerate(places)
    ]
    for run in found[1:]:
        np.testing.assert_array_equal(weights(run), weights(found[0]))
        assert run.record["thresholds"] == pytest.approx(found[0].record["thresholds"])
        assert run.metrics["mAP"] == found[0].metrics["mAP"]


def stripped(boxed, place):
    """The same photographs with labels alone: folders, a table, COCO without boxes."""
    dataset = midlevel.datasets.read(boxed)
    folders = formats.write_folders(dataset, place / "folders")
    table = place / "table"
    lines = ["path,label,split"]
    for split, examples in dataset.splits.items():
        for row in examples:
            name = formats.copy(row, table)
            shown = [dataset.classes[i - 1] for i in row.classes] or [""]
            lines += [f"{name},{label},{split}" for label in shown]
    (table / "labels.csv").write_text("\n".join(lines))
    coco = formats.write_coco(dataset, place / "coco")
    for file in (coco / "annotations").glob("*.json"):
        content = json.loads(file.read_text())
        for annotation in content["annotations"]:
            del annotation["bbox"]
        file.write_text(json.dumps(content))
    return folders, table, coco


@pytest.mark.parametrize("epochs", [1, 4], ids=["mean", "photographs"])
def test_interrupted_it_goes_on_to_the_same_head(
    alone, toy_voc, tmp_path, monkeypatch, epochs
):
    settings = {**ALONE, "features__store": alone.config.features.store}
    with monkeypatch.context() as patch:
        stub.interrupt_after(epochs, patch)
        with pytest.raises(errors.Interrupted):
            stub.train(toy_voc, tmp_path / "run", **settings)
    run = stub.train(toy_voc, tmp_path / "run", **settings)
    np.testing.assert_array_equal(weights(run), weights(alone))
    assert rows(run) == rows(alone)


@pytest.mark.parametrize(
    "settings, expected",
    [
        ({}, [Aggregation("lse", 1.0)]),
        ({"scores__k": 3.0}, [Aggregation("power", 3.0)]),
        ({"scores__aggregation": "max"}, [Aggregation("max", 0.0)]),
        ({"scores__aggregation": "top", "scores__top": 0.2}, [Aggregation("top", 0.2)]),
        ({"scores__lse": 5.0}, [Aggregation("lse", 5.0)]),
    ],
)
@pytest.mark.parametrize("level", ["box", "image"])
def test_the_settings_say_which_aggregation(settings, expected, level):
    changed = {name.replace("__", "."): value for name, value in settings.items()}
    found = config.load(None, changed).at(level)
    assert list(stages.aggregations(found)) == expected
    assert stages.in_loss(found) == expected[0]


def test_an_exponent_that_is_asked_for_is_chosen_after_labels_alone_taught():
    found = config.load(None, {"scores.aggregation": "power"}).at("image")
    assert len(stages.aggregations(found)) > 1
    assert stages.in_loss(found) == Aggregation("power", 2.0)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["max", "top", "lse"])
def test_every_aggregation_goes_through(alone, toy_voc, tmp_path, how):
    settings = {**ALONE, "features__store": alone.config.features.store}
    settings |= {"scores__aggregation": how, "image_loss__scales": "one"}
    settings |= {"select": "heldout", "scores__whole": True, "report": True}
    run = stub.train(toy_voc, tmp_path / "run", **settings)
    assert run.record["aggregation"]["how"] == how
    assert run.metrics["mAP"]["area"] > 0.7
    found = midlevel.load(run.folder)
    assert found.k is None and found.aggregation.how == how
    assert midlevel.evaluate(found, progress=stub.QUIET).mAP == run.metrics["mAP"]


def test_the_same_command_goes_on_with_a_run_whose_level_was_found(
    stub_backbone, toy_voc, tmp_path
):
    folder = formats.write_folders(midlevel.datasets.read(toy_voc), tmp_path / "set")
    settings = {**stub.SETTINGS, "image_loss.epochs": 1, "image_loss.mean_epochs": 0}
    notes, place = stub.Notes(), tmp_path / "run"
    run = midlevel.train(folder, run=place, settings=settings, progress=notes)
    assert "learns from labels alone" in notes.text
    assert "ackground" not in notes.text
    assert run.config.labels.level == "image"
    assert run.config.image_loss.epochs == 1 and run.config.image_loss.steps
    midlevel.train(folder, run=place, settings=settings, progress=notes)
    assert f"{place}: is finished, nothing to do" in notes.lines
    others = {**settings, "labels.level": "mixed"}
    with pytest.raises(errors.MidlevelError, match="labels.level=image.*level=mixed"):
        midlevel.train(folder, run=place, settings=others, progress=notes)
