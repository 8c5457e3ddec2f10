import shutil

import helpers
import numpy as np
import pytest
import stub

import midlevel
from midlevel import datasets, errors
from midlevel.evaluation import evaluate
from midlevel.images import pixels
from midlevel.method import detection, metrics


@pytest.fixture(scope="module")
def model(trained):
    return midlevel.load(trained.folder)


@pytest.fixture(scope="module")
def found(model):
    return midlevel.evaluate(model, progress=stub.QUIET)


def slow_table(model, folder, split):
    """Photograph by photograph from the pixels, then the definition of AP."""
    examples = datasets.read(folder, model.classes).split(split)
    records = model.predict([example.path for example in examples])
    return {
        name: {
            form: helpers.slow_average_precision(
                [record["scores"][name] for record in records],
                [example.targets(len(model.classes))[i] for example in examples],
                form,
            )
            for form in metrics.FORMS
        }
        for i, name in enumerate(model.classes)
    }


@pytest.mark.parametrize("split", ["train", "val"])
def test_the_table_is_what_the_model_scores_photograph_by_photograph(
    model, toy_voc, split
):
    found = midlevel.evaluate(model, split=split, progress=stub.QUIET)
    expected = slow_table(model, toy_voc, split)
    assert list(found.AP) == ["disc", "square", "wedge"]
    for name, row in expected.items():
        assert found.AP[name] == pytest.approx(row)
    for form in metrics.FORMS:
        mean = np.mean([row[form] for row in expected.values()])
        assert found.mAP[form] == pytest.approx(mean)


@pytest.mark.parametrize("mirror", [True, False, None])
def test_the_measured_model_sees_photographs_mirrored_if_asked(
    model, monkeypatch, mirror
):
    both = model.with_mirror(True)
    measured = []
    monkeypatch.setattr(evaluate, "evaluate", lambda one, *_: measured.append(one))
    midlevel.evaluate(both, mirror=mirror)
    assert [one.mirror for one in measured] == [mirror is not False]


def test_mirrored_too_the_table_is_of_what_the_mirrored_model_scores(model, toy_voc):
    found = midlevel.evaluate(model, mirror=True, progress=stub.QUIET)
    expected = slow_table(model.with_mirror(True), toy_voc, "val")
    for name, row in expected.items():
        assert found.AP[name] == pytest.approx(row)


def test_the_validation_split_of_training_is_measured_again(found, trained, toy_voc):
    assert set(found.to_dict()) == {
        *("mAP", "AP", "run", "data", "split", "images", "k", "left_out"),
        *("aggregation", "pointing", "localisation", "interval"),
    }
    assert set(found.mAP) == {"area", "eleven_point", "non_interpolated"}
    assert (found.split, found.images, found.left_out) == ("val", 5, [])
    assert (found.run, found.data) == (str(trained.folder), str(toy_voc))
    assert found.aggregation == trained.record["aggregation"]
    assert found.k is None  # no power mean
    for name in ("mAP", "AP"):
        assert getattr(found, name) == trained.metrics[name]


@pytest.fixture(scope="module")
def lopsided(tmp_path_factory):
    """A split without a wedge; a wedge elsewhere; a file that cannot be read."""
    photographs = {}
    for i, name in enumerate(("square", "disc", "square", "wedge", "disc")):
        image, box = helpers.noise((128, 128), i), (20, 20, 90, 90)
        helpers.draw(image, name, box)
        photographs[f"{i}"] = image, [(name, box, False)]
    lists = {"test": ["0", "1", "2", "4"], "rest": ["3"]}
    place = tmp_path_factory.mktemp("lopsided") / "voc"
    folder = helpers.write_voc(place, photographs, lists)
    (folder / "JPEGImages" / "4.jpg").write_bytes(b"\xff\xd8 cut off")
    return folder


def test_a_class_that_no_photograph_shows_is_out_of_the_mean(model, lopsided):
    found = midlevel.evaluate(model, lopsided, split="test", progress=stub.QUIET)
    assert set(found.AP["wedge"].values()) == {None}
    for form in metrics.FORMS:
        known = [found.AP[name][form] for name in ("disc", "square")]
        assert found.mAP[form] == pytest.approx(np.mean(known))
    (line,) = evaluate.as_table(found).splitlines()[3:4]
    assert line.split() == ["wedge", "-", "-", "-", "-"]


def test_the_interval_of_the_mean_is_the_same_each_time(model, found):
    again = midlevel.evaluate(model, progress=stub.QUIET)
    assert again.interval == found.interval and set(found.interval) == set(found.mAP)
    for form, (low, high) in found.interval.items():
        assert 0 <= low <= found.mAP[form] <= high <= 1


def test_a_photograph_that_cannot_be_read_is_named_and_the_rest_measured(
    model, lopsided
):
    notes = stub.Notes()
    found = midlevel.evaluate(model, lopsided, split="test", progress=notes)
    assert found.images == 3
    (line,) = found.left_out
    assert line.startswith(f"{lopsided / 'JPEGImages' / '4.jpg'}: ")
    assert line.endswith(": left out") and line in notes.lines
    assert "1 things to mend in the data; the rest goes on" in notes.lines


def test_a_split_that_is_not_there_is_refused_with_those_that_are(model, lopsided):
    with pytest.raises(errors.DataError, match=r"'night'; it has: rest \(1\), test"):
        midlevel.evaluate(model, lopsided, split="night", progress=stub.QUIET)


def test_the_table_for_people_is_in_percent(found):
    lines = evaluate.as_table(found).splitlines()
    columns = ["area", "11-point", "non-interpolated", "pointing"]
    assert lines[0].split() == ["AP", "%", *columns]
    values = [f"{100 * found.mAP[form]:.1f}" for form in metrics.FORMS]
    assert lines[4].split() == ["mean", *values, "100.0"]
    assert "5 photographs of split 'val'" in lines[5]
    assert lines[6].startswith(
        "95 % interval of the mean, over photographs drawn again"
    )
    assert lines[8].startswith("pointing: 6 of 6 (6 strictly inside, without the root ")
    places = found.localisation
    ends = [f"{100 * places[key]:.1f}" for key in ("AP50", "AP70", "AP", "corloc")]
    said = "regions: AP50 {}, AP70 {}, AP {}; CorLoc {}, of".format(*ends)
    assert said in "\n".join(lines)


def test_regions_are_those_that_predict_draws(model, toy_voc, found):
    """CorLoc from records: the first region of a class, compared with its boxes."""
    always = model.with_thresholds(0)
    hits = {name: [] for name in model.classes}
    for example in datasets.read(toy_voc, model.classes).split("val"):
        regions = always.record(pixels.read(example.path))["regions"]
        for class_id in np.unique(example.classes[~example.difficult]):
            name = model.classes[class_id - 1]
            best = next(row["bbox"] for row in regions if row["name"] == name)
            box = np.array([*best[:2], best[0] + best[2], best[1] + best[3]])
            objects = example.boxes[example.classes == class_id]
            hits[name].append(detection.is_found(box, objects))
    for name, row in found.localisation["classes"].items():
        assert row["corloc"] == pytest.approx(np.mean(hits[name]))
        assert row["photographs"] == len(hits[name])


def test_where_nothing_has_a_box_one_line_says_so(model, toy_voc, tmp_path):
    shutil.copytree(toy_voc / "JPEGImages", tmp_path / "images")
    examples = datasets.read(toy_voc, model.classes).split("val")
    names = [
        model.classes[e.classes[0] - 1] if len(e.classes) else "" for e in examples
    ]
    lines = [f"images/{e.path.name},{n}" for e, n in zip(examples, names, strict=True)]
    (tmp_path / "val.csv").write_text("\n".join(["path,label", *lines]))
    found = midlevel.evaluate(model, tmp_path, split="val", progress=stub.QUIET)
    assert found.localisation is None and found.pointing["AP"] is None
    lines = str(found).splitlines()
    assert lines[-1] == evaluate.NO_BOXES and "pointing" not in lines[0]
