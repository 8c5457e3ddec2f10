from types import SimpleNamespace

import numpy as np
import pytest
from helpers import slow_assign
from hypothesis import given
from hypothesis import strategies as st

from midlevel.method import class_weights, labels
from midlevel.method.labels import Rules
from midlevel.settings import sections
from midlevel.training import labelled_windows

WINDOW = np.array([[0, 0, 10, 10]], np.float32)  # its area is 100
PERSON, SHEEP = 1, 2
FITS = (0, 0, 5, 8)
FITS_TOO = (5, 0, 10, 8)
SMALL = (0, 0, 4, 4)  # 16 % of the window
TRUNCATED = (5, 0, 25, 10)  # 25 % of it shows
AWAY = (20, 20, 30, 30)


def assign(objects, **settings):
    """Class id of WINDOW with objects `(class, box)` or `(class, box, difficult)`."""
    boxes = np.array([row[1] for row in objects], np.float32).reshape(-1, 4)
    classes = np.array([row[0] for row in objects], np.int16)
    difficult = np.array([row[2:] == (True,) for row in objects], bool)
    (found,) = labels.by_boxes(WINDOW, boxes, classes, difficult, Rules(**settings))[0]
    return int(found)


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([(PERSON, FITS)], PERSON),
        ([(PERSON, FITS), (SHEEP, SMALL)], PERSON),
        ([(PERSON, TRUNCATED), (SHEEP, FITS)], SHEEP),
        ([(PERSON, FITS), (SHEEP, FITS_TOO)], -1),  # "2 labels : delete"
        ([(PERSON, TRUNCATED), (SHEEP, SMALL)], 0),
        ([(PERSON, TRUNCATED)], 0),
        ([(SHEEP, SMALL)], 0),
        ([(PERSON, AWAY)], 0),
        ([(PERSON, FITS), (SHEEP, AWAY), (SHEEP, SMALL)], PERSON),
        ([], 0),
        ([(PERSON, (0, 0, 0, 10))], 0),  # an empty box
    ],
)
def test_the_cases_of_the_papers_figure_4(objects, expected):
    assert assign(objects) == expected


@pytest.mark.parametrize(
    ("objects", "leave_out", "keep"),
    [
        ([(PERSON, FITS), (PERSON, FITS_TOO)], -1, PERSON),
        ([(PERSON, FITS), (SHEEP, FITS_TOO)], -1, -1),
        ([(PERSON, FITS), (PERSON, FITS), (SHEEP, FITS_TOO)], -1, -1),
        ([(PERSON, FITS), (PERSON, SMALL)], PERSON, PERSON),
    ],
)
def test_two_boxes_of_the_same_class(objects, leave_out, keep):
    assert assign(objects) == assign(objects, same_class="leave_out") == leave_out
    assert assign(objects, same_class="keep") == keep


@pytest.mark.parametrize(
    ("objects", "leave_out", "use", "ignore"),
    [
        ([(PERSON, FITS, True)], -1, PERSON, 0),
        ([(PERSON, FITS, True), (SHEEP, FITS_TOO)], -1, -1, SHEEP),
        ([(PERSON, SMALL, True), (SHEEP, FITS_TOO)], SHEEP, SHEEP, SHEEP),
        ([(PERSON, TRUNCATED, True)], 0, 0, 0),
    ],
)
def test_difficult_boxes_under_the_three_treatments(objects, leave_out, use, ignore):
    assert assign(objects) == leave_out  # the default
    assert assign(objects, difficult="leave_out") == leave_out
    assert assign(objects, difficult="use") == use
    assert assign(objects, difficult="ignore") == ignore


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((0, 0, 4, 5), True),  # 20 % of the window exactly
        ((0, 0, 4, 4.99), False),
        ((4, 0, 14, 10), True),  # 60 % of the box exactly
        ((4.1, 0, 14.1, 10), False),
        ((0.1, 0.1, 4.1, 5.1), True),  # 20 % again, which float32 cannot write
    ],
)
def test_both_bounds_belong_to_the_positives(box, expected):
    assert labels.qualifies(WINDOW, np.array([box], np.float32)).tolist() == [
        [expected]
    ]


def test_bounds_of_nought_do_not_let_boxes_elsewhere_qualify():
    assert assign([(PERSON, AWAY)], min_of_window=0, min_of_box=0) == 0


corner = st.integers(0, 12)
boxes = st.tuples(corner, corner, st.integers(0, 12), st.integers(0, 12)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
objects = st.lists(st.tuples(st.integers(1, 3), boxes, st.booleans()), max_size=5)
bounds = st.floats(0, 1)


@given(
    objects,
    st.lists(boxes, min_size=1, max_size=5),
    st.sampled_from(["leave_out", "keep"]),
    st.sampled_from(["leave_out", "use", "ignore"]),
)
def test_assign_agrees_with_the_rules_one_by_one(objects, rows, same, difficult):
    rows = np.array(rows, np.float32)
    given_boxes = np.array([o[1] for o in objects], np.float32).reshape(-1, 4)
    classes = np.array([o[0] for o in objects], int)
    hard = np.array([o[2] for o in objects], bool)
    found, _ = labels.by_boxes(
        rows, given_boxes, classes, hard, Rules(same_class=same, difficult=difficult)
    )
    slow = [slow_assign(r, given_boxes, classes, hard, same, difficult) for r in rows]
    assert found.tolist() == slow and found.dtype == np.int16


@given(st.lists(boxes, min_size=1, max_size=8), bounds, bounds, bounds, bounds)
def test_growing_a_threshold_never_adds_positives(rows, a, b, c, d):
    rows = np.array(rows, np.float32)
    loose = labels.qualifies(WINDOW, rows, min(a, b), min(c, d))
    strict = labels.qualifies(WINDOW, rows, max(a, b), max(c, d))
    assert (loose | ~strict).all()


# === Background and weights ===


@given(st.integers(0, 9), st.sampled_from(["a", "b"]), st.floats(0, 1))
def test_sampling_touches_background_alone(seed, name, fraction):
    ids = np.array([0, 1, -1, 0, 2, 0], np.int16)
    kept = labels.sample_background(ids, fraction, seed, name)
    assert kept[ids != 0].tolist() == [1, -1, 2]
    assert set(kept[ids == 0].tolist()) <= {0, -1}


def test_sampling_depends_on_seed_and_name_alone():
    ids = np.zeros(500, np.int16)
    draw = labels.sample_background(ids, 0.3, 1, "a")
    np.random.default_rng(0).random(100)
    np.testing.assert_array_equal(labels.sample_background(ids, 0.3, 1, "a"), draw)
    assert (labels.sample_background(ids, 0.3, 2, "a") != draw).any()
    assert (labels.sample_background(ids, 0.3, 1, "b") != draw).any()


@pytest.mark.parametrize(("fraction", "least", "most"), [(1, 1, 1), (0.1, 0.09, 0.11)])
def test_sampling_keeps_about_the_fraction(fraction, least, most):
    kept = labels.sample_background(np.zeros(20_000, np.int16), fraction, 0, "a") == 0
    assert least <= kept.mean() <= most


@pytest.mark.parametrize(
    ("how", "counts", "expected"),
    [
        ("none", [900, 100], [1, 1]),
        ("balanced", [900, 100], [0.5556, 5]),
        ("sqrt", [900, 100], [0.8333, 2.5]),
        ("sqrt", [900, 0, 100], [0.8333, 1, 2.5]),  # a class without windows
        ("balanced", [0, 0], [1, 1]),
    ],
)
def test_class_weights_by_hand(how, counts, expected):
    weights = class_weights.of(np.array(counts), how)
    np.testing.assert_allclose(weights, expected, atol=1e-4)
    assert weights.dtype == np.float32


@given(
    st.lists(st.integers(0, 10_000), min_size=1, max_size=9).filter(any),
    st.sampled_from(["none", "sqrt", "balanced"]),
)
def test_class_weights_have_mean_one_over_the_windows(counts, how):
    counts = np.array(counts)
    mean = (class_weights.of(counts, how) * counts).sum() / counts.sum()
    assert mean == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("how", ["none", "sqrt", "balanced"])
def test_sampling_and_weighing_background_expect_the_same_totals(how):
    ids = np.repeat([0, 1, 2, -1], [5000, 200, 50, 30]).astype(np.int16)

    def totals(ids, **settings):
        weights = labelled_windows._weigh(
            ids, 3, sections.Labels(class_weights=how, **settings)
        )
        return np.bincount(ids[ids >= 0], minlength=3) * weights

    draws = [labels.sample_background(ids, 0.1, seed, "a") for seed in range(40)]
    sampled = np.mean([totals(draw, background="sample") for draw in draws], axis=0)
    weighed = totals(ids, background="weight", background_fraction=0.1)
    np.testing.assert_allclose(weighed, sampled, rtol=0.03)


# === Labels without boxes ===

WHOLE = np.array([[0.0, 0, 9, 9], [1, 0, 10, 9], [2, 0, 11, 9], [0, 0, 3, 3]])


@pytest.mark.parametrize(
    ("ids", "classes", "expected"),
    [
        ([0, 0, 0, 0], [2], [2, 2, 2, -1]),
        ([0, 0, 0, 0], [2, 5], [2, 5, 2, -1]),
        ([0, 0, 0, 0], [1, 2, 3, 4], [1, 2, 3, -1]),
        ([0, 7, 0, 0], [2, 5], [2, 7, 5, -1]),  # what a box says stands
        ([0, -1, 0, 7], [2], [2, -1, 2, 7]),
        ([7, 7, 7, 0], [2], [7, 7, 7, -1]),
    ],
)
def test_the_largest_windows_take_labels_in_turns_and_none_is_background(
    ids, classes, expected
):
    before = np.array(ids, np.int16)
    found = labels.of_whole(before, WHOLE, np.array(classes, np.int16))
    assert found.tolist() == expected and found.dtype == np.int16
    assert before.tolist() == ids


@given(
    st.lists(
        st.tuples(*[st.integers(0, 20)] * 2, *[st.integers(1, 9)] * 2), min_size=1
    ),
    st.lists(st.integers(1, 5), min_size=1, max_size=5, unique=True),
    st.randoms(use_true_random=False),
)
def test_labels_of_the_whole_change_nothing_but_background(corners, classes, random):
    left, top, width, height = np.array(corners, np.float32).T
    windows = np.stack([left, top, left + width, top + height], axis=1)
    ids = np.array([random.choice([-1, 0, 6]) for _ in corners], np.int16)
    found = labels.of_whole(ids, windows, np.array(classes))
    np.testing.assert_array_equal(found[ids != 0], ids[ids != 0])
    assert not (found == 0).any() and set(found.tolist()) <= {-1, 6, *classes}
    areas = width * height
    labelled = (ids == 0) & (found > 0)
    assert (areas[labelled] >= 0.99 * areas.max()).all()


def objects_of(unboxed):
    """A sheep with a box, and classes without."""
    return SimpleNamespace(
        boxes=np.array([(0, 0, 3, 3)], np.float32),
        classes=np.array([SHEEP], np.int16),
        difficult=np.array([False]),
        unboxed=np.array(unboxed, np.int16),
        not_said=np.array([], np.int16),
        partly_boxed=np.array([], np.int16),
    )


@pytest.mark.parametrize(
    "unboxed, expected", [("largest", [5, 5, 5, 2]), ("leave_out", [-1, -1, -1, 2])]
)
def test_labels_without_boxes_teach_the_largest_windows_or_none(unboxed, expected):
    rules = Rules(unboxed=unboxed)
    found = labels.judge(WHOLE, objects_of([5]), rules, 0, "a")
    assert found.ids.tolist() == expected
    plain = labels.judge(WHOLE, objects_of([]), rules, 0, "a")
    assert plain.ids.tolist() == [0, 0, 0, 2]


def test_where_labels_alone_teach_no_window_has_a_label():
    found = labels.judge_alone(3)
    assert found.ids.tolist() == [-1] * 3 and set(found.reasons) == {labels.ALONE}


def test_a_window_lies_on_an_object_of_a_class_or_on_background():
    objects = SimpleNamespace(
        boxes=np.array([FITS, (40, 0, 50, 10)]), classes=np.array([SHEEP, PERSON])
    )
    windows = np.array([WINDOW[0], (40, 0, 50, 9), AWAY], np.float32)
    found = labels.lies_on(windows, objects)
    assert found.tolist() == [SHEEP, PERSON, 0] and found.dtype == np.int16
    nothing = SimpleNamespace(boxes=np.zeros((0, 4)), classes=np.array([], np.int16))
    assert labels.lies_on(windows, nothing).tolist() == [0, 0, 0]


@pytest.mark.parametrize("open_classes", [{"not_said": [2]}, {"partly_boxed": [1]}])
def test_where_not_all_is_known_no_window_is_background(open_classes):
    windows = np.array([[0, 0, 10, 10], [40, 40, 50, 50]], np.float32)
    given = SimpleNamespace(
        boxes=np.array([FITS], np.float32),
        classes=np.array([PERSON]),
        difficult=np.array([False]),
        unboxed=np.array([], np.int16),
        **{"not_said": np.array([]), "partly_boxed": np.array([])} | open_classes,
    )
    judged = labels.judge(windows, given, Rules(), 0, "a")
    assert judged.ids.tolist() == [PERSON, -1]
    assert judged.reasons.tolist() == ["object", "not said"]
