import pytest

from midlevel.datasets import naming


@pytest.mark.parametrize(
    ("names", "odd"),
    [
        (["cat", "dog", "cat dog"], ["cat dog"]),
        (["cat", "dog", "cat_dog"], ["cat_dog"]),
        (["cat", "dog", "bottle cat", "cat chair"], ["bottle cat", "cat chair"]),
        (["cat dog", "dog sheep", "sheep cat"], ["cat dog", "dog sheep", "sheep cat"]),
        (["WIDER_train", "WIDER_val"], ["WIDER_train", "WIDER_val"]),
        (["train", "validation", "cat"], ["train", "validation"]),
        (['"height": 41.25', "cat"], ['"height": 41.25']),
        (["{'x': 3}", "['cat']"], ["{'x': 3}", "['cat']"]),
    ],
)
def test_names_that_look_like_something_else_are_told(names, odd):
    assert sorted(naming.odd(names)) == sorted(odd)


@pytest.mark.parametrize(
    "names",
    [
        ["bear", "polar bear", "brown bear"],
        ["traffic light", "light bulb"],
        ["light", "traffic light", "stop sign"],
        ["train", "car", "bus"],  # of VOC and COCO
        ["train", "test tube"],
        ["0", "1", "2"],
        ["été", "사진", "a;b", "cat, wild", "C++", "=1+1"],
    ],
)
def test_names_of_classes_are_not(names):
    assert naming.odd(names) == {}
