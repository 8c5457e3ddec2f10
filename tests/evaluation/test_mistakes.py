import dataclasses

import numpy as np
import pytest

from midlevel.datasets import Example
from midlevel.evaluation import mistakes, validation

CLASSES = ["cat", "dog", "car"]


def seen(windows, cats, objects, labels=(), **more):
    """Windows with their scores for cats; objects are (box, class id, difficult)."""
    boxes = np.array([box for box, _, _ in objects], np.float32).reshape(-1, 4)
    ids = np.array([name for _, name, _ in objects], np.int16)
    hard = np.array([difficult for _, _, difficult in objects], bool)
    labels = np.array(labels, np.int16)
    example = Example(None, (100, 100), boxes, ids, hard, labels, np.array([]), None)
    example = dataclasses.replace(example, **more)
    scores = np.zeros((len(windows), 4), np.float32)
    scores[:, 1] = cats
    return validation.Seen(
        example, (100, 100), np.array(windows, np.float32).reshape(-1, 4), scores
    )


def cats(*photographs):
    found = mistakes.Diagnosis(CLASSES)
    for photograph in photographs:
        found.add(photograph)
    return found.table()["classes"]["cat"]


def counted(**given):
    objects, others = given.pop("objects"), dict.fromkeys(mistakes.KINDS, 0)
    return {"objects": objects, "sorted": sum(given.values()), **others, **given}


BOX = (10, 10, 50, 50)
FAR = (60, 60, 90, 90)


@pytest.mark.parametrize(
    ("window", "kind"),
    [
        ((10, 10, 50, 45), "correct"),
        ((10, 10, 50, 22), "localisation"),  # an IoU of 0.3
        ((60, 60, 90, 90), "background"),
    ],
)
def test_a_detection_is_judged_by_its_overlap_with_its_class(window, kind):
    found = cats(seen([window], [0.9], [(BOX, 1, False)]))
    assert found == counted(objects=1, **{kind: 1})


@pytest.mark.parametrize(("name", "kind"), [(2, "similar"), (3, "other")])
def test_a_detection_on_another_class_is_similar_or_not(name, kind):
    objects = [(BOX, name, False), (FAR, 1, False)]
    found = cats(seen([BOX], [0.9], objects))
    assert found == counted(objects=1, **{kind: 1})


def test_a_second_detection_of_one_object_is_localisation():
    """Two windows that overlap little, both by half with a large box."""
    windows = [(0, 0, 100, 60), (0, 41, 100, 100)]
    objects = [((0, 0, 100, 100), 1, False), ((0, 0, 1, 1), 1, False)]
    found = cats(seen(windows, [0.9, 0.8], objects))
    assert found == counted(objects=2, correct=1, localisation=1)


def test_a_difficult_object_counts_neither_way():
    found = cats(seen([BOX, FAR], [0.9, 0.8], [(BOX, 1, True), (FAR, 1, False)]))
    assert found == counted(objects=1, correct=1)


def test_as_many_are_sorted_as_there_are_objects_the_best_of_all_photographs():
    one = seen([FAR, BOX], [0.9, 0.3], [(BOX, 1, False)])
    other = seen([BOX], [0.8], [(BOX, 1, False)])
    assert cats(one, other) == counted(objects=2, background=1, correct=1)


def test_labels_without_boxes_cannot_be_judged():
    assert cats(seen([BOX], [0.9], [], labels=[1])) == counted(objects=0)


def test_sums_are_over_all_classes():
    found = mistakes.Diagnosis(CLASSES)
    found.add(seen([BOX], [0.9], [(BOX, 1, False), (BOX, 2, False)]))
    whole = found.table()["all"]
    assert whole["objects"] == whole["sorted"] == 2
    assert whole["correct"] == 2


def test_classes_that_are_no_vocs_are_similar_to_none():
    assert not mistakes.similar("rocket", ["cat", "rocket", "cup"]).any()
    assert mistakes.similar("aeroplane", ["bird", "car", "cat"]).tolist() == [1, 1, 0]


def test_confusion_is_of_wrong_labels_alone():
    labelled = np.array([[1, 1], [1, 0], [0, 0], [0, 1]], bool)
    targets = np.array([[1, 1], [1, 0], [1, -1], [0, 0]])
    found = mistakes.confusion(labelled, targets)
    # Two photographs show a cat and no dog (one has a difficult dog): none is wrong.
    assert found["given"] == [[pytest.approx(2 / 3), 0.0], [None, 1.0], [0.0, 1.0]]
    assert found["silent"] == [pytest.approx(1 / 3), 0.0, 0.0]
    assert found["photographs"] == [3, 1, 1]


@pytest.mark.parametrize("key", ["not_said", "partly_boxed"])
def test_a_class_that_may_have_other_objects_is_not_judged(key):
    one = seen([FAR], [0.9], [(BOX, 1, False)], **{key: np.array([1], np.int16)})
    other = seen([FAR], [0.9], [(BOX, 1, False)], **{key: np.array([2], np.int16)})
    assert cats(one) == counted(objects=0)
    assert cats(other) == counted(objects=1, background=1)
