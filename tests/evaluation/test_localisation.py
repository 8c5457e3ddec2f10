import dataclasses

import numpy as np
import pytest

from midlevel.datasets import Example
from midlevel.evaluation import localisation, validation

SIZE = (100, 80)
WINDOWS = np.array([[0, 0, 40, 40], [60, 40, 100, 80]], np.float32)
LEFT, RIGHT = (0, 0, 40, 40), (60, 40, 100, 80)


def seen(scores, *boxes, labels=()):
    """A photograph; `scores` of two windows for cat; boxes are (box, class, hard)."""
    example = Example(
        None,
        SIZE,
        np.array([box for box, _, _ in boxes], np.float32).reshape(-1, 4),
        np.array([class_id for _, class_id, _ in boxes], np.int16),
        np.array([hard for _, _, hard in boxes], bool),
        np.array(labels, np.int16),
        np.array([]),
        None,
    )
    columns = np.zeros((2, 3), np.float32)
    columns[:, 1] = scores
    return validation.Seen(example, SIZE, WINDOWS, columns)


def cats(photographs, probabilities=None):
    places = localisation.Localisation(["cat", "dog"])
    for photograph in photographs:
        places.add(photograph)
    said = np.zeros((len(photographs), 2))
    said[:, 0] = 0.5 if probabilities is None else probabilities
    found = places.table(said)
    return found and found["classes"]["cat"]


def test_a_region_on_an_object_is_found_and_one_beside_it_is_not():
    found = cats([seen((0.9, 0), (LEFT, 1, False)), seen((0.9, 0), (RIGHT, 1, False))])
    assert (found["objects"], found["photographs"]) == (2, 2)
    assert found["corloc"] == 0.5
    # both detections have one score: half of them right, half of the objects found
    assert found["AP50"] == found["AP70"] == found["AP"] == 0.25
    assert found["whole"] == 0


def test_photographs_of_a_higher_probability_come_first():
    photographs = [seen((0.1, 0), (LEFT, 1, False)), seen((0.9, 0))]
    assert cats(photographs, [0.9, 0.2])["AP50"] == 1
    assert cats(photographs, [0.2, 0.9])["AP50"] == 0.5


def test_heights_count_within_a_photograph():
    both = seen((0.9, 0.5), (RIGHT, 1, False))
    found = cats([both, seen((0.9, 0), (LEFT, 1, False))], [1, 0.8])
    # 1 false, 0.8 right, 0.56 right
    assert found["AP50"] == pytest.approx(2 / 3)
    assert found["corloc"] == 0.5


def test_the_highest_region_may_lie_on_any_object_of_the_class():
    hard = seen((0.9, 0), (LEFT, 1, True), (RIGHT, 1, False))
    assert cats([hard])["corloc"] == 1
    assert cats([hard])["AP50"] == 0  # neither way, and the other is missed
    only = seen((0.9, 0), (LEFT, 1, True))
    found = cats([only, seen((0.9, 0), (LEFT, 1, False))], [0.9, 0.1])
    assert (found["photographs"], found["AP50"]) == (1, 1)


def test_a_class_that_has_no_box_where_it_is_shown_is_not_judged_there():
    labelled = seen((0.9, 0), labels=[1])
    assert cats([labelled]) is None
    found = cats([labelled, seen((0.9, 0), (LEFT, 1, False))], [0.9, 0.1])
    assert found["AP50"] == 1
    labelled_dog = seen((0.9, 0), labels=[2])  # no cat, so a cat there is false
    found = cats([labelled_dog, seen((0.9, 0), (LEFT, 1, False))], [0.9, 0.1])
    assert found["AP50"] == 0.5


class Unsaid(Example):
    """A photograph of which nothing is said of the first class."""

    def targets(self, count):
        return np.array([-1] + [0] * (count - 1), np.int8)


def test_a_class_of_which_nothing_is_said_is_not_judged():
    quiet = seen((0.9, 0))
    unsaid = Unsaid(**vars(quiet.example))
    photographs = [dataclasses.replace(quiet, example=unsaid)]
    photographs.append(seen((0.9, 0), (LEFT, 1, False)))
    assert cats(photographs, [0.9, 0.1])["AP50"] == 1


def test_where_nothing_scores_there_is_no_region_and_the_object_is_missed():
    found = cats([seen((0, 0), (LEFT, 1, False))])
    assert (found["corloc"], found["AP50"]) == (0, 0)


def test_a_class_without_objects_is_out_of_the_means():
    places = localisation.Localisation(["cat", "dog"])
    places.add(seen((0.9, 0), ((0, 0, 100, 80), 1, False)))
    found = places.table(np.array([[0.9, 0.1]]))
    dog = found["classes"]["dog"]
    assert (dog["AP50"], dog["corloc"], dog["photographs"]) == (None, None, 0)
    assert (found["corloc"], found["whole"]) == (0, 1)
    keys = {"AP50", "AP70", "AP", "corloc", "whole", "classes", "rule"}
    assert set(found) == keys
