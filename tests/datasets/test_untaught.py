import formats
import helpers
import pytest
import stub

from midlevel import datasets
from midlevel.datasets import checking, reading, untaught
from midlevel.settings import config

CAT = ("cat", (20, 20, 100, 100), False)
DOG = ("dog", (20, 20, 100, 100), False)
SIZE_WH = (160, 120)


def settings(**chosen):
    return config.load(None, {f"data.{key}": value for key, value in chosen.items()})


def write(folder, dog_in_train=None, dog_in_val=DOG):
    """Cats in both splits, and one photograph of a dog in each, or none."""
    shown = {"a": [CAT], "b": [CAT], "v": [CAT]}
    shown |= {"dog": [dog_in_train]} if dog_in_train else {}
    shown |= {"w": [dog_in_val]} if dog_in_val else {}
    photographs = {
        n: (helpers.noise(SIZE_WH, i), o) for i, (n, o) in enumerate(shown.items())
    }
    train = [name for name in shown if name not in "vw"]
    val = [name for name in shown if name in "vw"]
    return helpers.write_voc(folder, photographs, {"train": train, "val": val})


def read(folder, **chosen):
    return reading.for_training(folder, settings(**chosen), stub.QUIET)


def told(problems):
    return [(p.fate, p.text) for p in problems if p.kind == "untaught"]


@pytest.mark.parametrize(
    ("dog", "why"),
    [
        (None, "no photograph of split 'train' shows it"),
        (("dog", (20, 20, 100, 100), True), "all are difficult"),
        (("dog", (20, 20, 26, 26), False), "no window shows one well enough"),
    ],
)
def test_a_class_that_nothing_teaches_is_named_and_left_out(tmp_path, dog, why):
    folder = write(tmp_path, dog)
    dataset = read(folder)
    assert dataset.classes == ("cat",) and dataset.ignored["dog"] >= 1
    ((fate, text),) = told(dataset.problems)
    assert fate == "left out" and text.startswith("class 'dog': ") and why in text
    assert told(checking.check(folder, settings(), stub.QUIET).problems) == [
        (fate, text)
    ]


def test_a_class_shown_by_damaged_photographs_alone_is_left_out(tmp_path):
    folder = write(tmp_path, DOG)
    path = folder / "JPEGImages/dog.jpg"
    path.write_bytes(path.read_bytes()[:900])
    why = "none of 1 photographs that show it can be used"
    assert read(folder).classes == ("cat",)
    for problems in (
        read(folder).problems,
        checking.check(folder, settings(), stub.QUIET).problems,
    ):
        ((_, text),) = told(problems)
        assert why in text


def test_a_class_that_is_taught_stays_and_is_not_told(tmp_path):
    dataset = read(write(tmp_path, DOG))
    assert dataset.classes == ("cat", "dog") and not told(dataset.problems)


def test_a_setting_keeps_what_nothing_teaches(tmp_path):
    folder = write(tmp_path)
    dataset = read(folder, keep_untaught=True)
    assert dataset.classes == ("cat", "dog")
    ((fate, _),) = told(dataset.problems)
    assert fate == "kept"


def test_boxes_of_a_class_left_out_are_gone_and_ids_follow(tmp_path):
    dataset = datasets.read(write(tmp_path, DOG)).only(["dog"])
    assert dataset.classes == ("dog",) and dataset.ignored == {"cat": 3}
    ids = [row.classes.tolist() for row in dataset.split("train")]
    assert ids == [[], [], [1]]


def test_labels_without_boxes_teach(tmp_path):
    formats.photographs(tmp_path, "train/cat/a.jpg", "train/dog/b.jpg", "val/cat/c.jpg")
    assert not told(read(tmp_path).problems)


def test_few_photographs_of_a_class_are_told(tmp_path):
    found = checking.check(write(tmp_path, DOG), settings(), stub.QUIET)
    assert found.few == ("cat 2", "dog 1")


def test_photographs_are_looked_at_until_each_class_is_taught(tmp_path):
    folder, seen = write(tmp_path, DOG), []

    def size_of(path):
        seen.append(path.name)
        return SIZE_WH

    assert untaught.find(datasets.read(folder), settings(), size_of) == {}
    assert seen == ["a.jpg", "dog.jpg"]
