import re

import numpy as np
import pytest
import stub

import midlevel
from midlevel import errors
from midlevel.networks import backbones, heads
from midlevel.networks.backbones import table
from midlevel.runs import Run
from midlevel.settings import config as config_
from midlevel.settings.linear import Linear
from midlevel.training import linear, train
from midlevel.training.batches import Batch

LINEAR = {
    **{"select": "heldout", "training__held_out_fifths": 1, "scores__whole": True},
    **{"head__hidden": [], "image_loss__epochs": 0, "linear__c": 1.0},
}
WHOLE = {
    **{"select": "heldout", "training__held_out_fifths": 1, "image_loss__epochs": 2},
    **{"tail__learning_rate": 1e-3, "tail__steps": 9},
}


def dotted(settings):
    return {name.replace("__", "."): value for name, value in settings.items()}


@pytest.fixture(scope="module", params=["softmax", "svm"])
def run(request, stub_backbone, toy_voc, once):
    """A run whose classifier is linear."""
    kind = request.param

    def train(place):
        store = str(place / "features")
        settings = {"strategy": "linear", "linear__kind": kind, **LINEAR}
        stub.train(toy_voc, place / "run", features__store=store, **settings)

    return Run(once(f"linear {kind}", train) / "run")


def test_a_linear_classifier_finds_what_is_to_be_found(run):
    assert run.metrics["mAP"]["area"] > 0.8
    assert run.record["epochs"] == {"linear": 1}
    assert run.metrics["windows"]["background"] > 0


def test_it_is_a_head_without_a_hidden_layer_for_all_that_takes_heads(run, toy_voc):
    head = heads.load(run.head_file)
    assert heads.has_background(head) == (run.config.linear.kind == "softmax")
    assert [layer.name for layer in head.layers].count("fcb") == 1
    evaluated = midlevel.evaluate(run.folder, progress=stub.QUIET)
    assert evaluated.mAP == run.metrics["mAP"]
    model = midlevel.load(run.folder)
    is_softmax = run.config.linear.kind == "softmax"
    assert model.columns[0] == ("background" if is_softmax else "none of the classes")
    record = model.predict(toy_voc / "JPEGImages/val_01.jpg")[0]
    assert set(record["scores"]) == set(run.record["classes"])


def test_scores_are_scikit_learns_own():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(300, 6)).astype(np.float32)
    ids = (vectors[:, :3].argmax(axis=1) + (vectors[:, 3] > 0)).astype(np.int16)
    weights = rng.uniform(0.5, 2, 300).astype(np.float32)
    head = heads.build(6, 3, hidden=(), background=True)
    see = heads.below_last(head)
    batch = Batch(vectors, ids, weights)
    found = linear.of_windows(see, batch, Linear(c=0.3), 3)
    heads.set_last(head, found.weights, found.intercepts)
    theirs = LogisticRegression(C=0.3, max_iter=linear.ITERATIONS)
    theirs.fit(see(vectors), ids, weights)
    expected = theirs.predict_proba(see(vectors))
    np.testing.assert_allclose(head(vectors), expected, atol=1e-5)


def test_margins_are_scikit_learns_own():
    from sklearn.svm import LinearSVC

    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(300, 6)).astype(np.float32)
    ids = (vectors[:, :3].argmax(axis=1) + (vectors[:, 3] > 0)).astype(np.int16)
    head = heads.build(6, 3, hidden=(), background=False)
    see = heads.below_last(head)
    batch = Batch(vectors, ids, np.ones(300, np.float32))
    found = linear.of_windows(see, batch, Linear(kind="svm", c=0.3), 3)
    heads.set_last(head, found.weights, found.intercepts)
    scores = np.asarray(head(vectors))
    for number in range(3):
        theirs = LinearSVC(C=0.3, dual=False, intercept_scaling=linear.BIAS)
        theirs.fit(see(vectors).astype(float), ids == 1 + number)
        margins = theirs.decision_function(see(vectors))
        expected = 1 / (1 + np.exp(-margins))
        np.testing.assert_allclose(scores[:, 1 + number], expected, atol=1e-4)
    np.testing.assert_allclose(
        scores[:, 0], np.prod(1 - scores[:, 1:], axis=1), rtol=1e-5
    )


@pytest.mark.parametrize("kind", ["softmax", "svm"])
def test_a_class_that_no_window_shows_is_hardly_scored(kind):
    vectors = np.random.default_rng(0).normal(size=(60, 6)).astype(np.float32)
    batch = Batch(vectors, (vectors[:, 0] > 0).astype(np.int16) * 2, np.ones(60))
    found = linear.of_windows(lambda x: x, batch, Linear(kind=kind, c=1.0), 3)
    head = heads.build(6, 3, (), normalise="none", background=kind == "softmax")
    heads.set_last(head, found.weights, found.intercepts)
    scores = np.asarray(head(vectors))
    assert scores[:, [1, 3]].max() < 1e-6
    assert (
        scores[vectors[:, 0] > 0.1, 2] > scores[vectors[:, 0] < -0.1, 2].max()
    ).all()


def test_more_windows_than_are_wanted_are_drawn_and_that_is_said(
    stub_backbone, toy_voc, tmp_path
):
    notes = stub.Notes()
    settings = {**stub.SETTINGS, **dotted(LINEAR), "strategy": "linear"}
    settings |= {"linear.windows": 100, "features.views": ["original"]}
    run = midlevel.train(
        toy_voc, run=tmp_path / "run", settings=settings, progress=notes
    )
    assert re.search(r"learns from 100 of \d+ windows", notes.text)
    assert run.metrics["windows"]["background"] > 0


def test_an_interrupted_linear_run_goes_on_to_the_same(
    stub_backbone, toy_voc, tmp_path, monkeypatch
):
    settings = {"strategy": "linear", **LINEAR, "features__views": ["original"]}
    whole = stub.train(toy_voc, tmp_path / "whole", **settings)

    def stopping(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(heads, "set_last", stopping)
        with pytest.raises(errors.Interrupted):
            stub.train(toy_voc, tmp_path / "run", **settings)
    run = midlevel.train(run=tmp_path / "run", resume=True, progress=stub.QUIET)
    learned = [heads.load(one.head_file).get_weights() for one in (run, whole)]
    for one, other in zip(*learned, strict=True):
        np.testing.assert_array_equal(one, other)


def test_labels_alone_teach_no_linear_classifier(stub_backbone, toy_voc, tmp_path):
    settings = {**LINEAR, "strategy": "linear", "labels__level": "image"}
    with pytest.raises(errors.MidlevelError, match="Draw boxes"):
        stub.train(toy_voc, tmp_path / "run", **settings)


@pytest.mark.slow
def test_an_earlier_map_goes_all_the_way(stub_backbone, toy_voc, tmp_path):
    store = tmp_path / "features"
    settings = {**LINEAR, "strategy": "early", "backbone__map": "colours"}
    settings |= {"features__store": str(store), "report": True}
    run = stub.train(toy_voc, tmp_path / "run", **settings)
    model = midlevel.load(run.folder)
    assert model.extractor.backbone.spec.channels == 3
    assert heads.load(run.head_file).input_shape == (None, 3)
    record = model.predict(toy_voc / "JPEGImages/val_01.jpg")[0]
    assert set(record["scores"]) == set(model.classes)
    midlevel.report(run.folder, progress=stub.QUIET)
    midlevel.explain(
        toy_voc / "JPEGImages/val_01.jpg", model=run.folder, output=tmp_path / "page"
    )
    assert midlevel.export(run.folder, tmp_path / "out", formats=["keras"])
    last = stub.train(
        toy_voc,
        tmp_path / "last",
        **{**settings, "strategy": "linear"} | {"backbone__map": "last"},
    )
    assert last.record["features_fingerprint"] != run.record["features_fingerprint"]
    assert len(list(store.iterdir())) == 2  # apart in the store


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["all", "scratch"])
def test_every_layer_learns(stub_backbone, toy_voc, tmp_path, strategy):
    notes = stub.Notes()
    settings = {**stub.SETTINGS, **dotted(WHOLE), "strategy": strategy}
    run = midlevel.train(
        toy_voc, run=tmp_path / "run", settings=settings, progress=notes
    )
    start = {"all": "imagenet", "scratch": "none"}[strategy]
    before, after = (
        backbones.keras_model("stub", weights).get_layer("differences").get_weights()[0]
        for weights in (start, run.weights(run.config.backbone))
    )
    assert np.abs(before - after).max() > 1e-4
    assert "with the frozen network" in notes.text
    assert "on few boxes of a class (" in notes.text
    evaluated = midlevel.evaluate(run.folder, progress=stub.QUIET)
    assert evaluated.mAP == run.metrics["mAP"]


def test_from_scratch_a_packaged_network_has_random_weights(tmp_path):
    config = config_.load(settings={"strategy": "scratch"})
    run = Run(tmp_path / "run")
    extractor = train.kept_extractor(run, config)
    packaged = table.find(config.backbone.name).packaged
    assert extractor.backbone.fingerprint != packaged.fingerprint
    assert run.weights_file.exists()  # so the run is scored with these


def test_weights_that_are_not_there_are_refused_for_a_packaged_network(tmp_path):
    settings = {"backbone.weights": str(tmp_path / "gone.weights.h5")}
    with pytest.raises(errors.MidlevelError, match="gone.weights.h5"):
        train.kept_extractor(Run(tmp_path / "run"), config_.load(settings=settings))
