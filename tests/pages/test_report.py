import csv
import json
import re
import shutil

import numpy as np
import pytest
import stub

import midlevel
from midlevel import datasets, errors, runs
from midlevel.evaluation import measuring, validation
from midlevel.images import pixels
from midlevel.pages.report import curves, gallery, report_page

HOSTILE = "<b>dis'c\" $x_{"


@pytest.fixture(scope="module")
def model(trained):
    return midlevel.load(trained.folder)


@pytest.fixture(scope="module")
def page(model, tmp_path_factory):
    output = tmp_path_factory.mktemp("report") / "page.html"
    return report_page.report(model, output, stub.QUIET)


@pytest.fixture(scope="module")
def numbers(page):
    return json.loads(page.with_suffix(".json").read_text())


def rows(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_page_stands_alone(page):
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>") and "<script" not in text
    links = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?([^"')\s>]+)""", text)
    assert links
    assert all(link.startswith(("data:image/", "#")) for link in links)
    for name in ("disc", "square", "wedge"):
        assert f"<h3>{name}</h3>" in text


def test_its_numbers_are_those_of_training_and_evaluation(model, numbers):
    found = midlevel.evaluate(model, progress=stub.QUIET)
    for name in ("mAP", "AP"):
        assert numbers[name] == getattr(found, name) == model.run.metrics[name]
    assert numbers["pointing"] == found.pointing
    assert numbers["localisation"] == found.localisation
    assert numbers["calibration"]["error"] == model.run.metrics["calibration_error"]
    assert numbers["photographs"] == {"train": 11, "val": 5}
    assert numbers["windows"] == model.run.metrics["windows"]
    assert list(numbers["windows"]) == ["background", *model.classes]


def test_what_the_page_says_is_in_its_files(page, numbers):
    text = page.read_text(encoding="utf-8")
    for name, row in numbers["classes"].items():
        assert f"<td>{100 * numbers['AP'][name]['area']:.1f}</td>" in text
        assert f"<td>{row['train']}</td><td>{row['val']}</td>" in text
    assert f"{100 * numbers['baseline']['mAP']['area']:.1f}" in text
    assert numbers["pointing"]["rule"].split(":")[0] in text
    corloc = [row["corloc"] for row in numbers["localisation"]["classes"].values()]
    assert all(f"<td>{100 * share:.1f}</td>" in text for share in corloc)
    assert {path.name for path in page.parent.iterdir()} == {
        *("page.html", "page.json", "page-photographs.csv", "page-curves.csv")
    }


def test_each_photograph_has_a_row_with_what_predict_says(page, model, toy_voc):
    found = rows(page.with_name("page-photographs.csv"))
    records = model.predict([toy_voc / row["file"] for row in found])
    assert len(found) == 5
    for row, record in zip(found, records, strict=True):
        for name, score in record["scores"].items():
            assert float(row[f"probability {name}"]) == pytest.approx(score, abs=2e-3)
    assert {row["shows disc"] for row in found} == {"0", "1"}


def test_labels_are_counted_at_the_thresholds(page, model, numbers):
    found = rows(page.with_name("page-photographs.csv"))
    for name, row in numbers["classes"].items():
        given = [
            line
            for line in found
            if float(line[f"probability {name}"]) >= model.thresholds[name] - 1e-6
        ]
        right = sum(line[f"shows {name}"] == "1" for line in given)
        assert row["given"] == len(given)
        assert row["precision"] == pytest.approx(right / len(given))
        assert row["recall"] == pytest.approx(right / row["val"])


def test_curves_are_of_each_class(page, numbers):
    found = rows(page.with_name("page-curves.csv"))
    assert {row["class"] for row in found} == set(numbers["classes"])
    assert list(found[0]) == ["class", "threshold", "precision", "recall"]


def test_the_same_run_gives_the_same_page(page, model, tmp_path):
    again = report_page.report(model, tmp_path / "page.html", stub.QUIET)
    assert again.read_bytes() == page.read_bytes()


def test_each_part_is_measured_where_there_is_a_model_of_the_whole(
    trained, numbers, page, tmp_path
):
    assert numbers["parts"] is None
    assert "windows alone" not in page.read_text(encoding="utf-8")

    model = midlevel.load(stub.with_whole(trained, tmp_path / "run").folder)
    output = report_page.report(model, None, stub.QUIET)
    found = json.loads(output.with_suffix(".json").read_text())
    parts, text = found["parts"], output.read_text(encoding="utf-8")
    assert parts["windows"] == numbers["mAP"]["area"]
    said = f"windows alone {100 * parts['windows']:.1f}, the whole photograph alone"
    both = f"{100 * parts['whole']:.1f}, together {100 * found['mAP']['area']:.1f}"
    assert f"{said} {both}" in text


def test_the_page_says_what_chose(trained, numbers, page, tmp_path):
    text = page.read_text(encoding="utf-8")
    assert numbers["chosen_on"] == "val"
    assert "figures flatter a little" in text and "chose nothing" not in text
    assert f"Dotted: epoch {numbers['best_epoch']}, whose head was kept." in text

    model = midlevel.load(stub.held_out(trained, tmp_path / "run").folder)
    output = report_page.report(model, None, stub.QUIET)
    found = json.loads(output.with_suffix(".json").read_text())
    text = output.read_text(encoding="utf-8")
    assert (found["chosen_on"], found["best_epoch"]) == ("heldout", None)
    assert "flatter" not in text and "These photographs chose nothing" in text
    assert "Dotted: epoch" not in text and "learned from four fifths" in text
    assert "kept apart" not in text


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [
        ({"windows": 2, "photographs": 1}, 4),  # a third of windows came after the best
        ({"windows": 2, "photographs": 0}, 2),
        (None, 2),  # a run of before
    ],
)
def test_the_epoch_that_was_kept_is_told_as_the_history_numbers_it(
    trained, tmp_path, epochs, expected
):
    shutil.copytree(trained.folder, tmp_path / "run")
    run = runs.Run(tmp_path / "run")
    run.update(epochs=epochs or {}, best_epoch=sum((epochs or {"windows": 2}).values()))
    names = ["windows"] * 3 + ["photographs"] * 2
    history = [{"epoch": i, "stage": name} for i, name in enumerate(names, 1)]
    assert measuring._best_epoch(run, history) == expected


def test_the_whole_photograph_alone_is_measured_by_its_own_log_odds():
    targets = np.array([[1], [0], [1], [0]], np.int8)
    windows = np.array([[0.9], [0.1], [0.8], [0.2]])  # all right
    whole = np.array([[2.0], [1.0], [-3.0], [0.0]])  # first, then last of four
    scored = validation.Scored(windows[None], (1.0,), targets, whole)
    found = measuring._parts(scored, 1.0)
    assert found["windows"] == 1
    assert found["whole"] == pytest.approx(0.5 * 1 + 0.5 * 0.5)


def test_settings_that_are_not_the_defaults_are_told(numbers):
    assert numbers["settings"]["backbone.name"] == "stub"
    assert numbers["settings"]["training.epochs"] == 6
    assert "training.optimizer" not in numbers["settings"]
    assert measuring.differing(midlevel.Config()) == {
        "training.learning_rate": None,
        "training.batch": None,
        "training.epochs": None,
    }


def test_training_writes_it_and_names_of_anybody_are_harmless(
    stub_backbone, toy_voc, tmp_path
):
    run = stub.train(
        toy_voc,
        tmp_path / "run",
        report=True,
        training__epochs=1,
        features__views=["original"],
        data__merge={HOSTILE: ["disc"]},
    )
    text = (run.folder / "report.html").read_text(encoding="utf-8")
    assert HOSTILE not in text and "<b>dis" not in text
    assert "&lt;b&gt;dis" in text
    numbers = json.loads((run.folder / "report.json").read_text(encoding="utf-8"))
    assert HOSTILE in numbers["classes"]


@pytest.mark.slow
def test_what_needs_boxes_is_left_out_where_there_are_none(
    stub_backbone, toy_voc, tmp_path
):
    folder = tmp_path / "data"
    shutil.copytree(toy_voc / "JPEGImages", folder / "images")
    for split, photographs in datasets.read(toy_voc).splits.items():
        lines = [f"images/{e.path.name},{e.classes[:1].sum()}" for e in photographs]
        text = "\n".join(["path,label", *(line.replace(",0", ",") for line in lines)])
        (folder / f"{split}.csv").write_text(text)
    run = stub.train(folder, tmp_path / "run", report=True, training__epochs=1)
    text = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "Mistakes in windows" not in text and "would in" not in text
    numbers = json.loads((run.folder / "report.json").read_text())
    assert numbers["pointing"]["mean"] is None and numbers["localisation"] is None
    assert "CorLoc" not in text and "no boxes to point at" in text
    assert numbers["mistakes"]["all"]["sorted"] == 0


@pytest.mark.slow
def test_a_page_that_cannot_be_drawn_costs_no_run(
    stub_backbone, toy_voc, tmp_path, monkeypatch
):
    def broken(*_):
        raise RuntimeError("no ink")

    monkeypatch.setattr(curves, "training", broken)
    notes = stub.Notes()
    settings = {**stub.SETTINGS, "training.epochs": 1, "report": True}
    run = midlevel.train(
        toy_voc, run=tmp_path / "run", settings=settings, progress=notes
    )
    assert run.record["finished"] and not (run.folder / "report.html").exists()
    assert "its report could not be written: no ink" in notes.text
    assert f"midlevel report --model {run.folder}" in notes.text
    assert midlevel.load(run.folder)


def test_a_photograph_that_went_away_is_not_shown(model, monkeypatch):
    prepared = report_page.prepare(model, stub.QUIET)
    validation = measuring.measure(model, prepared).validation

    def gone(path, needed):
        raise errors.ImageError(f"{path}: is gone.")

    assert len(list(gallery.tiles(model, validation, [0, 1], "disc"))) == 2
    monkeypatch.setattr(pixels, "read_enough", gone)
    assert not list(gallery.tiles(model, validation, [0, 1], "disc"))


def test_pictures_are_few_however_many_classes_there_are():
    for classes in (1, 8, 20, 80):
        assert 1 <= gallery.count(classes) <= 4
    assert gallery.count(8) == 4 and gallery.count(80) == 1


def test_a_page_that_cannot_be_written_says_so(model, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.MidlevelError, match="cannot be written.*--output"):
        report_page.report(model, tmp_path / "file" / "page.html", stub.QUIET)


def test_files_of_a_run_that_are_gone_are_named(tmp_path):
    for name, text in (("metrics.json", "{"), ("history.csv", "epoch\none\n")):
        (tmp_path / name).write_text(text)
        with pytest.raises(errors.MidlevelError, match=f"{name}: cannot be read"):
            measuring.read(runs.Run(tmp_path), name)


@pytest.mark.parametrize("name", ["run.html", "metrics.html"])
def test_numbers_of_a_page_take_the_place_of_no_other_file(trained, tmp_path, name):
    run = tmp_path / "run"
    shutil.copytree(trained.folder, run)
    before = (run / name).with_suffix(".json").read_bytes()
    model = midlevel.load(run)
    with pytest.raises(errors.MidlevelError, match="Name another --output"):
        report_page.report(model, run / name, stub.QUIET)
    assert (run / name).with_suffix(".json").read_bytes() == before


def test_a_page_is_named_html(trained, tmp_path):
    with pytest.raises(errors.MidlevelError, match="ends in .html"):
        report_page.report(midlevel.load(trained.folder), tmp_path / "report.json")
