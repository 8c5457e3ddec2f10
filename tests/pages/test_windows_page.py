import re

import formats
import helpers
import numpy as np
import pytest
import stub
from click.testing import CliRunner

from midlevel import datasets, errors
from midlevel.commands.cli import cli
from midlevel.datasets import reading
from midlevel.features import preparation, store
from midlevel.features.extractor import build_extractor
from midlevel.method import labels, windows
from midlevel.pages.windows import window_counts, window_tally, windows_page
from midlevel.settings import config
from midlevel.settings.geometry import geometry_of
from midlevel.training import labelled_windows

SIZES = ["100 %", "75 %", "50 %", "43 %", "29 %"]


def settings(**changed):
    changed = {name.replace("__", "."): value for name, value in changed.items()}
    return config.load(settings={**stub.SETTINGS, **changed})


def make(source, place, **options):
    chosen = options.pop("config", settings())
    page = windows_page.make(
        source, chosen, output=place / "out", progress=stub.QUIET, **options
    )
    return page.read_text(encoding="utf-8")


def judged(example, chosen, size_wh):
    plan = windows.plan(size_wh, geometry_of(chosen))
    return plan, labels.judge(
        plan.boxes, example, chosen.labels.rules(), chosen.seed, "key"
    )


# === Reasons ===


@pytest.mark.parametrize("difficult", ["leave_out", "use", "ignore"])
@pytest.mark.parametrize("background", ["sample", "weight"])
def test_every_window_has_one_reason_that_agrees_with_its_class(
    stub_backbone, toy_voc, difficult, background
):
    chosen = settings(labels__difficult=difficult, labels__background=background)
    for example in datasets.read(toy_voc).split("train"):
        _, found = judged(example, chosen, (160, 120))
        teaches = np.isin(found.reasons, [labels.OBJECT, labels.WHOLE])
        np.testing.assert_array_equal(found.ids > 0, teaches)
        is_background = found.reasons == labels.NOTHING
        np.testing.assert_array_equal(found.ids == 0, is_background)
        assert set(found.reasons.tolist()) <= set(labels.MEANING)


def test_training_learns_what_is_drawn(stub_backbone, toy_voc, tmp_path):
    chosen = settings()
    dataset = reading.for_training(toy_voc, chosen, stub.QUIET)
    views = {"train": ["original"]}
    prepared = preparation.prepare(
        dataset, views, build_extractor(chosen), tmp_path, stub.QUIET
    )
    for view in prepared.views("train", ["original"]):
        sampled, said = window_tally.sample(view.example, chosen, geometry_of(chosen))
        ids = labelled_windows.label(view, chosen)
        np.testing.assert_array_equal(sampled.judged.ids, ids)
        assert not said


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ([(1, (0, 0, 5, 8), False)], "object"),
        ([(1, (0, 0, 5, 8), False), (2, (5, 0, 10, 8), False)], "several"),
        ([(1, (0, 0, 5, 8), True)], "difficult"),
        ([(1, (0, 0, 5, 8), True), (2, (5, 0, 10, 8), False)], "difficult"),
        ([(1, (0, 0, 2, 2), False)], "nothing"),
        ([], "nothing"),
    ],
)
def test_the_reasons_of_boxes(objects, reason):
    boxes = np.array([box for _, box, _ in objects], np.float32).reshape(-1, 4)
    classes = np.array([name for name, _, _ in objects], int)
    hard = np.array([is_hard for _, _, is_hard in objects], bool)
    window = np.array([[0, 0, 10, 10]], np.float32)
    ids, reasons = labels.by_boxes(window, boxes, classes, hard)
    assert reasons.tolist() == [reason]


def test_a_label_without_a_box_has_its_own_reasons(stub_backbone, toy_voc, tmp_path):
    folder = formats.write_folders(datasets.read(toy_voc), tmp_path / "set")
    examples = datasets.read(folder).split("train")
    example = next(row for row in examples if len(row.unboxed))
    _, found = judged(example, settings(labels__background="weight"), (160, 120))
    assert set(found.reasons.tolist()) == {"whole", "unboxed"}


# === Counts ===


def test_sizes_are_shares_of_the_short_side(stub_backbone):
    geometry = geometry_of(settings())
    assert window_counts.size_names(geometry) == SIZES
    plan = windows.plan((1000, 800), geometry)
    sides = (plan.boxes[:, 3] - plan.boxes[:, 1]) / 800
    shares = np.array([int(name[:-2]) / 100 for name in SIZES])
    numbers = window_counts.size_numbers(plan, geometry)
    np.testing.assert_allclose(sides, shares[numbers], atol=0.005)


@pytest.mark.parametrize("size_wh", [(1, 1), (9, 9), (3000, 20), (20, 3000)])
def test_windows_of_any_photograph_have_a_size(stub_backbone, size_wh):
    geometry = geometry_of(settings())
    plan = windows.plan(size_wh, geometry)
    numbers = window_counts.size_numbers(plan, geometry)
    assert len(numbers) == len(plan) and numbers.max() < len(SIZES)


def test_each_window_is_counted_once(stub_backbone, toy_voc):
    chosen, dataset = settings(), datasets.read(toy_voc)
    for example in dataset.split("train"):
        plan, found = judged(example, chosen, (160, 120))
        numbers = window_counts.size_numbers(plan, geometry_of(chosen))
        counts = window_counts.count(found, numbers, len(SIZES), dataset.classes)
        assert counts.sum() == len(plan)
        np.testing.assert_array_equal(counts.sum(axis=1), np.bincount(numbers))
        for i in range(len(dataset.classes)):
            assert counts[:, i].sum() == (found.ids == i + 1).sum()
        columns = window_counts.columns(dataset.classes)
        for reason in labels.OTHERS:
            of_reason = counts[:, columns.index(reason)]
            assert of_reason.sum() == (found.reasons == reason).sum()


@pytest.mark.parametrize(
    ("objects", "kinds", "text"),
    [
        ([("square", (20, 20, 90, 90), False)], ["teaches"], r"teaches \d+ windows"),
        ([("square", (20, 20, 90, 90), True)], ["difficult"], "labels.difficult is"),
        ([("square", (0, 0, 6, 6), False)], ["small"], "20% is needed"),
        ([("square", (0, 60, 600, 66), False)], ["long"], "60% is needed"),
        (
            [("square", (20, 20, 90, 90), False), ("disc", (20, 20, 90, 90), False)],
            ["shared", "shared"],
            r"another box qualifies for each of its \d+ windows",
        ),
    ],
)
def test_a_box_that_teaches_nothing_has_its_reason(
    stub_backbone, tmp_path, objects, kinds, text
):
    photographs = {"a": (helpers.noise((600, 128)), objects)}
    folder = helpers.write_voc(tmp_path / "voc", photographs, {"train": ["a"]})
    (example,) = datasets.read(folder).split("train")
    chosen = settings()
    plan, found = judged(example, chosen, (600, 128))
    taught = window_counts.of_boxes(plan.boxes, example, found, chosen)
    assert [window_counts.kind(one, chosen) for one in taught] == kinds
    assert re.search(text, window_counts.why(taught[0], chosen))


def test_boxes_are_counted_with_the_photographs(stub_backbone, toy_voc):
    chosen, dataset = settings(), datasets.read(toy_voc)
    tally = window_tally.Tally(dataset, chosen)
    kept = tally.take(dataset.split("train"), {1, 10}, stub.QUIET)
    assert [one.example.path.stem for one in kept] == ["train_01", "train_10"]
    assert tally.photographs == 11
    assert sum(found.total() for found in tally.boxes.values()) == 12
    assert tally.boxes["disc"]["difficult"] == 1


# === Pages ===


def test_a_page_of_a_data_set_shows_some_photographs_and_counts_all(
    stub_backbone, toy_voc, tmp_path
):
    text = make(toy_voc, tmp_path, count=3)
    assert "All 11 photographs" in text
    shown = re.findall(r"<h2>(\w+)\.jpg</h2>", text)
    assert shown == ["train_00", "train_05", "train_10"]
    pictures = sorted(path.name for path in (tmp_path / "out").glob("*.png"))
    assert pictures == ["001-train_00.png", "002-train_05.png", "003-train_10.png"]
    assert all(f'href="{name}"' in text for name in pictures)
    assert "http" not in text.replace("http-equiv", "")
    assert "no box: all is background" in text
    assert "learns wedge; shows one object; wedge: fills" in text


def test_a_page_of_a_photograph_finds_its_boxes(stub_backbone, toy_voc, tmp_path):
    text = make(toy_voc / "JPEGImages" / "train_01.jpg", tmp_path)
    assert "Windows of train_01.jpg" in text and "photographs</h2>" not in text
    assert "disc: teaches nothing: it is difficult" in text
    assert text.count("<figure>") == len(SIZES)


def test_the_boxes_of_a_photograph_may_lie_elsewhere(stub_backbone, toy_voc, tmp_path):
    link = tmp_path / "far" / "a.jpg"
    link.parent.mkdir()
    link.symlink_to(toy_voc / "JPEGImages" / "train_01.jpg")
    assert "square: teaches" in make(link, tmp_path, data=toy_voc)


def test_labels_without_boxes_are_drawn_too(stub_backbone, toy_voc, tmp_path):
    folder = formats.write_folders(datasets.read(toy_voc), tmp_path / "set")
    mixed = settings(labels__level="mixed")
    text = " ".join(make(folder, tmp_path, config=mixed, count=20).split())
    assert "Labels without a box: <span" in text
    assert "learns disc; holds most of a photograph with a label and no box" in text
    assert "<th>no box</th>" in text and "<th>several boxes</th>" not in text


def test_labels_alone_teach_all_windows_together(stub_backbone, toy_voc, tmp_path):
    folder = formats.write_folders(datasets.read(toy_voc), tmp_path / "set")
    text = " ".join(make(folder, tmp_path, count=20).split())
    assert "labels of photographs alone, which teach all their windows together" in text
    assert "<th>all together</th>" in text and "Labels without a box: <span" in text
    for word in (
        "background<",
        "is background",
        "box fits",
        "<h3>Boxes",
        "learns disc",
    ):
        assert word not in text, word


@pytest.mark.parametrize("write", [formats.write_yolo, formats.write_coco])
def test_boxes_of_any_format_are_drawn(stub_backbone, toy_voc, tmp_path, write):
    folder = write(datasets.read(toy_voc), tmp_path / "set")
    text = make(folder, tmp_path, count=2)
    assert text.count("<section>") == 2 and "teaches" in text


def test_a_photograph_in_no_data_set_is_refused_with_what_to_do(
    stub_backbone, tmp_path
):
    helpers.write_photograph(tmp_path / "a" / "b" / "c.jpg", helpers.noise((60, 60)))
    with pytest.raises(errors.DataError, match="Name one with --data"):
        make(tmp_path / "a" / "b" / "c.jpg", tmp_path)
    (tmp_path / "a" / "b" / "c.txt").write_text("no boxes")
    with pytest.raises(errors.DataError, match="Name one with --data"):
        make(tmp_path / "a" / "b" / "c.jpg", tmp_path)
    with pytest.raises(errors.DataError, match="holds no data set in a known format"):
        make(tmp_path / "a" / "b" / "c.jpg", tmp_path, data=tmp_path / "a")
    with pytest.raises(errors.DataError, match="cannot be read: No such file"):
        make(tmp_path / "gone.jpg", tmp_path)


def test_a_photograph_that_cannot_be_read_is_named_and_the_rest_drawn(
    stub_backbone, tmp_path
):
    folder = helpers.write_toy_voc(tmp_path / "voc")
    (folder / "JPEGImages" / "train_00.jpg").write_bytes(b"no image")
    notes = stub.Notes()
    page = windows_page.make(
        folder, settings(), count=2, output=tmp_path / "out", progress=notes
    )
    assert "All 10 photographs" in page.read_text()
    assert str(folder / "JPEGImages" / "train_00.jpg") in notes.text
    assert notes.lines[-1] == "1 things to mend in the data; the rest goes on"


def test_a_photograph_whose_boxes_do_not_fit_is_left_out(stub_backbone, tmp_path):
    folder = helpers.write_toy_voc(tmp_path / "voc")
    xml = folder / "Annotations" / "train_03.xml"  # 160 x 120
    text = xml.read_text().replace("<width>160</width>", "<width>120</width>")
    xml.write_text(text.replace("<height>120</height>", "<height>160</height>"))
    notes, chosen = stub.Notes(), settings()
    tally = window_tally.Tally(datasets.read(folder), chosen)
    tally.take(tally.dataset.split("train"), set(), notes)
    assert tally.photographs == 10 and str(xml) in notes.text


def test_the_draw_is_that_of_training(stub_backbone, toy_voc):
    """The key of a photograph is that of the store."""
    chosen, dataset = settings(), datasets.read(toy_voc)
    example = dataset.split("train")[3]
    sampled, _ = window_tally.sample(example, chosen, geometry_of(chosen))
    key = store.content_key(example.path.read_bytes(), "original")
    expected = labels.judge(
        sampled.plan.boxes, example, chosen.labels.rules(), chosen.seed, key
    )
    np.testing.assert_array_equal(sampled.judged.reasons, expected.reasons)
    assert (expected.reasons == "undrawn").any()


def test_a_folder_that_holds_something_is_not_written_to(
    stub_backbone, toy_voc, tmp_path
):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(errors.MidlevelError, match="is not empty"):
        make(toy_voc, tmp_path)


def test_names_are_escaped(stub_backbone, tmp_path):
    image, box = helpers.noise((128, 128)), (20, 20, 90, 90)
    photographs = {"a": (image, [("<b>&", box, False)])}
    folder = helpers.write_voc(tmp_path / "voc", photographs, {"train": ["a"]})
    text = make(folder / "JPEGImages" / "a.jpg", tmp_path)
    assert "&lt;b&gt;&amp;: teaches" in text and "<b>&" not in text


def test_the_command_prints_the_page(stub_backbone, toy_voc, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["windows", str(toy_voc), "--count", "1", "-q"]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    assert re.fullmatch(r"runs/windows/[\d-]+/index.html\n", done.stdout)
    assert done.stderr == "" and (tmp_path / done.stdout.strip()).exists()
