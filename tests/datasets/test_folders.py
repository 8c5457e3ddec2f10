import formats
import hypothesis
import pytest
from hypothesis import strategies as st

from midlevel import datasets, errors
from midlevel.datasets.formats import folders

PAIR = ("cat/a.jpg", "dog/a.jpg")


def told(found):
    """Labels by split and file."""
    return {
        split: {
            found.file(row): [found.classes[key - 1] for key in row.unboxed]
            for row in rows
        }
        for split, rows in found.splits.items()
    }


def test_a_folder_is_the_label_of_its_photographs(tmp_path):
    formats.photographs(tmp_path, *PAIR, "cat/deep/er/b.PNG", "été 사진/c.jpeg")
    found = datasets.read(tmp_path)
    assert (found.format, found.classes) == ("folders", ("cat", "dog", "été 사진"))
    assert told(found) == {
        "train": {
            "cat/a.jpg": ["cat"],
            "cat/deep/er/b.PNG": ["cat"],
            "dog/a.jpg": ["dog"],
            "été 사진/c.jpeg": ["été 사진"],
        }
    }
    (example, *_) = found.split("train")
    assert example.boxes.shape == (0, 4) and example.source == example.path
    assert example.targets(3).tolist() == [1, 0, 0]
    assert found.problems == ()


@pytest.mark.parametrize("val", ["val", "valid", "Validation"])
def test_folders_of_splits_hold_those_of_classes(tmp_path, val):
    photographs = [f"{part}/{name}" for part in ("train", val) for name in PAIR]
    formats.photographs(tmp_path, *photographs, "test/dog/b.jpg")
    found = datasets.read(tmp_path)
    assert told(found) == {
        "train": {"train/cat/a.jpg": ["cat"], "train/dog/a.jpg": ["dog"]},
        "val": {f"{val}/cat/a.jpg": ["cat"], f"{val}/dog/a.jpg": ["dog"]},
        "test": {"test/dog/b.jpg": ["dog"]},
    }


def test_background_is_no_class(tmp_path):
    formats.photographs(tmp_path, *PAIR, "background/b.jpg")
    found = datasets.read(tmp_path)
    assert found.classes == ("cat", "dog")
    assert told(found)["train"]["background/b.jpg"] == []


def test_hidden_files_and_empty_folders_are_passed_over(tmp_path):
    formats.photographs(tmp_path, *PAIR, "cat/._a.jpg", ".cache/c.jpg")
    formats.photographs(tmp_path, "__MACOSX/c.jpg", "dog/.thumbs/d.jpg")
    (tmp_path / "bird").mkdir()
    (tmp_path / "README.txt").touch()
    (tmp_path / "cat/.info.json").touch()
    assert told(datasets.read(tmp_path)) == {
        "train": {"cat/a.jpg": ["cat"], "dog/a.jpg": ["dog"]}
    }


@pytest.mark.parametrize("part", ["", "train/"])
def test_photographs_beside_the_class_folders_are_named_and_counted(tmp_path, part):
    photographs = [part + name for name in (*PAIR, "x.jpg", "y.jpg")]
    found = datasets.read(formats.photographs(tmp_path, *photographs))
    (problem,) = found.problems
    assert problem.file == tmp_path / part / "x.jpg"
    assert (problem.kind, problem.fate) == ("unlabelled", "left out")
    assert "is in no class folder (2 such photographs)" in problem.text
    assert len(found.split("train")) == 2


@pytest.mark.parametrize(
    ("photographs", "others"),
    [
        (["a.jpg", "b.jpg"], []),
        (["cat/a.jpg"], []),
        (["cat/a.jpg", "background.jpg"], []),
        (["images/a.jpg", "masks/a.png"], []),
        (["images/train/a.jpg", "images/val/a.jpg"], []),
        (["train/a.jpg", "val/a.jpg", "test/a.jpg"], []),
        (["train2017/a.jpg", "val2017/a.jpg", "unlabeled2017/a.jpg"], []),
        (["train/cat/a.jpg", "val/cat/a.jpg"], []),
        (PAIR, ["cat/a.xml"]),
        (PAIR, ["dog/a.txt"]),
        (PAIR, ["all.json"]),
        (PAIR, ["all.csv"]),
        (PAIR, ["Annotations/a.xml"]),
        (PAIR, ["labels/cat/a.txt"]),
        (["train/cat/a.jpg", "train/dog/a.jpg"], ["train/_annotations.csv"]),
    ],
)
def test_not_any_folder_of_photographs_is_claimed(tmp_path, photographs, others):
    formats.photographs(tmp_path, *photographs)
    for name in others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert not folders.matches(tmp_path)


def test_one_class_folder_may_be_asked_for(tmp_path):
    formats.photographs(tmp_path, "cat/a.jpg")
    assert datasets.read(tmp_path, form="folders").classes == ("cat",)
    with pytest.raises(errors.DataError, match="cat: holds no class folders. Expected"):
        datasets.read(tmp_path / "cat", form="folders")


NAMES = st.sampled_from(
    [*("cat", "dog", "train", "val", "background", "images", ".x", "a\nb", "%s", " ")]
)
TREES = st.lists(st.lists(NAMES, min_size=1, max_size=3), max_size=5)


@hypothesis.given(TREES)
def test_whatever_the_folders_are_there_is_a_data_set_or_a_message(
    tmp_path_factory, tree
):
    place = tmp_path_factory.mktemp("tree")
    for parts in tree:
        path = place.joinpath(*parts).with_name(f"{parts[-1]}.jpg")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    folders.matches(place)
    formats.read_or_refuse(place, "folders")


def test_photographs_in_no_split_are_named_and_hidden_ones_are_not(tmp_path):
    formats.photographs(tmp_path, *(f"train/{name}" for name in PAIR))
    formats.photographs(tmp_path, "more/cat/b.jpg", "val/c.jpg", ".old/cat/d.jpg")
    (problem,) = datasets.read(tmp_path).problems
    assert problem.file == tmp_path / "more/cat/b.jpg"
    assert "is in no class folder (2 such photographs)" in problem.text


def test_a_folder_of_hidden_photographs_is_no_class(tmp_path):
    formats.photographs(tmp_path, *PAIR, "bird/._a.jpg")
    assert datasets.read(tmp_path).classes == ("cat", "dog")
