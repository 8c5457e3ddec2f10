"""Runs that grow for new classes, from photographs to exports."""

import json

import numpy as np
import pytest
import stub

import midlevel
from midlevel import errors
from midlevel.networks import heads, tasks
from midlevel.runs import Run

# A low rate: units that scales make long saturate scores within a step of the stub's,
# and the log-odds of scores near 1 are noise.
QUICK = {
    **{"image_loss__epochs": 2, "image_loss__learning_rate": 1e-3},
    **{"select": "heldout", "training__held_out_fifths": 1},
}
KINDS = ("none", "da", "wa", "dwa", "wwa")


@pytest.fixture(scope="module")
def old(stub_backbone, toy_voc, once):
    """Runs that know squares alone: of one hidden layer, and of two."""

    def train(place):
        for name, hidden in (("one", [16]), ("two", [16, 12])):
            settings = {**QUICK, "data__classes": ["square"], "head__hidden": hidden}
            stub.train(toy_voc, place / name, **settings)

    place = once("old", train)
    return {name: Run(place / name) for name in ("one", "two")}


def grown(old, kind, toy_voc, folder, **settings):
    """A run onto which another grew, and that other; `two`: hidden layers."""
    has_two = settings.pop("two", kind == "wwa")
    source = old["two" if has_two else "one"]
    changed = {
        **stub.SETTINGS,
        **{name.replace("__", "."): value for name, value in QUICK.items()},
        **{"data.classes": ["disc", "wedge"], "growth.kind": kind, **settings},
    }
    del changed["head.hidden"]  # the old run's
    if kind != "none":
        changed["growth.units"] = 8
    run = midlevel.train(
        toy_voc,
        run=folder,
        settings=changed,
        from_run=source.folder,
        progress=stub.QUIET,
    )
    return source, run


def of_task(run, number):
    return tasks.parts(heads.load(run.head_file))[number]


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_grows_and_the_old_classes_keep_their_scores(
    old, toy_voc, tmp_path, kind
):
    source, run = grown(old, kind, toy_voc, tmp_path / "new")
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    before, after = midlevel.load(source.folder), midlevel.load(run.folder)
    assert list(after.classes) == ["square", "disc", "wedge"]
    windows = [model.windows(image) for model in (before, after)]
    scores = [
        model.probabilities(found)[0]
        for model, found in zip((before, after), windows, strict=True)
    ]
    assert scores[0] == scores[1]
    read = {"none": 16, "da": 8, "wa": 16 + 8, "dwa": 8, "wwa": 12 + 8}[kind]
    assert heads.classifier_of(of_task(run, 1)).kernel.shape[0] == read
    x = np.random.default_rng(1).normal(size=(9, 6)).astype(np.float32)
    assert np.array_equal(of_task(run, 0)(x), heads.load(source.head_file)(x))


@pytest.mark.parametrize(
    ("learn", "changes"), [("fc7", ["fca2"]), ("fc6", ["fca", "fca2"])]
)
def test_the_last_layers_learn_as_many_as_were_asked_for(
    old, toy_voc, tmp_path, learn, changes
):
    settings = {"growth.learn": learn, "tasks.steps": 3, "two": True}
    source, run = grown(old, "wa", toy_voc, tmp_path / "new", **settings)
    before, after = heads.load(source.head_file), of_task(run, 0)
    for name in ("fca", "fca2"):
        kernels = [head.get_layer(name).kernel.numpy() for head in (before, after)]
        assert np.array_equal(*kernels) is (name not in changes)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["wa", "dwa"])
def test_an_exported_grown_run_scores_as_the_run_does(old, toy_voc, tmp_path, kind):
    pytest.importorskip("tf2onnx")
    _, run = grown(old, kind, toy_voc, tmp_path / "new")
    formats = ["keras", "onnx", "openvino"]
    midlevel.export(run.folder, tmp_path / "out", formats=formats)  # it compares
    content = json.loads((tmp_path / "out/labels.json").read_text())
    assert content["classes"] == ["square", "disc", "wedge"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"growth.kind": "wwa"}, r"growth\.kind=wwa: expected a run whose head has 2 "),
        (
            {"growth.learn": "fc6"},
            r"growth\.learn=fc6: expected a run whose head has 2",
        ),
    ],
)
def test_a_head_of_one_hidden_layer_has_no_fc6(
    old, toy_voc, tmp_path, settings, message
):
    kind = settings.get("growth.kind", "none")
    with pytest.raises(errors.MidlevelError, match=message):
        grown(old, kind, toy_voc, tmp_path / "new", two=False, **settings)
