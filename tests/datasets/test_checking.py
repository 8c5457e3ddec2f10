import json
import tracemalloc

import formats
import helpers
import numpy as np
import pytest
import stub
from click.testing import CliRunner

from midlevel import datasets, errors
from midlevel.commands.cli import cli
from midlevel.datasets import check_output, checking, demo, duplicates
from midlevel.datasets.annotation import FATES, KINDS
from midlevel.images import pixels
from midlevel.settings import config

CAT = ("cat", (2, 2, 12, 12), False)
WRITERS = {
    "coco": formats.write_coco,
    "yolo": formats.write_yolo,
    "csv": formats.write_csv,
    "folders": formats.write_folders,
}
BOXED = ("voc", "coco", "yolo", "csv")


def check(folder, **settings):
    chosen = {f"data.{name}": value for name, value in settings.items()}
    return checking.check(folder, config.load(None, chosen), stub.QUIET)


def told(found):
    """Kind and fate of each problem, in order."""
    return [(problem.kind, problem.fate) for problem in found.problems]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Four photographs to train and two to validate; the last of each shows nothing."""
    shown = {name: [CAT, ("dog", (8, 3, 18, 14), False)] for name in "abc"}
    shown = {**shown, "d": [], "e": [CAT], "f": []}
    photographs = {
        name: (gradient(number), boxes)
        for number, (name, boxes) in enumerate(shown.items())
    }
    lists = {"train": "abcd", "val": "ef"}
    return helpers.write_voc(tmp_path_factory.mktemp("source"), photographs, lists)


def gradient(seed, size_wh=(20, 16)):
    """Something with a look of its own."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return pixels.resize(coarse, size_wh)


@pytest.fixture(params=datasets.FORMATS)
def made(request, source, tmp_path):
    """The name of a format, and `source` in it."""
    if request.param == "voc":
        return request.param, copy_voc(source, tmp_path / "set")
    writer = WRITERS[request.param]
    return request.param, writer(datasets.read(source), tmp_path / "set")


def copy_voc(source, folder):
    for path in (path for path in source.rglob("*") if path.is_file()):
        to = folder / path.relative_to(source)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(path.read_bytes())
    return folder


def photograph(folder, name):
    """Where a photograph went."""
    (path,) = folder.rglob(f"{name}.jpg")
    return path


# === What is there ===


def test_good_data_has_counts_and_no_problems(made):
    form, folder = made
    found = check(folder)
    assert found.problems == () and not found.drawn
    dogs = 0 if form == "folders" else 3
    shown = {"cat": 3, "dog": dogs} if dogs else {"cat": 3}
    train = {"photographs": 4, "background": 1, "classes": shown}
    assert found.counts["train"] == train | {"not_said": {}}
    assert found.counts["val"]["classes"]["cat"] == 1


def test_where_there_is_no_validation_split_one_is_drawn_as_training_would(tmp_path):
    photographs = {f"{i}": (gradient(i), [CAT]) for i in range(10)}
    found = check(helpers.write_voc(tmp_path, photographs), val_fraction=0.3)
    assert found.drawn and not found.problems
    counts = {split: of["photographs"] for split, of in found.counts.items()}
    assert counts == {"train": 7, "val": 3}
    assert "training would draw this one" in check_output.as_table(found)


def test_data_to_measure_on_alone_can_be_checked(tmp_path):
    folder = helpers.write_voc(tmp_path, {"a": (gradient(0), [CAT])}, {"test": "a"})
    found = check(folder)
    assert found.problems == () and list(found.counts) == ["test"] and not found.drawn


def test_names_that_were_not_asked_for_are_shown_with_counts(source):
    found = check(source, classes=["cat"])
    assert found.dataset.ignored == {"dog": 3} and not found.problems
    assert "so taken as background: dog 3" in check_output.as_table(found)
    assert found.counts["train"]["background"] == 1
    assert check(source, ignore_classes=["dog"]).dataset.ignored == {"dog": 3}
    with pytest.raises(errors.DataError, match=r"named cow \(data.classes\)"):
        check(source, classes=["cow"])


# === Photographs ===


@pytest.mark.parametrize(
    ("cut", "text"), [(0, "is empty"), (0.6, "cut off"), (None, "not an image")]
)
def test_a_photograph_that_cannot_be_read_is_named_and_not_counted(made, cut, text):
    form, folder = made
    path = photograph(folder, "b")
    data = path.read_bytes()
    path.write_bytes(b"<html>" * 9 if cut is None else data[: int(len(data) * cut)])
    found = check(folder)
    (problem,) = found.problems
    assert (problem.file, problem.kind) == (path, "photograph")
    assert problem.fate == "left out" and text in problem.text
    assert str(path) not in problem.text
    assert found.counts["train"]["photographs"] == 3


@pytest.mark.parametrize("form", ["voc", "coco", "csv"])
def test_a_missing_photograph_is_named_by_its_annotation(source, tmp_path, form):
    folder = written(form, source, tmp_path)
    photograph(folder, "b").unlink()
    (problem,) = check(folder).problems
    assert problem.kind in ("photograph", "annotation") and problem.fate == "left out"
    assert "its photograph is missing; expected " in problem.text


def written(form, source, tmp_path):
    if form == "voc":
        return copy_voc(source, tmp_path / "set")
    return WRITERS[form](datasets.read(source), tmp_path / "set")


# === Boxes ===


def stated_size(form, source, tmp_path, size_wh):
    """`a` as a photograph of another size than is stated; other boxes fit."""
    folder = written(form, source, tmp_path)
    helpers.write_photograph(photograph(folder, "a"), gradient(0, size_wh))
    return folder


@pytest.mark.parametrize("form", ["voc", "coco"])
def test_sides_stated_lying_down_leave_the_photograph_out(source, tmp_path, form):
    found = check(stated_size(form, source, tmp_path, (16, 20)))
    assert told(found)[0] == ("size", "left out")
    assert "its boxes seem drawn on it lying down" in found.problems[0].text
    assert found.counts["train"]["photographs"] == 3


@pytest.mark.parametrize("form", ["voc", "coco"])
def test_another_size_is_told_and_boxes_that_reach_out_are_clipped(
    source, tmp_path, form
):
    found = check(stated_size(form, source, tmp_path, (15, 16)))
    assert told(found) == [("size", "kept"), ("box", "clipped")]
    (row,) = [r for r in found.dataset.split("train") if r.path.stem == "a"]
    assert row.boxes[:, 2].max() == 15


def voc_of(tmp_path, *boxes):
    objects = [("cat", box, False) for box in boxes]
    image = gradient(0)
    return helpers.write_voc(tmp_path, {"a": (image, objects)}, {"train": "a"})


def coco_of(tmp_path, *boxes):
    formats.photographs(tmp_path, "a.jpg")
    annotations = [
        {"image_id": 1, "category_id": 1, "bbox": [x, y, right - x, bottom - y]}
        for x, y, right, bottom in boxes
    ]
    whole = {
        "images": [{"id": 1, "file_name": "a.jpg"}],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "cat"}],
    }
    (tmp_path / "train.json").write_text(json.dumps(whole))
    return tmp_path


def yolo_of(tmp_path, *boxes):
    formats.photographs(tmp_path / "images/train", "a.jpg")
    (tmp_path / "labels/train").mkdir(parents=True)
    lines = [
        f"0 {(x + r) / 40} {(y + b) / 32} {(r - x) / 20} {(b - y) / 16}\n"
        for x, y, r, b in boxes
    ]
    (tmp_path / "labels/train/a.txt").write_text("".join(lines))
    (tmp_path / "data.yaml").write_text("{train: images/train, names: [cat]}")
    return tmp_path


def csv_of(tmp_path, *boxes):
    formats.photographs(tmp_path, "a.jpg")
    lines = [",".join(map(str, ("a.jpg", *box, "cat"))) for box in boxes]
    (tmp_path / "train.csv").write_text("\n".join([",".join(formats.CORNERS), *lines]))
    return tmp_path


MAKERS = {"voc": voc_of, "coco": coco_of, "yolo": yolo_of, "csv": csv_of}
GOOD = (2, 2, 9, 9)


BROKEN = [
    ((12, 3, 4, 10), "swapped", [4, 3, 12, 10]),
    ((5, 5, 5, 9), "dropped", None),
    (GOOD, "dropped", None),  # there twice
    ((10, 4, 26, 12), "clipped", [10, 4, 20, 12]),
    ((25, 4, 30, 12), "dropped", None),
]
CASES = [
    (form, *row)
    for form in BOXED
    for row in BROKEN[2 if form == "voc" else 0 :]  # which counts pixels from 1
]


@pytest.mark.parametrize(("form", "box", "fate", "mended"), CASES)
def test_a_broken_box_is_named_with_its_line_and_mended(
    tmp_path, form, box, fate, mended
):
    found = check(MAKERS[form](tmp_path, GOOD, box))
    (problem,) = found.problems
    assert (problem.kind, problem.fate) == ("box", fate)
    assert problem.line == {"voc": 1, "yolo": 2, "csv": 3}.get(form)
    (row,) = found.dataset.split("train")
    expected = [[*GOOD], *([mended] if mended else [])]
    assert row.boxes.round(3).tolist() == expected


@pytest.mark.parametrize("form", BOXED)
def test_a_photograph_whose_boxes_are_all_dropped_is_not_background(tmp_path, form):
    folder = MAKERS[form](tmp_path, (25, 4, 30, 12))
    found = check(folder)
    expected = [("box", "dropped"), ("photograph", "left out")]
    assert told(found) == [*expected, ("untaught", "left out")]
    assert found.counts["train"] == {
        "photographs": 0,
        "background": 0,
        "classes": {"cat": 0},
        "not_said": {},
    }


def test_a_photograph_has_the_boxes_of_each_split_that_lists_it(tmp_path):
    formats.photographs(tmp_path, "a.jpg")
    (tmp_path / "train.csv").write_text("a.jpg,1,1,9,9,cat\n")
    (tmp_path / "test.csv").write_text("a.jpg,1,1,9,9,cat\na.jpg,2,2,8,8,dog\n")
    found = check(tmp_path)
    assert found.counts["train"]["classes"] == {"cat": 1, "dog": 0}
    assert found.counts["test"]["classes"] == {"cat": 1, "dog": 1}


# === Duplicates ===


def voc_with(tmp_path, photographs, lists):
    made = {name: (image, [CAT]) for name, image in photographs.items()}
    return helpers.write_voc(tmp_path, made, lists)


def duplicates_of(found):
    problems = [p for p in found.problems if p.kind != "untaught"]  # a tiny cat
    assert {(p.kind, p.fate) for p in problems} <= {("duplicate", "kept")}
    return [(problem.file.stem, problem.text) for problem in problems]


def test_copies_are_named_within_a_split_and_across(tmp_path):
    one = gradient(1)
    pictures = {"a": one, "b": one, "c": gradient(2), "d": one}
    folder = voc_with(tmp_path, pictures, {"train": "abc", "val": "d"})
    assert duplicates_of(check(folder)) == [
        ("b", "is the same photograph as JPEGImages/a.jpg"),
        (
            "d",
            "is the same photograph as JPEGImages/a.jpg, one in 'train', one in 'val'",
        ),
    ]


def test_a_photograph_listed_in_two_splits_is_named(tmp_path):
    pictures = {name: gradient(i) for i, name in enumerate("abc")}
    folder = voc_with(tmp_path, pictures, {"train": "ab", "val": "bc"})
    assert duplicates_of(check(folder)) == [("b", "is in 'train' and in 'val'")]


def test_lists_made_of_others_are_not_compared_with_their_parts(tmp_path):
    pictures = {name: gradient(i) for i, name in enumerate("abcd")}
    lists = {"train": "ab", "val": "c", "trainval": "abc", "few": "a", "test": "ad"}
    folder = voc_with(tmp_path, pictures, lists)
    assert duplicates_of(check(folder)) == [("a", "is in 'train' and in 'test'")]
    within = check(folder, train="trainval", val="few")
    assert ("a", "is in 'trainval' and in 'few'") in duplicates_of(within)


@pytest.mark.parametrize(
    "change",
    [
        lambda image: pixels.resize(image, (100, 80)),
        lambda image: np.clip(image.astype(int) + 12, 0, 255).astype(np.uint8),
        lambda image: image[1:, 1:],
    ],
)
def test_photographs_that_look_nearly_alike_are_named_across_splits(tmp_path, change):
    before = gradient(1, (120, 96))
    pictures = {"a": before, "b": gradient(2, (120, 96)), "c": change(before)}
    folder = voc_with(tmp_path, pictures, {"train": "ab", "val": "c"})
    ((file, text),) = duplicates_of(check(folder))
    assert file == "c" and text.startswith("looks nearly the same as JPEGImages/a.jpg")
    lists = {"train": "abc", "val": ""}
    assert duplicates_of(check(voc_with(tmp_path, pictures, lists), train="val")) == []


def test_photographs_of_nothing_do_not_look_alike(tmp_path):
    flat = [np.full((16, 20, 3), level, np.uint8) for level in (10, 90, 200)]
    pictures = dict(zip("abc", flat, strict=True))
    folder = voc_with(tmp_path, pictures, {"train": "ab", "val": "c"})
    assert duplicates_of(check(folder)) == []


def test_real_photographs_do_not_look_alike():
    assert check(demo.folder()).problems == ()


def test_the_nearest_look_is_found_for_each_of_many(monkeypatch):
    monkeypatch.setattr(duplicates, "AT_ONCE", 7)  # in many parts
    rng = np.random.default_rng(0)
    looks = list(rng.integers(0, 2**63, (5, 2), np.uint64))
    others = [looks[3] ^ np.uint64(1), looks[0], ~looks[0], looks[4]]
    assert duplicates.nearest(looks, others) == [3, 0, None, 4]
    assert duplicates.nearest([], others) == [None] * 4
    assert duplicates.nearest(looks, []) == []


# === Memory ===


def test_few_photographs_are_in_memory_at_a_time(tmp_path):
    side, count = 1000, 24  # 3 MB of pixels each, PNG, so decoded whole
    for number in range(count):
        image = np.full((side, side, 3), 10 * number, np.uint8)
        path = tmp_path / f"{number}.png"
        path.write_bytes(pixels.cv2.imencode(".png", image)[1].tobytes())
    lines = [f"{number}.png,cat" for number in range(count)]
    (tmp_path / "train.csv").write_text("\n".join(lines))
    tracemalloc.start()
    try:
        found = check(tmp_path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(of["photographs"] for of in found.counts.values()) == count
    assert peak < count * 3 * side**2 / 2


# === What a person sees ===


def called(*arguments):
    return CliRunner().invoke(cli, ["check", "-q", *map(str, arguments)])


def test_the_command_leaves_with_0_or_3(source, tmp_path):
    done = called(source)
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    assert done.stdout.endswith("\n\nNothing is wrong.\n")
    done = called(csv_of(tmp_path, GOOD, (12, 3, 4, 10)))
    assert (done.exit_code, done.stderr) == (3, ""), done.output
    done = called(tmp_path / "nowhere")
    assert done.exit_code == 3 and done.stderr.startswith("midlevel: ")


def test_few_problems_are_each_a_line(tmp_path):
    folder = csv_of(tmp_path, GOOD, (12, 3, 4, 10), (10, 4, 26, 12))
    text = called(folder).stdout.partition("\n\n")[2]
    assert text == (
        "                   train\n"
        "photographs            1\n"
        "without an object      0\n"
        "cat                    1\n"
        "\n"
        "Fewer than 10 photographs to learn from: cat 1\n"
        "\n"
        "boxes that are inverted, empty, outside or there twice, swapped: 1\n"
        f"  {folder}/train.csv:3: box 2 (cat) (12, 3, 4, 10): is inverted\n"
        "\n"
        "boxes that are inverted, empty, outside or there twice, clipped: 1\n"
        f"  {folder}/train.csv:4: box (10, 4, 26, 12) reaches out of the photograph of "
        "20 x 16 pixels\n"
        "\n"
        "Problems: 2, in 1 files.\n"
    )


def test_many_problems_are_counted_and_all_can_be_asked_for(tmp_path):
    alike = ["a.jpg,1,2,cat"] * 3000
    different = [f"a.jpg,9,{i},2,20,cat" for i in range(100)]
    formats.photographs(tmp_path, "a.jpg")
    rows = [",".join(formats.CORNERS), *alike, *different]
    (tmp_path / "train.csv").write_text("\n".join(rows))
    lines = called(tmp_path).stdout.splitlines()
    assert len(lines) < 60 and max(map(len, lines)) < 250
    assert "annotations that cannot be read, left out: 3,000" in lines
    file = tmp_path / "train.csv"
    text = f"  {file}:2: expected 6 cells. Received: 4 (and 2,999 more like it)"
    assert text in lines and "  ..." in lines
    assert lines[-1].endswith("in 1 files. Add --all to list every one.")
    everything = called(tmp_path, "--all").stdout.splitlines()
    assert len(everything) > 3190 and "--all" not in everything[-1]
    assert len(json.loads(called(tmp_path, "--json").stdout)["problems"]) > 3190


def test_names_do_nothing_to_a_terminal_and_wide_ones_line_up(tmp_path):
    formats.photographs(tmp_path, "a.jpg")
    names = ["\x1b[2J", "猫", "dog"]
    rows = [f"a.jpg,{i},2,9,9,{name}" for i, name in enumerate(names)]
    (tmp_path / "train.csv").write_text("\n".join([",".join(formats.CORNERS), *rows]))
    lines = called(tmp_path).stdout.splitlines()
    assert "\x1b" not in "".join(lines)
    assert {"\\x1b[2J                1", "猫                     1"} < set(lines)


def test_json_has_everything(tmp_path):
    folder = yolo_of(tmp_path, GOOD, (12, 3, 4, 10))
    done = called(folder, "--json")
    assert done.exit_code == 3
    found = json.loads(done.stdout)
    (problem,) = found.pop("problems")
    assert found == {
        "schema": "midlevel-check/1",
        "data": folder.as_posix(),
        "format": "yolo",
        "classes": ["cat"],
        "counts": {
            "train": {
                **{"photographs": 1, "background": 0},
                **{"classes": {"cat": 1}, "not_said": {}},
            }
        },
        "drawn": False,
        "ignored": {},
    }
    assert problem.pop("text").startswith("box 2 (cat) ")
    assert problem == {
        "file": f"{folder.as_posix()}/labels/train/a.txt",
        "line": 2,
        "kind": "box",
        "fate": "swapped",
    }
    assert problem["kind"] in KINDS and problem["fate"] in FATES


def test_a_format_and_settings_may_be_given(source, tmp_path):
    (tmp_path / "some.yaml").write_text("data: {classes: [cat]}")
    done = called(source, "--config", tmp_path / "some.yaml", "--json")
    assert json.loads(done.stdout)["ignored"] == {"dog": 3}
    done = called(source, "--set", "data.merge={pet: [cat, dog]}", "--json")
    assert json.loads(done.stdout)["classes"] == ["pet"]
    done = called(source, "--format", "yolo")
    assert done.exit_code == 3 and "holds no YOLO data" in done.stderr


# === Nothing that can be used ===


def test_data_with_nothing_usable_has_all_its_problems_told(tmp_path):
    folder = csv_of(tmp_path, (3, 3, 3, 9), (4, 4, 9, 4))
    result = called(folder)
    assert result.exit_code == errors.DataError.exit_code
    assert "train.csv:2: box 1" in result.stdout
    assert "train.csv:3: box 2" in result.stdout
    assert "none of its 2 boxes is left" in result.stdout
    assert "Problems: 3" in result.stdout
    content = json.loads(called(folder, "--json").stdout)
    assert (content["format"], content["classes"]) == ("csv", [])
    assert len(content["problems"]) == 3
    missing = called(tmp_path / "nowhere")
    assert missing.exit_code and not missing.stdout


def test_alike_boxes_of_two_classes_outside_are_two_problems(tmp_path):
    out = (30, 30, 40, 40)
    shown = [CAT, ("dog", out, False), ("cow", out, False)]
    lists = {"train": ["a"], "val": ["a"]}
    folder = helpers.write_voc(tmp_path, {"a": (gradient(0), shown)}, lists)
    dropped = [problem for problem in check(folder).problems if problem.kind == "box"]
    assert len(dropped) == 2 and dropped[0] == dropped[1]
