import json
import re
import shutil
from dataclasses import replace

import helpers
import numpy as np
import pytest
import stub
from click.testing import CliRunner

import midlevel
from midlevel import datasets, errors
from midlevel.commands.cli import cli
from midlevel.images import pixels, sources
from midlevel.pages import outputs
from midlevel.pages.explain import (
    explain_page,
    explain_pictures,
    odds,
    reasons,
    truth,
)


@pytest.fixture(scope="module")
def model(trained):
    return midlevel.load(trained.folder)


@pytest.fixture(scope="module")
def with_whole(trained, tmp_path_factory):
    """A model that looks at the whole photograph too."""
    place = tmp_path_factory.mktemp("with_whole") / "run"
    return midlevel.load(stub.with_whole(trained, place).folder)


@pytest.fixture
def photographs(toy_voc, tmp_path):
    """Three photographs that are in no data set, the second of which is none."""
    place = tmp_path / "photographs"
    place.mkdir()
    shutil.copy(toy_voc / "JPEGImages" / "val_01.jpg", place / "a.jpg")
    (place / "b.jpg").write_bytes(b"no image")
    shutil.copy(toy_voc / "JPEGImages" / "val_02.jpg", place / "c.jpg")
    return place


def make(model, source, place, progress=stub.QUIET, **options):
    paths = sources.find([source])
    return explain_page.make(
        model, paths, output=place / "out", progress=progress, **options
    )


def looked(model, path, known=None, names=()):
    return explain_pictures.explain_photograph(
        model, known or truth.Truth(), names, path
    )


def mistaken(model, **thresholds):
    """The model with other thresholds: what is right becomes wrong or missed."""
    return replace(model, thresholds={**model.thresholds, **thresholds})


# === Which classes ===


def test_the_labels_are_explained_and_what_was_missed(model):
    names, p = model.classes, np.array([0.9, 0.2, 0.4])
    model = mistaken(model, **dict.fromkeys(names, 0.3))
    verdicts = dict(zip(names, ("right", "missed", "wrong"), strict=True))
    chosen = reasons.chosen(model, p, verdicts, ())
    assert chosen == [names[0], names[2], names[1]]
    nothing = dict.fromkeys(names, "")
    assert reasons.chosen(model, p / 9, nothing, ()) == [names[0]]
    assert reasons.chosen(model, p, nothing, (names[1],) * 2) == [names[1]]


@pytest.mark.parametrize(
    ("threshold", "shown", "expected"),
    [(0, "disc", "right"), (0, "wedge", "wrong"), (1, "disc", "missed")]
    + [(1, "wedge", "absent")],
)
def test_verdicts(model, toy_voc, threshold, shown, expected):
    dataset = datasets.read(toy_voc, model.classes)
    number = dataset.classes.index(shown) + 1
    example = next(
        e
        for e in dataset.split("train")
        if set(e.classes.tolist()) == {number} and not e.difficult.any()
    )
    found = reasons.verdicts(
        mistaken(model, disc=threshold), np.array([0.5, 0.5, 0.5]), example
    )
    assert found["disc"] == expected


def test_difficult_objects_alone_count_neither_way(model, toy_voc):
    examples = datasets.read(toy_voc, model.classes).split("train")
    example = next(e for e in examples if e.path.stem == "train_01")
    found = reasons.verdicts(model, np.ones(3), example)
    assert (found["disc"], found["square"]) == ("difficult", "right")


def test_what_is_really_there_is_counted(model, toy_voc):
    example = datasets.read(toy_voc, model.classes).split("train")[1]
    several = replace(
        example,
        boxes=np.zeros((4, 4), np.float32),
        classes=np.array([2, 1, 2, 2]),
        difficult=np.array([False, False, False, True]),
        unboxed=np.array([3]),
    )
    first, second, third = model.classes
    assert explain_pictures._objects(several, model.classes) == [
        f"2 x {second}",
        first,
        f"{second} (difficult)",
        f"{third} (no box)",
    ]


# === The windows ===


def test_the_strip_is_of_the_best_windows_and_none_lies_much_on_another(model, toy_voc):
    image = pixels.read(toy_voc / "JPEGImages" / "val_01.jpg")
    found = model.windows(image)
    row = reasons.explain_class(model, found, "square", 0.5, "", None)
    column = found.of_class("square")
    assert row.scores[0] == column.max() and (np.diff(row.scores) <= 0).all()
    assert 1 < len(row.windows) <= reasons.TOP
    for i, first in enumerate(row.windows):
        assert all(helpers.slow_iou(first, w) < 0.3 for w in row.windows[i + 1 :])


def test_a_missed_object_was_taken_for_what_the_windows_over_it_say(model, toy_voc):
    path = toy_voc / "JPEGImages" / "val_01.jpg"
    found = model.windows(pixels.read(path))
    known = truth.Truth(datasets.read(toy_voc, model.classes))
    example = known.of(path, found.plan.size_wh)
    taken = reasons.taken_for(model, found, example.boxes[0])
    over = [
        helpers.slow_assign(w, example.boxes, [1], [False], "leave_out", "use") == 1
        for w in found.plan.boxes
    ]
    assert taken.windows == sum(over) > 0
    means = found.scores[over].mean(axis=0)
    names = ("background", *model.classes)
    expected = sorted(zip(means, names, strict=True), reverse=True)[:3]
    assert [name for name, _ in taken.scores] == [name for _, name in expected]
    np.testing.assert_allclose([s for _, s in taken.scores], [m for m, _ in expected])


def test_of_an_object_without_windows_the_nearest_speak(model, toy_voc):
    found = model.windows(pixels.read(toy_voc / "JPEGImages" / "val_01.jpg"))
    taken = reasons.taken_for(model, found, np.array([0, 0, 4, 4], np.float32))
    assert taken.windows == reasons.NEAREST and len(taken.scores) == 3


def test_a_photograph_is_scored_as_predict_scores_it(model, toy_voc):
    path = toy_voc / "JPEGImages" / "val_04.jpg"
    (record,) = model.predict(path)
    found = looked(model, path)
    bars = {bar["name"]: round(bar["probability"], 6) for bar in found.content["bars"]}
    assert bars == pytest.approx(record["scores"], abs=2e-6)
    labels = [label["name"] for label in record["labels"]]
    assert [row["name"] for row in found.content["explained"]] == labels


# === What made the probability ===


def test_windows_whole_photograph_and_start_add_up_to_the_probability(
    with_whole, toy_voc
):
    path = toy_voc / "JPEGImages" / "val_04.jpg"
    found = looked(with_whole, path, names=with_whole.classes).content
    start = with_whole.run.record["calibration"]["intercepts"]
    farthest = 0.0
    for row, intercept in zip(found["explained"], start, strict=True):
        parts = row["parts"]
        assert parts["start"] == intercept
        probability = 1 / (1 + np.exp(-sum(parts.values())))
        assert probability == pytest.approx(row["probability"], abs=1e-6)
        farthest = max(farthest, *map(abs, parts.values()))
    assert found["reach"] == farthest


def test_the_whole_photograph_speaks_for_itself_whatever_the_windows_say(
    with_whole, toy_voc
):
    image = pixels.read(toy_voc / "JPEGImages" / "val_04.jpg")
    found = with_whole.windows(image)
    first = odds.of_class(with_whole, found, "disc")
    silent = odds.of_class(with_whole, replace(found, scores=0 * found.scores), "disc")
    assert silent.whole == first.whole == 0.5 * found.whole[0]
    assert silent.windows < first.windows
    nothing = odds.of_class(with_whole, replace(found, whole=0 * found.whole), "disc")
    assert nothing.whole == 0 and nothing.windows == first.windows


def test_the_page_has_the_parts_where_there_is_a_model_of_the_whole(
    model, with_whole, photographs, tmp_path
):
    text = make(with_whole, photographs / "a.jpg", tmp_path, names=("disc",)).page
    plain = " ".join(text.read_text(encoding="utf-8").split())
    found = looked(with_whole, photographs / "a.jpg", names=("disc",)).content
    (row,) = found["explained"]
    for part in (*row["parts"].values(), sum(row["parts"].values())):
        assert f"{part:+.1f}" in plain
    assert f"in all: a probability of {100 * row['probability']:.1f} %" in plain
    assert "what the windows and the whole photograph add" in plain

    assert looked(model, photographs / "a.jpg").content["explained"][0]["parts"] is None
    text = make(model, photographs / "a.jpg", tmp_path / "old").page
    assert "whole photograph" not in text.read_text(encoding="utf-8")


# === The truth ===


def test_the_truth_is_that_of_the_data_of_the_run(model, toy_voc, photographs):
    own = list((toy_voc / "JPEGImages").iterdir())
    assert all(path in truth.find(model.run, own, None, stub.QUIET) for path in own)
    elsewhere = truth.find(model.run, [photographs / "a.jpg"], None, stub.QUIET)
    assert elsewhere.folder is None and photographs / "a.jpg" not in elsewhere


def test_a_link_to_a_photograph_has_its_truth(model, toy_voc, tmp_path):
    link = tmp_path / "link.jpg"
    link.symlink_to(toy_voc / "JPEGImages" / "val_01.jpg")
    assert link in truth.find(model.run, [link], None, stub.QUIET)


def test_data_that_has_gone_is_said_and_the_rest_goes_on(
    model, photographs, tmp_path, monkeypatch
):
    gone = tmp_path / "photographs"  # where data was, and no data set is now
    run = midlevel.Run(tmp_path)
    monkeypatch.setattr(type(run), "record", {**model.run.record, "data": str(gone)})
    notes = stub.Notes()
    known = truth.find(model.run, [gone / "a.jpg"], None, notes)
    assert known.folder is None and "the true labels cannot be read" in notes.text


def test_data_that_is_named_must_be_usable(model, photographs, tmp_path):
    with pytest.raises(errors.DataError, match="holds no data set"):
        make(model, photographs, tmp_path, data=photographs)
    assert not (tmp_path / "out").exists()


# === Pages ===


def test_a_page_and_pictures_of_photographs_without_truth(model, photographs, tmp_path):
    notes = stub.Notes()
    done = make(model, photographs, tmp_path, notes)
    text = done.page.read_text(encoding="utf-8")
    assert (done.done, len(done.failures)) == (2, 1)
    assert f"failed  {photographs / 'b.jpg'}: " in notes.text
    assert str(photographs / "b.jpg") in text
    names = sorted(path.name for path in done.page.parent.glob("*.png"))
    assert [name[:6] for name in names] == ["0001-a", "0003-c"]
    assert all(f'href="{name}"' in text for name in names)
    assert text.count("is not known") == 2 and "<h2>Labels and truth" not in text
    assert "http" not in text and 'class="badge good"' not in text


def test_right_missed_and_wrong_labels_are_marked(model, toy_voc, tmp_path):
    path = toy_voc / "JPEGImages" / "val_01.jpg"  # a disc
    dataset = datasets.read(toy_voc, model.classes)
    (shown,) = next(e.classes for e in dataset.split("val") if e.path == path)
    name = dataset.classes[shown - 1]
    other = next(n for n in model.classes if n != name)
    assert looked(model, path, truth.Truth(dataset)).verdicts[name] == "right"
    changed = mistaken(model, **{name: 1.0, other: 0.0})
    text = make(changed, path, tmp_path).page.read_text(encoding="utf-8")
    assert f"<h3>{name} " in text and f"<h3>{other} " in text
    plain = " ".join(text.split())
    assert re.search(rf"Missed: the \d+ windows over it say {name} [\d.]+", plain)
    assert re.search(
        rf"Wrong: its best window lies on (no true object|a true {name})", plain
    )
    assert f"It really shows: {name}." in plain
    assert "One scale for these maps" in plain


@pytest.mark.slow
def test_the_page_shows_some_with_mistakes_first_and_pictures_are_of_all(
    model, toy_voc, tmp_path, monkeypatch
):
    monkeypatch.setattr(explain_page, "MOST", 2)
    wrong = mistaken(model, **dict.fromkeys(model.classes, 0.0))
    known = truth.Truth(datasets.read(toy_voc, model.classes))
    paths = sorted((toy_voc / "JPEGImages").glob("val_*.jpg"))
    verdict = {path.name: looked(wrong, path, known).has_mistake for path in paths}
    assert all(verdict.values())
    done = make(wrong, toy_voc / "JPEGImages" / "val_*.jpg", tmp_path)
    text = " ".join(done.page.read_text(encoding="utf-8").split())
    assert "The page shows 2 of 5 photographs, those with wrong or missed" in text
    assert text.count("<section>") == 2
    assert len(list(done.page.parent.glob("*.png"))) == 5 * len(model.classes)


def test_photographs_without_mistakes_make_way(tmp_path, monkeypatch):
    monkeypatch.setattr(explain_page, "MOST", 2)
    work = explain_page._Work(tmp_path, tmp_path, ["cat"])
    for name, verdict in zip(
        "abcd", ("right", "wrong", "right", "missed"), strict=True
    ):
        one = explain_pictures.ExplainedPhotograph(
            tmp_path / name, {"cat": verdict}, {}, {}
        )
        explain_page._take(one, work, stub.QUIET)
    assert [content["name"] for content, _ in work.shown] == ["b", "d"]
    assert work.summary.verdicts["cat"] == {"right": 2, "wrong": 1, "missed": 1}


def test_a_map_without_scores_stays_dark(model, photographs, monkeypatch):
    found = looked(model, photographs / "a.jpg")
    assert found.content["top"] == found.content["peak"] > explain_pictures.DIM
    monkeypatch.setattr(explain_pictures, "DIM", 2.0)
    dark = looked(model, photographs / "a.jpg")
    assert (dark.content["top"], dark.content["peak"]) == (2, found.content["peak"])
    bright = [image.mean() for image in found.pictures.values()]
    assert bright > [image.mean() for image in dark.pictures.values()]


def test_asked_classes_are_explained_and_unknown_ones_refused(
    model, photographs, tmp_path
):
    done = make(model, photographs / "a.jpg", tmp_path, names=("wedge", "disc"))
    names = sorted(path.name for path in done.page.parent.glob("*.png"))
    assert names == ["0001-a-disc.png", "0001-a-wedge.png"]
    with pytest.raises(errors.MidlevelError, match="no class 'cow'; it has: disc, sq"):
        make(model, photographs, tmp_path / "other", names=("cow",))


def test_where_nothing_can_be_read_the_command_fails(model, photographs, tmp_path):
    with pytest.raises(errors.DataError, match="the first: .*b.jpg: "):
        make(model, photographs / "b.jpg", tmp_path)
    assert not (tmp_path / "out" / "index.html").exists()


def test_ctrl_c_leaves_a_page_of_what_there_was(
    model, photographs, tmp_path, monkeypatch
):
    look = explain_pictures.explain_photograph

    def stopping(model, known, names, path):
        if path.name == "c.jpg":
            raise KeyboardInterrupt
        return look(model, known, names, path)

    monkeypatch.setattr(explain_pictures, "explain_photograph", stopping)
    with pytest.raises(errors.Interrupted, match="what was explained is in"):
        make(model, photographs, tmp_path)
    text = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "1 photographs were not looked at" in text


def test_names_of_classes_and_files_are_told_apart():
    assert outputs.slugs(["a/b", "a b", "A B", "é"]) == {
        **{"a/b": "a_b", "a b": "a_b-2", "A B": "A_B-3"},
        "é": "_",
    }


@pytest.mark.parametrize(("options", "code"), [([], 0), (["--fail-on-error"], 4)])
def test_the_command_prints_the_page(trained, photographs, monkeypatch, options, code):
    monkeypatch.chdir(photographs.parent)
    arguments = ["explain", "photographs", "--model", str(trained.folder), *options]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == code, done.output
    assert re.fullmatch(r"runs/explain/[\d-]+/index.html\n", done.stdout)
    (line,) = (line for line in done.stderr.splitlines() if "failed" in line)
    assert "photographs/b.jpg" in line


def test_a_photograph_is_looked_at_the_same_whoever_asks(model, photographs):
    first, again = (looked(model, photographs / "a.jpg") for _ in range(2))
    assert json.dumps(first.content, default=str) == json.dumps(
        again.content, default=str
    )
