import numpy as np
import pytest
from helpers import slow_area, slow_iou, slow_shared
from hypothesis import given
from hypothesis import strategies as st

from midlevel.method import boxes

coordinates = st.integers(-20, 60).map(lambda quarter: quarter / 4)
any_box = st.tuples(coordinates, coordinates, coordinates, coordinates)
upright_box = any_box.map(
    lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))
)
some_boxes = st.lists(upright_box, max_size=5).map(
    lambda rows: np.array(rows, np.float32).reshape(-1, 4)
)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((0, 0, 4, 3), 12),
        ((1.5, 0, 2, 4), 2),
        ((2, 2, 2, 5), 0),  # no width
        ((3, 0, 1, 4), 0),  # inverted in x
        ((3, 4, 1, 0), 0),  # inverted in x and y: not a product of two negatives
    ],
)
def test_area_counts_half_open_pixels(box, expected):
    assert boxes.area(np.array([box], np.float32)).tolist() == [expected]


@pytest.mark.parametrize(
    ("first", "second", "shared", "iou"),
    [
        ((0, 0, 2, 2), (0, 0, 2, 2), 4, 1),
        ((0, 0, 2, 2), (1, 0, 3, 2), 2, 1 / 3),
        ((0, 0, 4, 4), (1, 1, 3, 3), 4, 1 / 4),  # one within the other
        ((0, 0, 2, 2), (2, 0, 4, 2), 0, 0),  # they touch by a side
        ((0, 0, 2, 2), (5, 5, 6, 6), 0, 0),
        ((0, 0, 2, 2), (1, 1, 1, 1), 0, 0),  # one is empty
        ((1, 1, 1, 1), (1, 1, 1, 1), 0, 0),  # both are
    ],
)
def test_intersection_and_iou_of_hand_computed_pairs(first, second, shared, iou):
    first, second = np.array([first], np.float32), np.array([second], np.float32)
    assert boxes.intersection(first, second).tolist() == [[shared]]
    np.testing.assert_allclose(boxes.iou(first, second), [[iou]], rtol=1e-6)


@given(some_boxes, some_boxes)
def test_pairs_agree_with_a_loop(first, second):
    shape = (len(first), len(second))
    shared = np.array([[slow_shared(a, b) for b in second] for a in first])
    iou = np.array([[slow_iou(a, b) for b in second] for a in first])
    np.testing.assert_allclose(
        boxes.intersection(first, second), shared.reshape(shape), rtol=1e-6
    )
    np.testing.assert_allclose(
        boxes.iou(first, second), iou.reshape(shape), rtol=1e-5, atol=1e-7
    )


@given(some_boxes)
def test_area_agrees_with_a_loop(rows):
    assert boxes.area(rows).tolist() == [slow_area(row) for row in rows]


@given(some_boxes, some_boxes)
def test_iou_is_symmetric_and_between_nought_and_one(first, second):
    iou = boxes.iou(first, second)
    np.testing.assert_array_equal(iou, boxes.iou(second, first).T)
    assert ((iou >= 0) & (iou <= 1)).all()


@given(some_boxes)
def test_iou_of_a_box_with_itself_is_one_unless_it_is_empty(rows):
    own = np.diagonal(boxes.iou(rows, rows))
    np.testing.assert_array_equal(own, (boxes.area(rows) > 0).astype(np.float32))


@pytest.mark.parametrize("function", [boxes.intersection, boxes.iou])
@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 3), (2, 0)])
def test_no_boxes_give_an_empty_table(function, n, m):
    table = function(np.zeros((n, 4), np.float32), np.zeros((m, 4), np.float32))
    assert table.shape == (n, m) and table.dtype == np.float32


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((-1, 2, 9, 3), (0, 2, 5, 3)),
        ((1, 1, 2, 2), (1, 1, 2, 2)),
        ((0, 0, 5, 4), (0, 0, 5, 4)),
        ((7, 8, 9, 9), (5, 4, 5, 4)),  # wholly outside: empty, in the corner
    ],
)
def test_clip_cuts_at_the_borders(box, expected):
    cut = boxes.clip(np.array([box], np.float64), (5, 4))
    assert cut.tolist() == [list(expected)] and cut.dtype == np.float32


@given(some_boxes, st.integers(1, 12), st.integers(1, 12))
def test_clip_keeps_what_lies_in_the_image_and_nothing_else(rows, width, height):
    whole = np.array([[0, 0, width, height]], np.float32)
    cut = boxes.clip(rows, (width, height))
    np.testing.assert_array_equal(
        boxes.area(cut), boxes.intersection(rows, whole)[:, 0]
    )
    np.testing.assert_array_equal(boxes.clip(cut, (width, height)), cut)


@given(some_boxes, st.integers(1, 100))
def test_mirror_twice_is_the_identity(rows, width):
    once = boxes.mirror(rows, width)
    np.testing.assert_array_equal(boxes.mirror(once, width), rows)
    np.testing.assert_array_equal(boxes.area(once), boxes.area(rows))


def test_mirror_leaves_its_argument_alone():
    rows = np.array([[0, 1, 2, 3]], np.float32)
    boxes.mirror(rows, 10)
    assert rows.tolist() == [[0, 1, 2, 3]]


def test_mirror_follows_the_pixels():
    image = np.zeros((4, 7), bool)
    image[1:3, 2:4] = True
    ((left, top, right, bottom),) = boxes.mirror(np.array([[2, 1, 4, 3]]), 7).astype(
        int
    )
    flipped = image[:, ::-1]
    assert flipped[top:bottom, left:right].all()
    assert flipped.sum() == (bottom - top) * (right - left)


@given(some_boxes, some_boxes)
def test_shares_are_of_either_box_of_a_pair(first, second):
    of_first, of_second = boxes.shares(first, second)
    np.testing.assert_array_equal(of_second, boxes.shares(second, first)[0].T)
    for i, j in np.ndindex(of_first.shape):
        expected = slow_shared(first[i], second[j]) / (slow_area(first[i]) or 1)
        assert of_first[i, j] == pytest.approx(expected)


def slow_suppress(rows, scores, most, overlap):
    kept = []
    for i in sorted(range(len(rows)), key=lambda i: (-scores[i], i)):
        if all(slow_iou(rows[i], rows[k]) < overlap for k in kept):
            kept.append(i)
    return kept[:most]


@pytest.mark.parametrize(("most", "overlap"), [(None, 0.3), (10, 0.3), (3, 0.5)])
def test_suppression_keeps_the_best_of_what_overlaps(most, overlap):
    rng = np.random.default_rng(0)
    for count in (0, 1, 60):
        corner = rng.integers(0, 70, (count, 2))
        rows = np.hstack([corner, corner + 30]).astype(np.float32)
        scores = rng.integers(0, 9, count) / 10
        found = boxes.suppress(rows, scores, most, overlap)
        assert found.tolist() == slow_suppress(rows, scores, most, overlap)
        assert found.dtype == int


@pytest.mark.parametrize(
    ("box", "number"),
    [
        ((12, 12, 18, 18), 0),  # wholly inside
        ((0, 0, 30, 30), 0),  # around it
        ((15, 10, 25, 20), 0),  # half of either
        ((16, 10, 26, 20), -1),  # less than half
        ((28, 10, 38, 20), 1),
        ((10, 10, 40, 20), 0),  # two lie in it and fit alike: the first
        ((13, 10, 40, 20), 1),  # the second fits better
        ((50, 50, 60, 60), -1),
        ((12, 12, 12, 18), -1),  # without area
    ],
)
def test_a_box_lies_on_what_is_half_in_it_or_holds_half_of_it(box, number):
    others = np.array([(10, 10, 20, 20), (30, 10, 40, 20)], np.float32)
    assert boxes.lies_on(np.array([box], np.float32), others).tolist() == [number]
    assert boxes.lies_on(np.array([box], np.float32), others[:0]).tolist() == [-1]
    assert boxes.lies_on(np.zeros((0, 4), np.float32), others).tolist() == []
