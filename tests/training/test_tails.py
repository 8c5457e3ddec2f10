import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import stub

import midlevel
from midlevel import errors
from midlevel.datasets import reading
from midlevel.features import preparation, trunk_maps
from midlevel.features.extractor import build_extractor
from midlevel.method import pooling
from midlevel.networks import backbones, heads
from midlevel.runs import Run
from midlevel.settings import config
from midlevel.training import tails
from midlevel.training import train as midlevel_train
from midlevel.training.tail_photographs import TailPhotographs

TAIL = {
    **{"tail__cut": "colours", "tail__learning_rate": 1e-3, "tail__steps": 12},
    **{"select": "heldout", "training__held_out_fifths": 1, "image_loss__epochs": 2},
    **{"scores__whole": True, "features__views": ["original"]},
}


@pytest.fixture(scope="module")
def tuned(stub_backbone, toy_voc, once):
    """A run whose backbone learned with its head."""

    def train(place):
        store = str(place / "features")
        stub.train(toy_voc, place / "run", features__store=store, **TAIL)

    return Run(once("tuned", train) / "run")


def kernels(run):
    model = backbones.keras_model("stub", run.weights(run.config.backbone))
    return model.get_layer("differences").get_weights()[0]


def test_the_run_keeps_the_network_that_learned(tuned):
    assert np.abs(kernels(tuned) - stub.DIFFERENCES).max() > 1e-4
    assert not tuned.checkpoints.exists()
    history = (tuned.folder / "history.csv").read_text().splitlines()
    assert (
        sum(line.endswith("tail") for line in history[1:])
        == tuned.record["epochs"]["tail"]
    )


def test_what_is_measured_and_predicted_is_by_that_network(tuned, toy_voc):
    evaluated = midlevel.evaluate(tuned.folder, progress=stub.QUIET)
    assert evaluated.mAP == tuned.metrics["mAP"]
    model = midlevel.load(tuned.folder)
    frozen = backbones.fingerprint_of(backbones.keras_model("stub"), "stub")
    assert model.extractor.backbone.fingerprint != frozen
    assert model.extractor.fingerprint == tuned.record["features_fingerprint"]


@pytest.mark.slow
def test_an_exported_model_has_that_network(tuned, tmp_path, toy_voc):
    exported = midlevel.export(tuned.folder, tmp_path / "out", formats=["keras"])
    assert exported


def test_without_a_cut_the_network_is_as_it_was(trained):
    np.testing.assert_array_equal(kernels(trained), stub.DIFFERENCES[None, None])


@pytest.mark.slow
def test_killed_at_any_file_that_it_writes_it_goes_on_to_the_same_run(
    tuned, toy_voc, tmp_path, monkeypatch
):
    replace, written, kills = Path.replace, [], 0

    def killed(path, target):
        written.append(target.name)
        if len(written) == kills + 1:
            raise SystemError("killed")
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        while True:
            written.clear()
            try:
                store = str(tmp_path / "features")
                run = stub.train(
                    toy_voc, tmp_path / "run", features__store=store, **TAIL
                )
                break
            except SystemError:
                kills += 1
    assert kills > 10
    np.testing.assert_array_equal(kernels(run), kernels(tuned))
    weights = [heads.load(r.head_file).get_weights() for r in (run, tuned)]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert json.dumps(run.metrics["mAP"]) == json.dumps(tuned.metrics["mAP"])


@pytest.mark.slow
def test_labels_alone_teach_a_tail_too(stub_backbone, toy_voc, tmp_path):
    run = stub.train(toy_voc, tmp_path / "run", labels__level="image", **TAIL)
    assert run.metrics["windows"] is None and "tail" in run.record["epochs"]
    assert np.abs(kernels(run) - stub.DIFFERENCES).max() > 1e-4


@pytest.mark.slow
def test_a_network_without_padding_can_be_cut(stub_backbone, toy_voc, tmp_path):
    run = stub.train(
        toy_voc,
        tmp_path / "run",
        backbone__name="stub_context",
        windows__pyramid=[{"scale": 0.6, "sizes": [4, 3]}],
        **TAIL,
    )
    assert 0 <= run.metrics["mAP"]["area"] <= 1


def test_a_tail_that_unlearns_is_warned_about():
    notes = stub.Notes()
    tails.say_gain(0.8, 0.81, notes)
    assert "0.8000 with the frozen network, 0.8100 with its tail" in notes.text
    tails.say_gain(0.8, 0.7, notes)
    assert "unlearned something: lower tail.learning_rate" in notes.text


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"tail.cut": "stride8"},
            "expected one of none, input, before_last",
        ),
        (
            {"tail.cut": "stride16", "backbone.name": "convnext_tiny"},
            "expected one of none, input.",
        ),
        (
            {
                "tail.cut": "input",
                "backbone.name": "onnx",
                "backbone.weights": "a.onnx",
                "backbone.stride": 16,
            },
            "expected none",
        ),
        ({"tail.cut": "stride16", "features.method": "crop"}, "must be dense"),
        ({"tail.cut": "stride16", "image_loss.epochs": 0}, "needs the image loss"),
    ],
)
def test_settings_that_cannot_be_are_told(settings, message):
    with pytest.raises(errors.MidlevelError, match=message):
        config.load(None, settings)


@pytest.mark.slow
def test_boxes_are_in_pixels_once_with_a_tail_too(
    stub_backbone, toy_voc, tmp_path, monkeypatch
):
    """Half the size is stated; one box is so small that it could be scaled twice."""
    data = tmp_path / "data"
    shutil.copytree(toy_voc, data)
    for path in (data / "Annotations").glob("*.xml"):
        halves = re.sub(r">(\d+)<", lambda m: f">{int(m[1]) // 2}<", path.read_text())
        path.write_text(halves)
    small = "<xmin>4</xmin><ymin>4</ymin><xmax>24</xmax><ymax>24</ymax>"
    path = data / "Annotations" / "val_00.xml"
    path.write_text(re.sub(r"<xmin>.*?</ymax>", small, path.read_text()))
    seen = {}
    for name, cut in (("frozen", "none"), ("tuned", "colours")):
        settings = {
            **stub.SETTINGS,
            **{k.replace("__", "."): v for k, v in TAIL.items()},
        }
        settings |= {"tail.cut": cut, "report": True}
        midlevel_train.train(
            data,
            run=tmp_path / name,
            settings=settings,
            progress=stub.QUIET,
            then=lambda run, prepared, progress, name=name: seen.update(
                {name: [e.boxes.tolist() for e in prepared.readable("val")]}
            ),
        )
    assert seen["tuned"] == seen["frozen"]
    assert seen["frozen"][0] == [[6.0, 6.0, 48.0, 48.0]]


def test_cut_at_its_input_a_network_takes_the_levels_of_each_view(
    stub_backbone, toy_voc, tmp_path
):
    chosen = config.load(settings={**stub.SETTINGS, "tail.cut": "input"})
    dataset = reading.for_training(toy_voc, chosen, stub.QUIET)
    views = preparation.views_by_split(chosen, ["original", "mirror"])
    extractor = build_extractor(chosen)
    prepared = preparation.prepare(dataset, views, extractor, tmp_path, stub.QUIET)
    maps = trunk_maps.prepare(prepared, chosen, "imagenet", stub.QUIET)
    network = backbones.keras_model("stub")
    for view in list(prepared.views("train", ["original", "mirror"]))[:4]:
        levels = maps.of(view)
        assert [one.shape[1::-1] for one in levels] == list(view.plan.level_sizes_wh)
        cells = [network(one[None].astype(np.float32)).numpy()[0] for one in levels]
        pooled = pooling.pool(cells, view.plan)
        np.testing.assert_allclose(pooled, view.features, atol=2e-3)
    assert len(list(tmp_path.iterdir())) == 1  # nothing is stored besides


def test_it_sees_two_photographs_at_a_time(stub_backbone, toy_voc, tmp_path):
    settings = {**stub.SETTINGS, "tail.cut": "input", "image_loss.window_loss": 0}
    chosen = config.load(settings=settings)
    dataset = reading.for_training(toy_voc, chosen, stub.QUIET)
    views = preparation.views_by_split(chosen, ["original"])
    extractor = build_extractor(chosen)
    prepared = preparation.prepare(dataset, views, extractor, tmp_path, stub.QUIET)
    maps = trunk_maps.prepare(prepared, chosen, "imagenet", stub.QUIET)
    rows = prepared.views_by_photograph("train", ["original"])
    photographs = TailPhotographs(rows, maps, 3, chosen.image_loss)
    for some in photographs.batches(np.random.default_rng(0), 8):
        sizes = [len(group.targets) for group in some.groups]
        assert max(sizes) <= 2 and sum(sizes) == len(some)
