import numpy as np
import pytest
from helpers import slow_score_map
from hypothesis import given
from hypothesis import strategies as st

from midlevel.method import scores

SIZE = (9, 6)
unit = st.floats(0, 1, width=32)
powers = st.sampled_from(scores.K_CHOICES)


def arrays(*shape):
    return st.lists(
        unit, min_size=int(np.prod(shape)), max_size=int(np.prod(shape))
    ).map(lambda values: np.array(values).reshape(shape))


edges = st.tuples(*[st.integers(0, 4 * side) for side in SIZE * 2]).map(
    lambda quarters: np.array(quarters) / 4
)
window = edges.map(
    lambda e: np.concatenate(
        [
            np.minimum(e[:2], e[2:]).clip(0, np.subtract(SIZE, 1)),
            np.maximum(e[:2], e[2:]),
        ]
    )
).map(lambda w: np.concatenate([w[:2], np.maximum(w[2:], w[:2] + 1)]))


# === Image scores ===


@pytest.mark.parametrize(
    ("values", "k", "expected"),
    [
        ([0.2, 0.4], 1, 0.3),
        ([0.0, 0.8], 2, 0.8 / np.sqrt(2)),
        ([0.5, 0.5, 0.5], 5, 0.5),
        ([0.3], 7, 0.3),
        ([0, 0], 5, 0),
        ([1, 1], 10, 1),
    ],
)
def test_image_scores_of_hand_computed_windows(values, k, expected):
    found = scores.image_scores(np.array(values)[:, None], k)
    np.testing.assert_allclose(found, [expected])


def test_image_scores_order_images_as_the_papers_formula_does():
    images = np.random.default_rng(0).random((30, 40, 3))
    ours = np.array([scores.image_scores(image, 5) for image in images])
    paper = (images**5).mean(axis=1)
    np.testing.assert_array_equal(ours.argsort(axis=0), paper.argsort(axis=0))


@given(arrays(6, 2))
def test_one_is_the_mean_and_a_large_k_nears_the_maximum(values):
    np.testing.assert_allclose(scores.image_scores(values, 1), values.mean(axis=0))
    near = scores.image_scores(values, 400)
    assert (near <= values.max(axis=0) + 1e-9).all()
    assert (near >= values.max(axis=0) * 0.99).all()


@given(arrays(5, 2), powers)
def test_image_scores_lie_between_the_mean_and_the_maximum(values, k):
    found = scores.image_scores(values, k)
    assert (found >= values.mean(axis=0) - 1e-9).all()
    assert (found <= values.max(axis=0) + 1e-9).all()


@given(arrays(5, 2), powers, st.integers(0, 4), unit)
def test_image_scores_never_fall_when_a_window_scores_more(values, k, row, more):
    raised = values.copy()
    raised[row] = np.maximum(raised[row], more)
    before, after = scores.image_scores(values, k), scores.image_scores(raised, k)
    assert (after >= before - 1e-12).all()


@given(arrays(6, 2), powers, st.permutations(range(6)))
def test_image_scores_do_not_depend_on_the_order_of_windows(values, k, order):
    np.testing.assert_allclose(
        scores.image_scores(values[order], k), scores.image_scores(values, k)
    )


def test_image_scores_of_half_precision_do_not_vanish():
    values = np.full((400, 1), 1e-3, np.float16)
    assert scores.image_scores(values, 10)[0] == pytest.approx(1e-3, rel=1e-3)


# === Score maps ===


@given(
    st.lists(window, min_size=1, max_size=6).flatmap(
        lambda rows: st.tuples(st.just(np.array(rows)), arrays(len(rows), 2))
    )
)
def test_a_score_map_agrees_with_pixels_taken_one_by_one(drawn):
    windows, values = drawn
    found = scores.score_map(windows, values, SIZE)
    assert found.shape == (6, 9, 2) and found.dtype == np.float32
    np.testing.assert_allclose(found, slow_score_map(windows, values, SIZE), atol=1e-6)


def test_a_score_map_without_windows_is_nought():
    found = scores.score_map(np.zeros((0, 4)), np.zeros((0, 2)), (4, 3))
    assert found.shape == (3, 4, 2) and not found.any()


def test_a_coarse_score_map_has_the_size_asked_for():
    windows = np.array([[0, 0, 50, 50], [50, 0, 100, 50]])
    found = scores.score_map(windows, np.array([[1.0], [0.25]]), (100, 50), (4, 2))
    assert found[..., 0].tolist() == [[1, 1, 0.25, 0.25]] * 2


@pytest.mark.parametrize("box", [(49, 10, 51, 12), (99, 49, 100, 50), (0, 0, 1, 1)])
def test_a_window_never_vanishes_between_the_cells_of_a_map(box):
    found = scores.score_map(np.array([box]), np.array([[0.5]]), (100, 50), (4, 2))
    assert (found > 0).sum() == 1 and found.max() == 0.5
