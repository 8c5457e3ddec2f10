import dataclasses

import numpy as np
import pytest
import stub

import midlevel
from midlevel import datasets
from midlevel.datasets import Example
from midlevel.evaluation import pointing, validation
from midlevel.images import pixels
from midlevel.method import scores

SIZE = (100, 80)
WINDOWS = np.array([[0, 0, 20, 20], [40, 40, 60, 60], [80, 0, 100, 20]], np.float32)


def seen(best, *boxes, labels=()):
    """A photograph of one class whose `best` window scores; boxes are (box, hard)."""
    corners = np.array([box for box, _ in boxes], np.float32).reshape(-1, 4)
    hard = np.array([difficult for _, difficult in boxes], bool)
    ones = np.ones(len(boxes), np.int16)
    labels = np.array(labels, np.int16)
    example = Example(None, SIZE, corners, ones, hard, labels, np.array([]), None)
    scores = np.zeros((3, 2), np.float32)
    scores[best, 1] = 0.9
    return validation.Seen(example, SIZE, WINDOWS, scores)


def played(*photographs):
    game = pointing.Game(["cat"])
    for photograph in photographs:
        game.add(photograph)
    return game.table(np.zeros((len(photographs), 1)))["classes"]["cat"]


@pytest.mark.parametrize(
    ("heat", "expected"),
    [
        ([[0, 1, 0]], (1.5, 0.5)),
        ([[1, 1, 1, 0]], (1.5, 0.5)),  # the middle of what is highest
        ([[1, 1, 1], [1, 0, 1], [1, 1, 1]], (1.5, 0.5)),  # never where it is low
        ([[0.5, 0.5 + 1e-9]], (0.5, 0.5)),  # rounding
    ],
)
def test_the_highest_point_is_a_cell_in_the_middle_of_the_highest(heat, expected):
    heat = np.array(heat, float)
    found = pointing.highest_point(heat, heat.shape[::-1])
    assert found == pytest.approx(expected)


def test_a_point_in_a_box_of_the_class_is_a_hit():
    found = played(seen(1, ((35, 35, 65, 65), False)), seen(1, ((0, 0, 30, 30), False)))
    expected = {"share": 0.5, "pairs": 2, "hits": 1, "inside": 1}
    expected |= {"bare": 1, "middle": 1, "pixels": 1, "AP": 0.25, "AP_18px": 0.25}
    assert found == expected


def test_a_point_a_little_beside_a_box_is_a_hit_but_not_inside():
    across, _ = pointing.highest_point(pointing.evidence(seen(1), 1), SIZE)
    for gap, hits in ((3.5, 1), (3.7, 0)):  # 3.6 are the tolerance
        found = played(seen(1, ((across + gap, 30, 90, 70), False)))
        assert (found["pairs"], found["hits"], found["inside"]) == (1, hits, 0)


def test_only_boxes_as_large_as_the_smallest_window_make_a_pair():
    assert played(seen(1, ((40, 40, 59, 59), False)))["pairs"] == 0
    assert played(seen(1, ((40, 40, 60, 60), False)))["pairs"] == 1
    assert played(seen(1, labels=[1]))["pairs"] == 0
    assert played(seen(1))["share"] is None


def test_difficult_boxes_make_no_pair_but_can_be_hit():
    hard = (35, 35, 65, 65), True
    assert played(seen(1, hard))["pairs"] == 0
    assert played(seen(1, hard, ((0, 0, 30, 30), False)))["hits"] == 1


def test_a_corner_that_one_window_covers_is_less_than_where_many_agree():
    corner = np.array([[0, 0, 20, 20]], np.float32)
    inner = np.tile(np.array([[40, 40, 60, 60]], np.float32), (9, 1))
    windows = np.vstack([corner, inner])
    window_scores = np.array([[0.0, 0.5]] + [[0.0, 0.4]] * 9, np.float32)
    found = validation.Seen(None, SIZE, windows, window_scores)
    assert found.map(1)[0, 0] > found.map(1).T[32, 32]
    x, y = pointing.highest_point(pointing.evidence(found, 1), SIZE)
    assert 40 < x < 60 and 40 < y < 60


def test_the_mean_is_over_classes_that_have_pairs():
    game = pointing.Game(["cat", "dog"])
    game.add(seen(1, ((35, 35, 65, 65), False)))
    found = game.table(np.array([[0.9, 0.1]]))
    assert found["mean"] == 1 and found["classes"]["dog"]["share"] is None
    assert pointing.Game(["cat"]).table(np.zeros((0, 1)))["mean"] is None
    assert "3.6%" in found["rule"]


def point_ap(photographs, ranking):
    game = pointing.Game(["cat"])
    for photograph in photographs:
        game.add(photograph)
    return game.table(np.array(ranking)[:, None])


HIT, MISS = ((35, 35, 65, 65), False), ((0, 60, 12, 80), False)
NEITHER = (0, 60, 12, 80), True


def test_a_photograph_of_the_class_whose_point_misses_is_a_false_one():
    photographs = [seen(1, HIT), seen(1, MISS), seen(1, HIT)]
    # right, false, right of three: precision 1, then 2/3, up to a recall of 2/3
    found = point_ap(photographs, [0.9, 0.8, 0.7])
    assert found["AP"] == pytest.approx((1 + 2 / 3) / 3)
    assert found["classes"]["cat"]["AP"] == found["AP"]
    assert point_ap([seen(1, HIT), seen(1)], [0.2, 0.9])["AP"] == 0.5


def test_small_boxes_count_for_point_ap_and_difficult_ones_neither_way():
    small, hard = ((45, 45, 55, 55), False), seen(1, NEITHER)
    assert played(seen(1, small))["pairs"] == 0
    assert point_ap([hard, seen(1, small)], [0.9, 0.8])["AP"] == 1
    assert point_ap([hard], [0.9])["AP"] is None


def test_labels_without_boxes_are_out_of_point_ap():
    assert point_ap([seen(1, labels=[1]), seen(1, HIT)], [0.9, 0.8])["AP"] == 1


def test_eighteen_pixels_are_those_of_the_photograph():
    near, far = ((60, 40, 80, 60), False), ((75, 40, 95, 60), False)
    found = [played(seen(1, box)) for box in (near, far)]
    assert [row["pixels"] for row in found] == [1, 0]
    assert [row["AP_18px"] for row in found] == [1, 0]
    assert [row["AP"] for row in found] == [0, 0]  # 3.6 pixels of a hundred


def slow_points(model, folder):
    """From the pixels, photograph by photograph."""
    hits = {name: [] for name in model.classes}
    for example in datasets.read(folder, model.classes).split("val"):
        found = model.windows(pixels.read(example.path))
        for i, name in enumerate(model.classes):
            boxes = example.boxes[example.classes == i + 1]
            if not len(boxes) or not pointing.counts(boxes, found.plan.boxes):
                continue
            map_wh = tuple(side // 2 for side in found.plan.size_wh)
            boxes_of, size_wh = found.plan.boxes, found.plan.size_wh
            heat = found.map(name, map_wh)
            heat *= scores.coverage(boxes_of, size_wh, map_wh) ** 0.5
            point = pointing.highest_point(heat, found.plan.size_wh)
            away = pointing.distance(point, boxes)
            hits[name].append(away <= pointing.TOLERANCE * max(found.plan.size_wh))
    return {name: np.mean(found) for name, found in hits.items()}


def test_evaluation_plays_it_for_each_class(trained, toy_voc):
    model = midlevel.load(trained.folder)
    found = midlevel.evaluate(model, progress=stub.QUIET).pointing
    shares = {name: row["share"] for name, row in found["classes"].items()}
    assert shares == pytest.approx(slow_points(model, toy_voc))
    assert found["mean"] == pytest.approx(np.mean(list(shares.values())))


def test_a_class_of_which_only_some_objects_have_boxes_is_not_counted():
    found = seen(0, ((0, 0, 20, 20), False))
    partly = dataclasses.replace(found.example, partly_boxed=np.array([1], np.int16))
    assert played(found)["pairs"] == 1
    assert played(dataclasses.replace(found, example=partly))["pairs"] == 0
