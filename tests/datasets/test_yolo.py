import re
from pathlib import Path

import formats
import hypothesis
import pytest

from midlevel import datasets, errors
from midlevel.datasets.formats import yolo, yolo_files

YAML = "train: images/train\nval: images/val\nnames: [cat, dog]\n"
LINE = "1 0.5 0.5 0.5 0.25\n"  # of 20 x 16 pixels: (5, 6, 15, 10)


def small(folder, labels=LINE, text=YAML, **files):
    """`a.jpg` with a good box and `b.jpg` with `labels` to train, `c.jpg` to val."""
    names = ("train/a.jpg", "train/b.jpg", "val/c.jpg")
    formats.photographs(folder / "images", *names)
    write(
        folder, {"data.yaml": text, "labels/train/a.txt": LINE, "labels/val/c.txt": ""}
    )
    write(folder, {"labels/train/b.txt": labels, **files})
    return folder


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def files(found):
    return {s: [found.file(row) for row in rows] for s, rows in found.splits.items()}


def only_problem(found):
    (problem,) = found.problems
    return problem


# === What is read ===


def test_boxes_are_shares_with_their_lines_and_classes_the_files_order(tmp_path):
    found = datasets.read(small(tmp_path, "\n0 0.1 0.25 0.2 0.5\n\n" + LINE))
    second = found.split("train")[1]
    assert (found.format, found.classes) == ("yolo", ("cat", "dog"))
    assert second.relative and second.size_wh is None
    assert second.boxes.tolist() == [
        pytest.approx([0, 0, 0.2, 0.5]),
        pytest.approx([0.25, 0.375, 0.75, 0.625]),
    ]
    assert second.classes.tolist() == [1, 2] and second.lines.tolist() == [2, 4]
    assert second.source == tmp_path / "labels/train/b.txt"
    assert formats.told(found)["train"]["a.jpg"] == ([("dog", [5, 6, 15, 10])], [])


def test_polygons_become_their_boxes(tmp_path):
    polygon = "0 0.1 0.2 0.5 0.1 0.3 0.9 0.2 0.4\n"
    second = datasets.read(small(tmp_path, polygon)).split("train")[1]
    assert second.boxes.tolist() == [pytest.approx([0.1, 0.1, 0.5, 0.9])]


@pytest.mark.parametrize("labels", ["", "\n  \n", "\ufeff", None])
def test_without_lines_or_labels_a_photograph_is_background(tmp_path, labels):
    folder = small(tmp_path, labels or "")
    if labels is None:
        (folder / "labels/train/b.txt").unlink()
    found = datasets.read(folder)
    assert len(found.split("train")[1].boxes) == 0 and not found.problems


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        ("[dog, cat]", ("dog", "cat")),
        ("{1: cat, 0: dog}", ("dog", "cat")),
        ("{'0': dog, '1': cat}", ("dog", "cat")),
        ("['été 사진', 'a b']", ("été 사진", "a b")),
        ("[1, 2.5]", ("1", "2.5")),
    ],
)
def test_names_are_a_list_or_by_id(tmp_path, names, classes):
    text = YAML.replace("[cat, dog]", names)
    found = datasets.read(small(tmp_path, LINE.replace("1", "0", 1), text))
    assert found.classes == classes


@pytest.mark.parametrize(
    "text",
    [
        "train: images/train\nval: images/val",
        "train: ./images/train/\nval: images/val",
        "train: [images/train]\nval: [images/val]",
        "train: [images/train/, images/train]\nval: images/val",
        "path: .\ntrain: images/train\nval: images/val",
        "path: images\ntrain: train\nval: val",
        "path: /home/other/coco8\ntrain: images/train\nval: images/val",
        "path: ../datasets/coco8\ntrain: images/train\nvalid: images/val",
        "train: ../images/train\nval: ../images/val",
        "train: /content/set/images/train\nval: C:\\my\\images\\val",
        "train: lists/train.txt\nval: lists/val.txt",
        "nc: 2",
        "train:\nval: ''",
    ],
)
def test_splits_are_folders_or_lists_wherever_the_file_says(tmp_path, text):
    folder = small(tmp_path, text=f"{text}\nnames: [cat, dog]\n")
    lists = {
        "lists/train.txt": "../images/train/a.jpg\n\n./images/train/b.jpg\r\n",
        "lists/val.txt": f"{folder}/images/val/c.jpg",
    }
    write(folder, lists)
    found = datasets.read(folder)
    assert found.problems == ()
    train = ["images/train/a.jpg", "images/train/b.jpg"]
    assert files(found) == {"train": train, "val": ["images/val/c.jpg"]}


def test_splits_may_hold_images_and_labels_each(tmp_path):
    for part in ("train", "valid"):
        formats.photographs(tmp_path, f"{part}/images/{part}.jpg")
        write(tmp_path, {f"{part}/labels/{part}.txt": LINE})
    text = "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n"
    write(tmp_path, {"data.yaml": text + "names: [cat, dog]"})
    found = datasets.read(tmp_path)
    assert files(found) == {
        **{"train": ["train/images/train.jpg"], "val": ["valid/images/valid.jpg"]},
        "test": [],
    }
    assert "test: no photographs in '../test/images'" in only_problem(found).text


def test_a_missing_split_is_not_taken_from_elsewhere(tmp_path):
    folder = small(tmp_path, text="train: images/train\nval: ../val\nnames: [cat, dog]")
    found = datasets.read(folder)
    assert list(files(found)) == ["train", "val"] and not found.splits["val"]
    assert only_problem(found).file == folder / "data.yaml"


@pytest.mark.parametrize("at", ["classes.txt", "labels/classes.txt"])
def test_without_yaml_a_list_of_classes_serves(tmp_path, at):
    formats.photographs(tmp_path / "images", "a.jpg", "b.png")
    write(tmp_path, {at: "cat\r\ndog\r\n\r\n", "labels/a.txt": LINE})
    found = datasets.read(tmp_path)
    assert (found.format, found.classes) == ("yolo", ("dog",))
    assert files(found) == {"train": ["images/a.jpg", "images/b.png"]}


@pytest.mark.parametrize("name", ["data.yaml", "dataset.yml", "coco8.yaml"])
def test_the_yaml_file_may_be_named_and_have_any_name(tmp_path, name):
    folder = small(tmp_path)
    (folder / "data.yaml").rename(folder / name)
    (folder / "a.yaml").write_text("training: {epochs: 3}")
    for place in (folder, folder / name):
        found = datasets.read(place)
        assert (found.format, found.folder) == ("yolo", folder)


@pytest.mark.parametrize(
    ("photograph", "labels"),
    [
        ("images/train/a.jpg", "labels/train/a.txt"),
        ("train/images/a.b.png", "train/labels/a.b.txt"),
        ("images/images/x/a.jpg", "images/labels/x/a.txt"),
        ("my images/a.jpg", "my images/a.txt"),
        ("images", "images.txt"),
        ("a.jpg", "a.txt"),
    ],
)
def test_labels_are_where_the_last_images_is_labels(photograph, labels):
    folder = Path("some/images/data")
    assert yolo_files.file_of(folder / photograph, folder) == folder / labels


def test_a_photograph_in_two_splits_is_read_once(tmp_path):
    text = "train: images/train\nval: images/train\nnames: [cat, dog]"
    found = datasets.read(small(tmp_path, "0 1 2\n" + LINE, text))
    assert len(found.problems) == 1
    assert files(found)["train"] == files(found)["val"]


# === Problems ===


@pytest.mark.parametrize(
    ("line", "kind", "message"),
    [
        ("0 0.5 0.5 0.5", "annotation", "Received: 4 words"),
        ("0 0.5 0.5 0.5 0.5 0.9", "annotation", "Received: 6 words"),
        ("0 0.1 0.2 0.3 0.4 0.5 0.6 0.7", "annotation", "Received: 8 words"),
        ("cat 0.5 0.5 0.5 0.5", "annotation", "expected a number. Received: 'cat'"),
        ("0 0.5 nan 0.5 0.5", "annotation", "expected a number. Received: 'nan'"),
        ("0 0.5 1e999 0.5 0.5", "annotation", "number. Received: '1e999'"),
        ("0 0.5 0,5 0.5 0.5", "annotation", "expected a number. Received: '0,5'"),
        ("0.5 0.5 0.5 0.5 0.5", "annotation", "a class id. Received: '0.5'"),
        ("0 10 8 5 5", "annotation", "from 0 to 1. Received: '10 8 5 5'"),
        ("2 0.5 0.5 0.5 0.5", "class", "class 2 has no name; there are 2 classes"),
        ("-1 0.5 0.5 0.5 0.5", "class", "class -1 has no name"),
        ("0 0.5 0.5 0 0.5", "box", "no area"),
    ],
)
def test_a_broken_line_is_dropped_and_said(tmp_path, line, kind, message):
    found = datasets.read(small(tmp_path, f"{LINE}{line}\n0 0.5 0.5 0.1 0.1"))
    problem = only_problem(found)
    place = tmp_path / "labels/train/b.txt"
    assert (problem.kind, problem.fate) == (kind, "dropped")
    assert str(problem).startswith(f"{place}:2: ") and message in problem.text
    assert found.split("train")[1].lines.tolist() == [1, 3]


@pytest.mark.parametrize("labels", ["0 1 2\n", b"\xff\xfe\x00", "5 0 0 1 1\n7 0 0 1 1"])
def test_a_photograph_whose_every_line_is_broken_is_not_background(tmp_path, labels):
    found = datasets.read(small(tmp_path, labels))
    assert files(found)["train"] == ["images/train/a.jpg"]
    assert {problem.fate for problem in found.problems} == {"left out"}


def test_labels_that_are_a_folder_are_a_problem(tmp_path):
    folder = small(tmp_path)
    (folder / "labels/train/b.txt").unlink()
    (folder / "labels/train/b.txt").mkdir()
    assert "cannot be read: Is a dir" in str(only_problem(datasets.read(folder)))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("images/train/gone.jpg", "is missing; expected images/train/gone.jpg"),
        ("../secret.jpg", "is refused; it is outside"),
        ("/etc/passwd", "'/etc/passwd' is refused; it is outside"),
        ("a\0b", "is missing"),
    ],
)
def test_a_list_names_photographs_inside_the_folder(tmp_path, line, message):
    formats.photographs(tmp_path, "secret.jpg")
    text = "train: train.txt\nnames: [cat, dog]"
    lists = {"train.txt": f"images/train/a.jpg\n{line}\n"}
    found = datasets.read(small(tmp_path / "data", text=text, **lists))
    assert files(found) == {"train": ["images/train/a.jpg"]}
    problem = only_problem(found)
    assert (problem.line, problem.fate) == (2, "left out")
    assert message in problem.text


@pytest.mark.parametrize(
    "part", ["3", "[[images/train]]", "{a: b}", "../..", "/", "yes"]
)
def test_a_split_that_is_no_place_is_a_problem(tmp_path, part):
    formats.photographs(tmp_path, "secret.jpg")
    text = f"train: images/train\nval: {part}\nnames: [cat, dog]"
    problem = only_problem(datasets.read(small(tmp_path / "data", text=text)))
    assert re.search("val: no photographs in .* seen from", problem.text)


# === Files that cannot be used ===


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("names: [cat", "is not YAML that can be read: while parsing"),
        (b"\xff\xfe\x00", "cannot be read: .* save it as UTF-8"),
        ("names: !!python/object:os.system x", "could not determine a constructor"),
        ("names: 2020-99-99", "is not YAML that can be read: month must be"),
        ("names: !!timestamp x", "is not YAML that can be read"),
        ("names: !!bool x", "is not YAML that can be read"),
        ("names: !!int ''", "is not YAML that can be read"),
        ("names: " + "[" * 5000, "is not YAML that can be read: it is nested too"),
        ("names: " + "9" * 5000, "is not YAML that can be read: Exceeds the limit"),
        ("- names", "is not YAML that can be read: it is a list"),
        ("", "is not YAML that can be read: it is a NoneType"),
        ("train: images", "names no classes"),
        ("names: cat", "names no classes"),
        ("names: {}", "names no classes"),
        ("names: [cat, null]", "expected an id and a name. Received: .1, None."),
        ("names: [cat, [dog]]", "expected an id and a name"),
        ("names: [cat, '']", "expected an id and a name"),
        ("names: {a: cat}", "expected an id and a name. Received: .'a', 'cat'."),
        ("names: {-1: cat}", "expected an id and a name"),
        ("names: &a [*a]", "expected an id and a name"),
        ("names: [0x" + "f" * 5000 + "]", "expected an id and a name"),
        ("names: {? 0x" + "f" * 5000 + " : a}", "expected an id and a name"),
    ],
)
def test_a_file_that_names_no_classes_is_refused(tmp_path, text, message):
    write(tmp_path, {"a.yaml": text})
    with pytest.raises(errors.DataError, match=f"a.yaml: .*{message}"):
        yolo.read(tmp_path / "a.yaml")


def test_aliases_that_grow_are_not_written_out(tmp_path):
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{i}: &a{i} [{f'*a{i - 1}, ' * 9}]" for i in range(1, 12)]
    write(tmp_path, {"a.yaml": "\n".join([*lines, "names: *a11", "train: *a11"])})
    with pytest.raises(errors.DataError, match="expected an id and a name") as caught:
        yolo.read(tmp_path / "a.yaml")
    assert len(str(caught.value)) < 1000


def test_other_yaml_is_not_claimed(tmp_path):
    write(tmp_path, {"data.yaml": "training: {epochs: 3}", "b.yaml": "[", "c.yaml": ""})
    assert not yolo.matches(tmp_path)
    write(tmp_path, {"data.yaml": "["})  # it says that it is one
    assert yolo.matches(tmp_path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small(tmp_path_factory.mktemp("yolo"))


@hypothesis.given(formats.broken(YAML.encode()))
def test_whatever_stands_in_the_file_there_is_a_data_set_or_a_message(folder, data):
    write(folder, {"data.yaml": data})
    formats.read_or_refuse(folder / "data.yaml", "yolo")


@hypothesis.given(formats.broken(LINE.encode() * 3))
def test_whatever_stands_in_the_labels_the_others_are_read(folder, data):
    write(folder, {"data.yaml": YAML, "labels/train/b.txt": data})
    formats.read_or_refuse(folder, "yolo")
    assert files(datasets.read(folder))["train"][0] == "images/train/a.jpg"


# === Poses ===


@pytest.mark.parametrize("shape", ["[1, 2]", "[2, 3]"])
def test_of_a_pose_the_box_is_taken(tmp_path, shape):
    points = " 0.9 0.9" if shape == "[1, 2]" else " 0.9 0.9 2 0.1 0.1 0"
    text = f"{YAML}kpt_shape: {shape}\n"
    found = datasets.read(small(tmp_path, LINE.rstrip() + points, text))
    assert found.problems == ()
    box = pytest.approx([0.25, 0.375, 0.75, 0.625])
    assert found.split("train")[1].boxes.tolist() == [box]


# === What is hidden ===


def test_hidden_and_foreign_xml_leave_it_yolo(tmp_path):
    folder = small(tmp_path)
    write(folder, {".idea/misc.xml": "<annotation/>", "._a.xml": "<annotation/>"})
    write(folder, {"notes.xml": "<project/>", "._data.yaml": "names: [x]"})
    assert datasets.detect(folder) == "yolo"
    (folder / "data.yaml").unlink()
    assert not datasets.FORMATS["voc"].matches(folder)
    assert not datasets.FORMATS["yolo"].matches(folder)
