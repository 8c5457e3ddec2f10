from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from midlevel.datasets import mending
from midlevel.datasets.annotation import FATES, KINDS, Annotation, Problem
from midlevel.datasets.dataset import Example

PLACE, SOURCE = Path("set/a.jpg"), Path("set/a.txt")


def annotation(*boxes, **more):
    count = len(boxes)
    names = [f"name {i}" for i in range(count)]
    lines = [10 + i for i in range(count)]
    difficult = [i % 2 == 1 for i in range(count)]
    columns = {"names": names, "difficult": difficult, "lines": lines}
    return Annotation(PLACE, None, boxes, **{**columns, "source": SOURCE, **more})


def example(*boxes, size_wh=None, relative=False, lines=True):
    count = len(boxes)
    return Example(
        PLACE,
        size_wh,
        np.array(boxes, np.float32).reshape(-1, 4),
        np.arange(1, count + 1).astype(np.int16),
        np.arange(count) % 2 == 1,
        np.array([7], np.int16),
        np.arange(10, 10 + count) if lines else np.array([], int),
        SOURCE,
        relative,
    )


# === Without a size ===


def test_good_boxes_are_left_as_they_are():
    row = annotation((1, 2, 3, 4), (0.5, 0.5, 0.6, 9e6))
    assert mending.upright(row) == (row, [])
    assert mending.upright(Annotation(PLACE)) == (Annotation(PLACE), [])


@pytest.mark.parametrize(
    "box", [(3, 2, 1, 4), (1, 4, 3, 2), (3, 4, 1, 2), (3.0, 4.0, 1.0, 2.0)]
)
def test_corners_in_the_wrong_order_are_swapped(box):
    row, (problem,) = mending.upright(annotation((5, 5, 6, 6), box))
    assert list(row.boxes) == [(5, 5, 6, 6), (1, 2, 3, 4)]
    assert list(row.names) == ["name 0", "name 1"]
    numbers = ", ".join(f"{value:g}" for value in box)
    assert (
        str(problem) == f"{SOURCE}:11: box 2 (name 1) ({numbers}): is inverted: swapped"
    )


@pytest.mark.parametrize(
    ("box", "text"),
    [
        ((1, 2, 1, 4), "no area"),
        ((1, 2, 3, 2), "no area"),
        ((float("nan"), 2, 3, 4), "expected numbers"),
        ((1, 2, float("inf"), 4), "expected numbers"),
        ((1, -1e9, 3, 4), "expected numbers"),
    ],
)
def test_a_box_without_area_or_numbers_is_dropped_with_all_of_its_columns(box, text):
    row, (problem,) = mending.upright(annotation((1, 1, 2, 2), box, (3, 3, 4, 4)))
    assert list(row.boxes) == [(1, 1, 2, 2), (3, 3, 4, 4)]
    assert list(row.names) == ["name 0", "name 2"]
    assert list(row.difficult) == [False, False] and list(row.lines) == [10, 12]
    assert (problem.kind, problem.fate, problem.line) == ("box", "dropped", 11)
    assert text in problem.text


def test_where_no_lines_are_known_none_is_told():
    row, (problem,) = mending.upright(annotation((1, 2, 1, 4), lines=[], source=None))
    assert list(row.lines) == [] and problem.line is None
    assert problem.file == PLACE


# === With the photograph's size ===


def test_shares_become_pixels():
    found, problems = mending.fit(example((0, 0.25, 0.5, 1), relative=True), (200, 100))
    assert found.boxes.tolist() == [[0, 25, 100, 100]] and not problems
    assert not found.relative and found.boxes.dtype == np.float32
    assert mending.fit(found, (200, 100))[0].boxes.tolist() == found.boxes.tolist()


def test_what_reaches_out_is_clipped_and_what_lies_outside_dropped():
    before = example((5, 5, 10, 10), (-8, 2, 5, 30), (20, 0, 30, 5), (1, 1, 2, 2))
    found, problems = mending.fit(before, (20, 16))
    assert found.boxes.tolist() == [[5, 5, 10, 10], [0, 2, 5, 16], [1, 1, 2, 2]]
    assert found.classes.tolist() == [1, 2, 4]
    assert found.difficult.tolist() == [False, True, True]
    assert found.lines.tolist() == [10, 11, 13] and found.unboxed.tolist() == [7]
    assert [(p.line, p.fate) for p in problems] == [(11, "clipped"), (12, "dropped")]
    text = "box (-8, 2, 5, 30) reaches out of the photograph of 20 x 16 pixels"
    assert str(problems[0]) == f"{SOURCE}:11: {text}: clipped"


@pytest.mark.parametrize("out", [0.25, 1.0])
def test_a_pixel_outside_is_cut_off_without_a_word(out):
    found, problems = mending.fit(example((-out, 0, 20 + out, 16)), (20, 16))
    assert found.boxes.tolist() == [[0, 0, 20, 16]] and not problems


def test_a_box_of_the_sides_lying_down_leaves_the_photograph_out():
    found, problems = mending.fit(example((1, 1, 15, 19), size_wh=(16, 20)), (20, 16))
    assert [p.fate for p in problems] == ["left out", "clipped"]
    assert problems[0].kind == "size" and "lying down" in problems[0].text


def test_exchanged_sides_of_boxes_that_fit_only_as_it_is_are_told_and_kept():
    before = example((1, 1, 19, 10), size_wh=(16, 20))
    found, (problem,) = mending.fit(before, (20, 16))
    assert found.boxes.tolist() == [[1, 1, 19, 10]]
    assert problem.fate == "kept" and "lying down" not in problem.text


def test_another_size_is_told_and_kept():
    before = example((1, 1, 5, 5), size_wh=(40, 20))
    found, (problem,) = mending.fit(before, (20, 16))
    assert (problem.kind, problem.fate) == ("size", "kept")
    assert "is said to be 40 x 20 pixels and is 20 x 16 upright" in problem.text
    assert found.boxes.tolist() == [[1, 1, 5, 5]]


@pytest.mark.parametrize(
    ("stated", "size_wh", "mended"),
    [
        ((400, 300), (200, 150), [10, 20, 100, 75]),  # as resized after labelling
        ((100, 75), (200, 150), [40, 80, 200, 150]),  # as labelled on a preview
        ((1000, 667), (500, 333), [10, 20, 100, 75]),  # which rounds
    ],
)
def test_boxes_on_another_size_of_the_same_shape_are_scaled(stated, size_wh, mended):
    box = (20, 40, 200, 150) if stated[0] > 100 else (20, 40, 100, 75)
    found, (problem,) = mending.fit(example(box, size_wh=stated), size_wh)
    assert (problem.kind, problem.fate) == ("size", "scaled")
    assert found.boxes[0] == pytest.approx(mended, abs=0.2)


def test_boxes_that_fit_only_the_photograph_as_it_is_are_not_scaled():
    before = example((20, 40, 190, 140), size_wh=(100, 75))
    found, (problem,) = mending.fit(before, (200, 150))
    assert problem.fate == "kept" and found.boxes.tolist() == [[20, 40, 190, 140]]


@pytest.mark.parametrize(
    ("box", "stated", "size_wh", "relative"),
    [
        ((20, 40, 50, 75), (100, 75), (200, 150), False),  # small enough to scale twice
        ((0.1, 0.1, 0.3, 0.9), (160, 120), (120, 160), True),  # stored turned
    ],
)
def test_what_is_mended_is_left_as_it_is(box, stated, size_wh, relative):
    before = example(box, size_wh=stated, relative=relative)
    once, problems = mending.fit_or_leave_out(before, size_wh)
    assert len(problems) == 1 and once is not None
    again, problems = mending.fit_or_leave_out(once, size_wh)
    assert problems == [] and again is not None
    assert again.boxes.tolist() == once.boxes.tolist()


def test_a_photograph_without_boxes_fits():
    before = example(size_wh=(20, 16), lines=False)
    found, problems = mending.fit(before, (20, 16))
    assert found.boxes.shape == (0, 4) and not problems


COORDINATE = st.floats(-1e3, 1e3, width=32) | st.sampled_from([0.0, 1.0, 20.0])
BOX = st.tuples(*[COORDINATE] * 4)


@hypothesis.given(st.lists(BOX, max_size=6))
def test_mended_boxes_lie_inside_have_area_and_the_rest_is_told(boxes):
    row, first = mending.upright(annotation(*boxes))
    found, then = mending.fit(example(*row.boxes), (20, 16))
    left, top, right, bottom = found.boxes.T
    assert (left < right).all() and (top < bottom).all()
    assert (left >= 0).all() and (top >= 0).all()
    assert (right <= 20).all() and (bottom <= 16).all()
    problems = first + then
    dropped = sum(problem.fate == "dropped" for problem in problems)
    assert len(found.boxes) + dropped == len(boxes)
    assert {p.kind for p in problems} <= {*KINDS} and {p.fate for p in problems} <= {
        *FATES
    }


def test_a_problem_is_a_line():
    assert str(Problem(SOURCE, "box", "text.", "kept")) == f"{SOURCE}: text: kept"


# === What names a photograph ===


@pytest.mark.parametrize(
    ("source", "start"),
    [
        ("set/annotations/all.json", "a.jpg: "),
        ("set/a.csv", "a.jpg: "),
        ("all.json", "set/a.jpg: "),
        ("set/a.xml", ""),
        ("set/a.jpg", ""),
    ],
)
def test_a_file_about_several_photographs_has_the_one_named(source, start):
    row = annotation((1, 2, 1, 4), source=Path(source), lines=[])
    left, (problem,) = mending.upright(row)
    assert problem.text.startswith(f"{start}box 1 (name 0)")
    nothing = mending.nothing_left(row, left)
    assert nothing.text.startswith(f"{start}none of its 1 boxes")
    (lined,) = mending.upright(annotation((1, 2, 1, 4), source=Path(source)))[1]
    assert lined.line == 10 and lined.text.startswith("box 1")


def test_what_two_splits_say_alike_is_told_once_and_what_one_says_twice_twice():
    one, other = (Problem(SOURCE, "box", text, "kept") for text in ("one", "other"))
    groups = [[one, one], [other], [], [one, other]]
    assert mending.each_once(groups) == [one, one, other]
