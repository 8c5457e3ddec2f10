import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midlevel import errors
from midlevel.method import detection, metrics

BOX = np.array([[0, 0, 10, 10]], np.float32)
PLAIN, HARD = np.array([False]), np.array([True])


def judged(boxes, scores, objects=BOX, difficult=PLAIN, bounds=(0.5,)):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    found = detection.hits(boxes, np.array(scores), objects, difficult, bounds)
    return found.tolist()


def test_the_best_detection_of_an_object_hits_and_the_others_are_false():
    boxes = [[0, 0, 10, 6], [0, 0, 10, 10], [20, 0, 30, 10]]
    assert judged(boxes, [0.9, 0.8, 0.7]) == [[1, 0, 0]]
    assert judged(boxes, [0.7, 0.8, 0.9]) == [[0, 1, 0]]


def test_the_iou_may_equal_the_bound():
    boxes = [[0, 0, 10, 7], [0, 0, 10, 5]]
    assert judged(boxes, [0.8, 0.9], bounds=(0.5, 0.7)) == [[0, 1], [1, 0]]
    assert judged([[0, 0, 10, 4.9]], [0.9]) == [[0]]


def test_a_detection_of_a_difficult_object_counts_neither_way_each_time():
    boxes = [[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 4]]
    assert judged(boxes, [0.9, 0.8, 0.7], difficult=HARD) == [[-1, -1, 0]]


def test_a_detection_is_of_the_object_that_it_overlaps_most():
    """VOC's rule: it does not move on to one that is free."""
    objects = np.array([[0, 0, 10, 10], [0, 0, 10, 8]], np.float32)
    easy = np.array([False, False])
    boxes = [[0, 0, 10, 10], [0, 0, 10, 10]]
    assert judged(boxes, [0.9, 0.8], objects, easy) == [[1, 0]]


def ap(photographs, bound=0.5, form="area"):
    """photographs: [(boxes, scores, objects, difficult)], as lists."""
    scores, found, count = [], [], 0
    for boxes, values, objects, difficult in photographs:
        boxes, objects = (np.array(b, float).reshape(-1, 4) for b in (boxes, objects))
        hard, values = np.array(difficult, bool), np.array(values, float)
        found.append(detection.hits(boxes, values, objects, hard, [bound])[0])
        scores.append(values)
        count += int((~hard).sum())
    joined = [np.concatenate([[], *rows]) for rows in (scores, found)]
    return detection.average_precision(*joined, count, form)


def test_without_objects_all_are_false_and_ap_is_unknown():
    assert judged(BOX, [0.9], np.empty((0, 4)), np.empty(0, bool)) == [[0]]
    assert np.isnan(ap([(BOX, [0.9], [], [])])) and np.isnan(ap([]))


def test_objects_without_a_detection_are_missed():
    missed, found = ([], [], BOX, PLAIN), (BOX, [0.4], BOX, PLAIN)
    assert ap([missed]) == 0
    assert ap([missed, found]) == 0.5
    # at recalls 0 to 0.5, of eleven
    assert ap([missed, found], form="eleven_point") == pytest.approx(6 / 11)


def test_cocos_bounds_are_ten():
    aps = [ap([([[0, 0, 10, 7.2]], [0.9], BOX, PLAIN)], b) for b in detection.COCO]
    assert aps == [1] * 5 + [0] * 5  # 0.5 to 0.7 of 0.5 to 0.95


def test_scores_that_are_not_one_a_box_or_not_finite_are_refused():
    with pytest.raises(errors.MidlevelError, match="1 boxes, 2 scores"):
        judged(BOX, [0.9, 0.1])
    with pytest.raises(errors.MidlevelError, match="must be finite"):
        detection.average_precision(np.array([np.nan]), np.array([1]), 1)


def test_ten_thousand_boxes_of_a_photograph():
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 500, (10_000, 2, 2))
    boxes = np.hstack([corners.min(axis=1), corners.max(axis=1)])
    objects, values = boxes[:30], rng.random(10_000)
    found = detection.hits(boxes, values, objects, np.zeros(30, bool), detection.COCO)
    assert found.shape == (10, 10_000) and (found[0] == 1).sum() <= 30


def test_corloc_asks_for_half_of_any_object():
    objects = np.array([[50, 50, 60, 60], [0, 0, 10, 5]])
    assert detection.is_found(BOX[0], objects)
    assert not detection.is_found(BOX[0], objects - [0, 0, 0, 1])
    assert not detection.is_found(BOX[0], np.empty((0, 4)))


# A second way: one detection at a time, as VOCevaldet.m goes through them.


def slow_iou(one, other):
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)]
    return shared / (sum(areas) - shared)


def slow_ap(photographs, bound, form):
    """photographs: [(boxes, scores, objects, difficult)], as lists."""
    rows = []
    for number, (boxes, scores, *_) in enumerate(photographs):
        rows += [(-s, b, number) for b, s in zip(boxes, scores, strict=True)]
    to_find = sum(not hard for *_, difficult in photographs for hard in difficult)
    if not to_find:
        return float("nan")
    taken, points, right, wrong = set(), [], 0, 0
    rows.sort(key=lambda row: (row[0], row[2], row[1]))
    for i, (score, box, number) in enumerate(rows):
        _, _, objects, difficult = photographs[number]
        best, best_iou = None, -1
        easy_first = sorted(range(len(objects)), key=lambda j: difficult[j])
        for j in easy_first:
            if (overlap := slow_iou(box, objects[j])) > best_iou:
                best, best_iou = j, overlap
        if best_iou >= bound - 1e-9 and difficult[best]:
            pass
        elif best_iou >= bound - 1e-9 and (number, best) not in taken:
            taken.add((number, best))
            right += 1
        else:
            wrong += 1
        if (i + 1 == len(rows) or rows[i + 1][0] != score) and right + wrong:
            points.append((right / to_find, right / (right + wrong)))
    if form == "eleven_point":
        above = [[p for r, p in points if r >= t / 10 - 1e-9] for t in range(11)]
        return sum(max(precisions, default=0) for precisions in above) / 11
    area, before = 0.0, 0.0
    for recall, _ in points:
        area += (recall - before) * max(p for r, p in points if r >= recall)
        before = recall
    return area


@st.composite
def box(draw):
    x, y = draw(st.integers(0, 6)), draw(st.integers(0, 6))
    return [x, y, x + draw(st.integers(1, 6)), y + draw(st.integers(1, 6))]


@st.composite
def photograph(draw):
    boxes = draw(st.lists(box(), max_size=6))
    scores = [draw(st.integers(0, 3)) / 4 for _ in boxes]
    unique = st.lists(box(), max_size=3, unique_by=tuple)
    objects = sorted(draw(unique))
    return boxes, scores, objects, [draw(st.booleans()) for _ in objects]


@given(st.lists(photograph(), max_size=4), st.sampled_from(["area", "eleven_point"]))
def test_it_is_what_going_through_them_one_by_one_gives(photographs, form):
    for bound in (0.5, 0.7):
        expected = slow_ap(photographs, bound, form)
        assert ap(photographs, bound, form) == pytest.approx(expected, nan_ok=True)


@given(st.lists(photograph(), max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_the_input_never_matters(photographs, random):
    def mixed(rows, values):
        pairs = list(zip(rows, values, strict=True))
        random.shuffle(pairs)
        return [list(column) for column in zip(*pairs, strict=True)] or [[], []]

    others = [
        (*mixed(boxes, scores), *mixed(objects, difficult))
        for boxes, scores, objects, difficult in photographs
    ]
    random.shuffle(others)
    for form in metrics.FORMS:
        one, other = ap(photographs, form=form), ap(others, form=form)
        assert one == pytest.approx(other, nan_ok=True)
