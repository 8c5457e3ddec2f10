"""Present, absent and not said, as each format that can say so says it."""

import json

import formats
import numpy as np
import pytest
import stub

from midlevel import datasets, errors
from midlevel.datasets import check_output, checking, reading, summary
from midlevel.settings import config

NAMES = ("a.jpg", "b.jpg", "c.jpg", "d.jpg")


def table(folder, text, file="train.csv", **chosen):
    """What a CSV file says of four photographs."""
    formats.photographs(folder, *NAMES)
    (folder / file).write_text(text, encoding="utf-8")
    return datasets.read(folder, **chosen)


def targets(found, split="train"):
    """1, 0 or -1 for each class, by photograph."""
    count = len(found.classes)
    return {row.path.stem: row.targets(count).tolist() for row in found.splits[split]}


def problems(found):
    """Line, fate and text of each problem."""
    return [(one.line, one.fate, one.text) for one in found.problems]


# === Columns of 0 and 1 ===


@pytest.mark.parametrize(
    "rows",
    [
        "a.jpg,1,0\nb.jpg,0,1\nc.jpg,,1\nd.jpg,1,\n",
        "a.jpg,1.0,0.0\nb.jpg,0.0,1.0\nc.jpg,nan,1.0\nd.jpg,1.0,NaN\n",
        "a.jpg,True,FALSE\nb.jpg,false,true\nc.jpg,?,true\nd.jpg,true,?\n",
        "a.jpg,yes,no\nb.jpg,No,Yes\nc.jpg,,yes\nd.jpg,y,\n",
        "a.jpg,1,0\nb.jpg,0,1\nc.jpg,-1,1\nd.jpg,1,-1\n",  # as CheXpert writes
        "a.jpg,1,-1\nb.jpg,-1,1\nc.jpg,,1\nd.jpg,1,\n",  # as CelebA writes, but empty
    ],
)
def test_an_empty_cell_is_not_said(tmp_path, rows):
    found = table(tmp_path, "filename, cat, dog\n" + rows)
    assert targets(found) == {"a": [1, 0], "b": [0, 1], "c": [-1, 1], "d": [1, -1]}
    is_told = "-1,1\nc.jpg,," in rows
    text = "no cell says 0; -1 is taken for it"
    assert problems(found) == ([(None, "kept", text)] if is_told else [])


def test_a_table_without_a_0_means_it_where_cells_are_empty(tmp_path):
    found = table(tmp_path, "path,cat,dog\na.jpg,1,\nb.jpg,,1\nc.jpg,,\n")
    assert targets(found) == {"a": [1, 0], "b": [0, 1], "c": [0, 0]}
    text = "no cell says 0; empty cells are taken for it"
    assert problems(found) == [(None, "kept", text)]


def test_an_empty_cell_means_the_same_in_all_tables_of_a_data_set(tmp_path):
    table(tmp_path, "path,cat,dog\na.jpg,1,0\nb.jpg,,1\n")
    found = table(tmp_path, "path,cat,dog\nc.jpg,1,\n", "val.csv")
    assert targets(found) == {"a": [1, 0], "b": [-1, 1]}
    assert targets(found, "val") == {"c": [1, -1]} and not problems(found)


def test_a_guess_is_told_of_the_tables_that_need_it(tmp_path):
    table(tmp_path, "path,cat,dog\na.jpg,1,-1\nb.jpg,,1\n")
    found = table(tmp_path, "path,cat,dog\nc.jpg,1,\n", "val.csv")
    assert targets(found) == {"a": [1, 0], "b": [-1, 1]}
    assert targets(found, "val") == {"c": [1, -1]}
    (problem,) = found.problems
    assert problem.file == tmp_path / "train.csv"
    assert problem.text == "no cell says 0; -1 is taken for it"


def test_a_cell_that_is_no_word_is_named_and_its_class_not_said(tmp_path):
    rows = "path,cat,dog\na.jpg,1,0\nb.jpg,maybe,1\nc.jpg,0,1\nd.jpg,0,0\n"
    found = table(tmp_path, rows)
    assert targets(found) == {"a": [1, 0], "b": [-1, 1], "c": [0, 1], "d": [0, 0]}
    ((line, fate, text),) = problems(found)
    assert (line, fate) == (3, "dropped")
    assert text.startswith("b.jpg: cat: expected 1, 0 or nothing. Received: 'maybe'")


def test_a_photograph_of_which_no_cell_says_anything_is_left_out(tmp_path):
    found = table(tmp_path, "path,cat\na.jpg,maybe\nb.jpg,1\nc.jpg,0\nd.jpg,1\n")
    assert found.format == "csv" and targets(found) == {"b": [1], "c": [0], "d": [1]}
    ((line, fate, _),) = problems(found)
    assert (line, fate) == (2, "left out")


def test_columns_that_are_no_classes_make_no_table(tmp_path):
    with pytest.raises(errors.DataError, match="no data set in a known format"):
        table(tmp_path, "path,cat,camera\na.jpg,1,x\nb.jpg,0,y\n")


def test_what_one_row_denies_and_another_shows_is_shown(tmp_path):
    found = table(tmp_path, "path,cat,dog\na.jpg,1,0\na.jpg,0,\nb.jpg,,1\n")
    assert targets(found) == {"a": [1, 0], "b": [-1, 1]}
    assert problems(found) == [
        (3, "dropped", "a.jpg: 'cat' is said to be absent, and is shown")
    ]


def test_each_of_roboflows_tables_may_leave_cells_empty(tmp_path):
    for part in ("train", "valid"):
        formats.photographs(tmp_path, *(f"{part}/{part}_{name}" for name in NAMES[:2]))
        rows = f"filename, cat, dog\n{part}_a.jpg, 1, 0\n{part}_b.jpg, , 1\n"
        (tmp_path / part / "_classes.csv").write_text(rows)
    found = datasets.read(tmp_path)
    assert targets(found, "val") == {"valid_a": [1, 0], "valid_b": [-1, 1]}
    assert targets(found) == {"train_a": [1, 0], "train_b": [-1, 1]}


def test_strict_refuses_a_cell_that_is_no_word(tmp_path):
    rows = "path,cat,split\na.jpg,1,train\nb.jpg,0,train\nc.jpg,1,val\nd.jpg,oh,val\n"
    table(tmp_path, rows)
    strict = config.load(None, {"data.strict": True, "data.keep_untaught": True})
    with pytest.raises(errors.DataError, match="data.strict refuses"):
        reading.for_training(tmp_path, strict, stub.QUIET)


# === Classes chosen and merged ===

MANY = "path,cat,kitten,dog\na.jpg,0,1,0\nb.jpg,0,,0\nc.jpg,0,0,1\nd.jpg,1,,\n"


def test_merged_present_wins_then_not_said_then_absent(tmp_path):
    found = table(tmp_path, MANY, merge={"cat": ["kitten"]})
    assert found.classes == ("cat", "dog")
    assert targets(found) == {"a": [1, 0], "b": [-1, 0], "c": [0, 1], "d": [1, -1]}
    found = table(tmp_path, MANY, merge={"pet": ["cat", "kitten", "dog"]})
    assert targets(found) == {"a": [1], "b": [-1], "c": [1], "d": [1]}


def test_a_part_that_no_photograph_shows_is_a_part_too(tmp_path):
    rows = "path,cat,kitten\na.jpg,1,\nb.jpg,0,0\nc.jpg,0,\n"
    found = table(tmp_path, rows, merge={"cat": ["kitten"]})
    assert targets(found) == {"a": [1], "b": [0], "c": [-1]}


def test_a_part_of_which_nothing_is_said_is_a_part_too(tmp_path):
    rows = "path,cat,kitten,dog\na.jpg,1,,0\nb.jpg,0,,1\n"
    found = table(tmp_path, rows, merge={"cat": ["kitten"]})
    assert found.classes == ("cat", "dog")
    assert targets(found) == {"a": [1, 0], "b": [-1, 1]}
    with pytest.raises(errors.DataError, match=r"puppy \(data.merge\).*kitten"):
        table(tmp_path, rows, merge={"dog": ["puppy"]})


def test_what_is_not_chosen_need_not_be_said(tmp_path):
    found = table(tmp_path, MANY, classes=["dog"])
    assert targets(found) == {"a": [0], "b": [0], "c": [1], "d": [-1]}
    assert [row.is_bare for row in found.split("train")] == [True, True, False, False]
    found = table(tmp_path, MANY).only(["kitten", "cat"])
    assert targets(found) == {"a": [1, 0], "b": [-1, 0], "c": [0, 0], "d": [-1, 1]}


# === COCO's images, as LVIS has them ===

IDS = {3: "cat", 5: "dog", 9: "ox"}
CATEGORIES = [{"id": key, "name": name} for key, name in IDS.items()]


def lvis(folder, *stated, boxes=((1, 3), (2, 5), (3, 9)), **chosen):
    """Images 1, 2 and so on, and what each states; boxes are (image, category)."""
    formats.photographs(folder, *(f"train2017/{name}" for name in NAMES))
    images = [
        {"id": i, "coco_url": f"http://x.org/train2017/{name}", **one}
        for i, (name, one) in enumerate(zip(NAMES, stated, strict=False), 1)
    ]
    rows = [
        {"image_id": i, "category_id": key, "bbox": [1, 2, 5, 6]} for i, key in boxes
    ]
    whole = {"images": images, "annotations": rows, "categories": CATEGORIES}
    (folder / "lvis_v1_train.json").write_text(json.dumps(whole, indent=1))
    return datasets.read(folder, **chosen)


def test_of_what_is_neither_annotated_nor_negative_nothing_is_said(tmp_path):
    stated = [{"neg_category_ids": [5]}, {"neg_category_ids": []}, {}, {}]
    found = lvis(tmp_path, *stated)
    assert found.classes == ("cat", "dog", "ox") and not found.problems
    assert targets(found) == {
        **{"a": [1, 0, -1], "b": [-1, 1, -1]},
        **{"c": [-1, -1, 1], "d": [-1, -1, -1]},
    }
    assert not any(row.is_bare for row in found.split("train"))


def test_without_negatives_all_is_said_as_ever(tmp_path):
    assert targets(lvis(tmp_path, {}, {}, {}, {})) == {
        **{"a": [1, 0, 0], "b": [0, 1, 0], "c": [0, 0, 1], "d": [0, 0, 0]}
    }


def test_what_is_not_exhaustive_is_shown_and_partly_boxed(tmp_path):
    stated = [
        {"neg_category_ids": [9, 5], "not_exhaustive_category_ids": [3]},
        {"neg_category_ids": [9], "not_exhaustive_category_ids": [5, 3]},
        {"neg_category_ids": [3, 5]},
    ]
    a, b, c = lvis(tmp_path, *stated).split("train")
    assert a.partly_boxed.tolist() == [1] and a.unboxed.tolist() == []
    assert b.partly_boxed.tolist() == [2] and b.unboxed.tolist() == [1]
    assert [row.targets(3).tolist() for row in (a, b, c)] == [
        *([1, 0, 0], [1, 1, 0], [0, 0, 1])
    ]
    assert c.partly_boxed.tolist() == c.not_said.tolist() == []


@pytest.mark.parametrize(
    ("stated", "expected", "message"),
    [
        ([3, 5], [1, 0, -1], "a.jpg: 'cat' is said to be absent, and is shown"),
        ([5, 77], [1, 0, -1], "images[0]: neg_category_ids: no category has the id 77"),
        ([5, "no"], [1, 0, -1], "no category has the id 'no'"),
        ([5, None], [1, 0, -1], "no category has the id None"),
        ("5", [1, -1, -1], "neg_category_ids: expected a list of ids. Received: '5'"),
        (["5"], [1, 0, -1], None),  # an id is the same as text
    ],
)
def test_ids_that_cannot_be_are_named_and_the_rest_is_used(
    tmp_path, stated, expected, message
):
    found = lvis(tmp_path, {"neg_category_ids": stated}, {}, {})
    assert targets(found)["a"] == expected
    told = problems(found)
    assert len(told) == (message is not None)
    for line, fate, text in told:
        assert (line, fate) == (3, "dropped") and message in text


def test_a_box_that_cannot_be_read_leaves_its_class_not_said(tmp_path):
    lvis(tmp_path, {"neg_category_ids": [5]}, {"neg_category_ids": [3]}, {})
    file = tmp_path / "lvis_v1_train.json"
    whole = json.loads(file.read_text())
    whole["annotations"][0]["bbox"] = [1, 2]
    file.write_text(json.dumps(whole))
    found = datasets.read(tmp_path, classes=["cat", "dog"], must_occur=False)
    assert targets(found)["a"] == [-1, 0] and len(found.problems) == 1


# === Open Images' tables ===

BOX_HEADER = (
    "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,"
    "IsGroupOf,IsDepiction,IsInside\n"
)
BOXES = (
    "a,xclick,/m/01yrx,1,0.1,0.6,0.25,0.75,0,1,0,0,0\n"
    "b,xclick,/m/0bt9lr,1,0,1,0,0.5,0,0,1,0,0\n"
)
LABEL_HEADER = "ImageID,Source,LabelName,Confidence\n"
LABELS = (
    "a,verification,/m/01yrx,1\na,verification,/m/0bt9lr,0\n"
    "b,crowdsource-verification,/m/0bt9lr,1\nc,verification,/m/01yrx,0\n"
    "c,verification,/m/0bt9lr,1\n"
)


def open_images(folder, boxes=BOXES, labels=LABELS):
    formats.photographs(folder, *(f"train/{name}" for name in NAMES))
    for file, text in (
        ("oidv6-train-annotations-bbox.csv", boxes and BOX_HEADER + boxes),
        ("train-annotations-human-imagelabels.csv", labels and LABEL_HEADER + labels),
        ("class-descriptions-boxable.csv", "/m/01yrx,Cat\n/m/0bt9lr,Dog\n"),
    ):
        if text:
            (folder / file).write_text(text)
    return datasets.read(folder)


def test_open_images_boxes_and_labels_are_one_data_set(tmp_path):
    found = open_images(tmp_path)
    assert (found.format, found.classes) == ("csv", ("Cat", "Dog"))
    assert list(found.splits) == ["train"] and not found.problems
    a, b, c = found.split("train")
    assert a.relative and np.allclose(a.boxes, [[0.1, 0.25, 0.6, 0.75]])
    assert targets(found) == {"a": [1, 0], "b": [-1, 1], "c": [0, 1]}
    assert a.unboxed.tolist() == []  # the box is where the label is
    assert b.difficult.tolist() == [True] and b.unboxed.tolist() == [2]
    assert c.unboxed.tolist() == [2]


def test_labels_alone_are_enough(tmp_path):
    found = open_images(tmp_path, boxes="")
    assert targets(found) == {"a": [1, 0], "b": [-1, 1], "c": [0, 1]}
    assert not found.problems


def test_boxes_alone_say_all(tmp_path):
    assert targets(open_images(tmp_path, labels="")) == {"a": [1, 0], "b": [0, -1]}


@pytest.mark.parametrize(
    ("row", "fate", "message"),
    [
        ("d,machine,/m/01yrx,0.8", "left out", "expected 1 (shown) or 0 (absent)"),
        ("gone,verification,/m/01yrx,1", "left out", "its photograph is missing"),
        ("a,verification,/m/01yrx,0", "dropped", "'Cat' is said to be absent, and is"),
    ],
)
def test_a_row_that_cannot_be_is_named_by_its_own_file(tmp_path, row, fate, message):
    found = open_images(tmp_path, labels=f"{LABELS}{row}\n")
    (problem,) = found.problems
    assert (problem.line, problem.fate) == (7, fate) and message in problem.text
    assert problem.file.name == "train-annotations-human-imagelabels.csv"
    assert targets(found)["a"] == [1, 0]


def test_a_row_without_a_label_still_shows_nothing(tmp_path):
    found = open_images(tmp_path, labels=LABELS + "d,verification,,1\n")
    assert targets(found)["d"] == [0, 0]


# === There and back ===


def drawn(seed):
    """Random targets of four photographs; each class is shown, and absent."""
    found = np.random.default_rng(seed).integers(-1, 2, (4, 3))
    found[:2] = [[1, 0, 1], [0, 1, 0]]
    return {name[0]: row for name, row in zip(NAMES, found.tolist(), strict=True)}


@pytest.mark.parametrize("seed", range(4))
def test_what_is_written_is_read_in_each_format(tmp_path, seed):
    expected = drawn(seed)
    cells = {1: "1", 0: "0", -1: ""}
    rows = [[f"{k}.jpg", *(cells[v] for v in row)] for k, row in expected.items()]
    text = "\n".join(",".join(row) for row in [["path", *IDS.values()], *rows])
    assert targets(table(tmp_path / "csv", text)) == expected

    pairs = [
        (i, key, value)
        for i, row in enumerate(expected.values(), 1)
        for key, value in zip(IDS, row, strict=True)
    ]
    stated = [
        {"neg_category_ids": [key for j, key, value in pairs if j == i and value == 0]}
        for i in range(1, 5)
    ]
    boxes = [(i, key) for i, key, value in pairs if value == 1]
    assert targets(lvis(tmp_path / "coco", *stated, boxes=boxes)) == expected

    mids = {3: "/m/a", 5: "/m/b", 9: "/m/c"}
    labels = "".join(
        f"{NAMES[i - 1][0]},verification,{mids[key]},{value}\n"
        for i, key, value in pairs
        if value >= 0
    )
    found = open_images(tmp_path / "open", boxes="", labels=labels)
    some = {name: row for name, row in expected.items() if max(row) >= 0}
    assert targets(found) == some


# === What is said of it ===


def test_check_and_training_say_what_is_not_said(tmp_path):
    dogs = ["1", "0", *[""] * 28]
    rows = "".join(f"{i}.jpg,{i % 2},{dog},1\n" for i, dog in enumerate(dogs))
    formats.photographs(tmp_path, *(f"{i}.jpg" for i in range(30)))
    (tmp_path / "train.csv").write_text("path,cat,dog,ox\n" + rows)
    found = datasets.read(tmp_path)
    first, second, third = summary.not_said(found, "train")
    assert first == (
        "not said whether photographs of train show it: dog 28; windows of 28 of 30 "
        "photographs teach no background"
    )
    assert second == "said of hardly any of 30 train: dog 2"
    assert third.startswith("said to be absent from no photograph of train")
    assert third.endswith(": ox")
    checked = checking.check(tmp_path, config.load(), stub.QUIET)
    counts = checked.counts
    assert sum(part["not_said"]["dog"] for part in counts.values()) == 28
    assert "Not said whether photographs of train" in check_output.as_table(checked)
    assert check_output.as_json(checked)["counts"] == counts
    notes = stub.Notes()
    chosen = config.load(None, {"data.keep_untaught": True})
    reading.for_training(tmp_path, chosen, notes)
    assert "not said whether photographs of train show it: dog" in notes.text


def test_where_all_is_said_nothing_is_told(tmp_path):
    found = table(tmp_path, "path,cat\na.jpg,1\nb.jpg,0\n")
    assert summary.not_said(found, "train") == []
