import json

import helpers
import numpy as np
import pytest
import stub
import yaml

import midlevel
from midlevel import errors
from midlevel.evaluation import measuring
from midlevel.networks import heads
from midlevel.runs import Run
from midlevel.training import holding_out, stages

HELD_OUT = {"select": "heldout", "scores__whole": True, "image_loss__epochs": 3}
HELD_OUT |= {"training__held_out_fifths": 2, "features__views": ["original"]}


@pytest.fixture(scope="module")
def held_out(stub_backbone, toy_voc, once):
    """A run whose choices were made on held-out photographs, with a whole model."""

    def train(place):
        store = str(place / "features")
        stub.train(
            toy_voc, place / "run", features__store=store, report=True, **HELD_OUT
        )

    return Run(once("held out", train) / "run")


def test_what_is_measured_chose_nothing(held_out):
    found = held_out.metrics["chosen_on"]
    assert found["select"] == held_out.chosen_on == "heldout"
    counts = {name: len(files) for name, files in held_out.split_files.items()}
    # Two of five parts were held out.
    assert 2 <= found["images"] < counts["train"]
    assert held_out.metrics["images"] == counts["val"]
    evaluated = midlevel.evaluate(held_out.folder, progress=stub.QUIET)
    assert evaluated.mAP == held_out.metrics["mAP"]


def test_all_photographs_teach_in_the_end(held_out, trained):
    """As many windows as where the validation split chose, but for the mirror view."""
    learned = held_out.metrics["windows"]
    assert sum(learned.values()) > sum(trained.metrics["windows"].values()) / 3
    assert held_out.record["epochs"] == {"photographs": 3}
    history = measuring.read(held_out, "history.csv")
    assert [row["stage"] for row in history] == ["photographs"] * 3
    assert [row["epoch"] for row in history] == [1, 2, 3]
    assert all(0 <= row["mAP"] <= 1 for row in history)


def test_windows_and_whole_photograph_are_joined(held_out):
    model = midlevel.load(held_out.folder)
    assert model.whole.weights.shape == (12, 3)
    whole_slopes = held_out.record["calibration"]["whole_slopes"]
    assert len(whole_slopes) == 3 and min(whole_slopes) >= 0
    parts = json.loads((held_out.folder / "report.json").read_text())["parts"]
    assert {"windows", "whole"} <= set(parts)


@pytest.mark.slow
def test_interrupted_while_choosing_it_goes_on_to_the_same_run(
    held_out, toy_voc, tmp_path, monkeypatch
):
    fit, calls = stages.fit, []

    def stopping(job, progress):
        calls.append(job)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return fit(job, progress)

    store = held_out.config.features.store
    settings = {"features__store": store, **HELD_OUT}
    with monkeypatch.context() as patch:
        patch.setattr(stages, "fit", stopping)
        with pytest.raises(errors.Interrupted):
            stub.train(toy_voc, tmp_path / "run", **settings)
    run = stub.train(toy_voc, tmp_path / "run", **settings)
    for one, other in zip(
        heads.load(run.head_file).get_weights(),
        heads.load(held_out.head_file).get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)
    assert run.metrics["mAP"] == held_out.metrics["mAP"]
    assert run.record["thresholds"] == held_out.record["thresholds"]


@pytest.mark.slow
def test_too_few_photographs_to_hold_some_out_are_said(
    held_out, toy_voc, tmp_path, monkeypatch
):
    monkeypatch.setattr(holding_out, "LEAST", 1000)
    notes = stub.Notes()
    settings = {**stub.SETTINGS, "select": "heldout", "training.epochs": 1}
    settings["features.store"] = held_out.config.features.store
    settings["features.views"] = ["original"]
    run = midlevel.train(
        toy_voc, run=tmp_path / "run", settings=settings, progress=notes
    )
    assert "too few photographs, or groups of them" in notes.text
    assert run.chosen_on == "val"


def few_objects(folder):
    """Twelve photographs, three of which show something."""
    photographs = {}
    for i in range(12):
        image, box = helpers.noise((128, 96), i), (10, 10, 74, 74)
        boxes = []
        if i < 3:
            helpers.draw(image, "disc", box)
            boxes = [("disc", box, False)]
        photographs[f"{i}"] = image, boxes
    lists = {"train": [f"{i}" for i in range(12)], "val": ["0", "5"]}
    return helpers.write_voc(folder, photographs, lists)


@pytest.mark.slow
def test_parts_that_show_nothing_are_not_held_out(stub_backbone, tmp_path):
    run = stub.train(few_objects(tmp_path / "voc"), tmp_path / "run", select="heldout")
    assert run.record["finished"] and run.chosen_on == "heldout"
    midlevel.load(run.folder)


@pytest.mark.slow
def test_one_group_to_learn_from_is_no_error(stub_backbone, toy_voc, tmp_path):
    run = stub.train(
        toy_voc, tmp_path / "run", select="heldout", data__group_by="folder"
    )
    assert run.chosen_on == "val"


@pytest.mark.slow
def test_mirrored_photographs_alone_may_teach(stub_backbone, toy_voc, tmp_path):
    run = stub.train(
        toy_voc,
        tmp_path / "run",
        select="heldout",
        scores__whole=True,
        features__views=["mirror"],
        training__epochs=1,
    )
    assert run.chosen_on == "heldout"


@pytest.mark.slow
def test_a_run_of_before_is_gone_on_with_as_it_was_begun(held_out, toy_voc, tmp_path):
    folder = tmp_path / "run"
    store = held_out.config.features.store
    stub.train(toy_voc, folder, features__store=store, training__epochs=1)
    path = folder / "config.yaml"
    older = yaml.safe_load(path.read_text())
    del older["select"], older["image_loss"], older["scores"]["whole"]
    del older["labels"]["level"]
    path.write_text(yaml.safe_dump(older))
    config = Run(folder).config
    assert (config.select, config.image_loss.epochs) == ("val", 0)
    assert not config.scores.whole
    assert config.labels.level == "mixed"  # there was no other
