import numpy as np
import pytest
from helpers import slow_score_map
from hypothesis import given
from hypothesis import strategies as st

from midlevel.method import scores

SIZE = (9, 6)
unit = st.floats(0, 1, width=32)


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
