import formats
import pytest

from midlevel import datasets

LINE = "0 0.5 0.5 0.5 0.25\n"
PARTS = "{train: images/train, val: images/val, names: [cat, dog]}"


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def boxes(found):
    """How many boxes each photograph has."""
    rows = [row for of_split in found.splits.values() for row in of_split]
    return {found.file(row): len(row.boxes) for row in rows}


@pytest.mark.parametrize(
    ("labels", "photograph"),
    [
        ("images/train/a.txt", "images/train/a.jpg"),  # beside
        ("images/train/a.jpg.txt", "images/train/a.jpg"),
        ("labels/train/a.jpg.txt", "images/train/a.jpg"),
        ("Labels/train/a.txt", "images/train/a.jpg"),
        ("labels/train/a.TXT", "images/train/a.jpg"),
        ("labels/valid/a.txt", "images/val/a.jpg"),
        ("labels/Validation/a.txt", "images/val/a.jpg"),
        ("labels/a.txt", "images/train/a.jpg"),
    ],
)
def test_labels_are_read_wherever_they_certainly_belong(tmp_path, labels, photograph):
    formats.photographs(tmp_path, "images/train/x.jpg", "images/val/y.jpg", photograph)
    usual = {"labels/train/x.txt": LINE, "labels/val/y.txt": ""}
    found = datasets.read(write(tmp_path, {**usual, "data.yaml": PARTS, labels: LINE}))
    assert not found.problems
    assert boxes(found) == {
        **{"images/train/x.jpg": 1, "images/val/y.jpg": 0, photograph: 1}
    }


@pytest.mark.parametrize(
    "labels",
    [
        ("labels/train/gone.txt",),
        ("labels/train/b.label", "labels/train/c.label"),
        ("labels/old/a.txt", "labels/older/a.txt"),  # of whom, nobody knows
        ("images/train/stray.txt",),
    ],
)
def test_labels_that_no_photograph_uses_are_named_and_counted(tmp_path, labels):
    formats.photographs(tmp_path, "images/train/a.jpg", "images/val/y.jpg")
    files = {"labels/train/a.txt": LINE, **dict.fromkeys(labels, LINE)}
    found = datasets.read(write(tmp_path, {**files, "data.yaml": PARTS}))
    (problem,) = found.problems
    assert (problem.kind, problem.fate) == ("unused", "left out")
    assert problem.file == tmp_path / labels[0]
    assert f"is used by no photograph ({len(labels)} such files)" in problem.text
    assert boxes(found)["images/train/a.jpg"] == 1


def test_lists_names_and_labels_of_unlisted_photographs_are_no_problem(tmp_path):
    formats.photographs(tmp_path, "images/train/a.jpg", "images/test/t.jpg")
    files = {"labels/train/a.txt": LINE, "labels/test/t.txt": LINE}
    files |= {
        "labels/classes.txt": "cat\n",
        "README.txt": "by me",
        "train.txt": "images/train/a.jpg\n",
    }
    files |= {"runs/detect/predict/labels/a.txt": LINE, "labels/train.cache": "x"}
    found = datasets.read(
        write(tmp_path, {**files, "data.yaml": "{train: train.txt, names: [cat]}"})
    )
    assert not found.problems and boxes(found) == {"images/train/a.jpg": 1}


def test_a_file_that_two_photographs_use_is_named(tmp_path):
    formats.photographs(
        tmp_path, "images/train/a.jpg", "images/train/a.png", "images/val/v.jpg"
    )
    found = datasets.read(
        write(tmp_path, {"labels/train/a.txt": LINE, "data.yaml": PARTS})
    )
    (problem,) = found.problems
    assert (
        problem.file.name == "a.png" and "has the labels of a.jpg too" in problem.text
    )


def test_labelimgs_files_beside_photographs_are_read(tmp_path):
    formats.photographs(tmp_path, "a.jpg", "b.jpg")
    found = datasets.read(
        write(
            tmp_path,
            {"classes.txt": "cat\ndog\n", "a.txt": LINE, "b.txt": "1" + LINE[1:]},
        )
    )
    assert (found.format, found.classes) == ("yolo", ("cat", "dog"))
    assert boxes(found) == {"a.jpg": 1, "b.jpg": 1} and not found.problems


def test_darknets_files_are_read(tmp_path):
    """As CVAT exports YOLO 1.1: names of another folder, `data/`, in front."""
    formats.photographs(tmp_path, "obj_train_data/a.jpg", "obj_train_data/b.jpg")
    main = "classes = 2\ntrain = data/train.txt\nnames = data/obj.names\n"
    lines = "data/obj_train_data/a.jpg\ndata/obj_train_data/b.jpg\n"
    files = {"obj.data": main, "obj.names": "cat\ndog\n", "train.txt": lines}
    found = datasets.read(write(tmp_path, {**files, "obj_train_data/a.txt": LINE}))
    assert (found.format, found.classes) == ("yolo", ("cat",)) and not found.problems
    assert boxes(found) == {"obj_train_data/a.jpg": 1, "obj_train_data/b.jpg": 0}


@pytest.mark.parametrize(
    "stated",
    [
        "/home/me/set/images/train/a.jpg",
        "data/images/train/a.jpg",
        "C:\\s\\images\\train\\a.jpg",
    ],
)
def test_lists_of_another_machine_are_looked_for_by_their_ends(tmp_path, stated):
    formats.photographs(tmp_path, "images/train/a.jpg")
    files = {"labels/train/a.txt": LINE, "train.txt": f"{stated}\n"}
    found = datasets.read(
        write(tmp_path, {**files, "data.yaml": "{train: train.txt, names: [cat]}"})
    )
    assert boxes(found) == {"images/train/a.jpg": 1} and not found.problems


def test_labels_in_a_folder_of_another_name_are_named(tmp_path):
    names = ("images/train/x.jpg", "images/val/y.jpg", "images/train/a.jpg")
    formats.photographs(tmp_path, *names)
    files = {"labels/train/x.txt": LINE, "annotations/a.txt": LINE, "data.yaml": PARTS}
    found = datasets.read(write(tmp_path, files))
    (problem,) = found.problems
    assert (problem.kind, problem.file) == ("unused", tmp_path / "annotations/a.txt")
