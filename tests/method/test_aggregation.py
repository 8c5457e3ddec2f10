import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midlevel.method import aggregation, calibration
from midlevel.method.aggregation import Aggregation

unit = st.floats(0, 1, width=32)
powers = st.sampled_from(aggregation.K_CHOICES)
kinds = st.one_of(
    powers.map(lambda k: Aggregation("power", k)),
    st.just(Aggregation("max", 0.0)),
    st.sampled_from([0.001, 0.1, 0.5, 1.0]).map(lambda by: Aggregation("top", by)),
    st.sampled_from([0.1, 1.0, 5.0, 100.0]).map(lambda by: Aggregation("lse", by)),
)


def arrays(*shape):
    return st.lists(
        unit, min_size=int(np.prod(shape)), max_size=int(np.prod(shape))
    ).map(lambda values: np.array(values).reshape(shape))


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
    found = Aggregation("power", k)(np.array(values)[:, None])
    np.testing.assert_allclose(found, [expected])


def test_image_scores_order_images_as_the_papers_formula_does():
    images = np.random.default_rng(0).random((30, 40, 3))
    ours = np.array([Aggregation("power", 5)(image) for image in images])
    paper = (images**5).mean(axis=1)
    np.testing.assert_array_equal(ours.argsort(axis=0), paper.argsort(axis=0))


@given(arrays(6, 2))
def test_one_is_the_mean_and_a_large_k_nears_the_maximum(values):
    np.testing.assert_allclose(Aggregation("power", 1)(values), values.mean(axis=0))
    near = Aggregation("power", 400)(values)
    assert (near <= values.max(axis=0) + 1e-9).all()
    high = values.max(axis=0)
    high = np.where(high < 0.2, 0, high)  # their 400th power is no float64
    assert (near >= high * 0.99).all()


@given(arrays(5, 2), powers)
def test_image_scores_lie_between_the_mean_and_the_maximum(values, k):
    found = Aggregation("power", k)(values)
    assert (found >= values.mean(axis=0) - 1e-9).all()
    assert (found <= values.max(axis=0) + 1e-9).all()


@given(arrays(5, 2), powers, st.integers(0, 4), unit)
def test_image_scores_never_fall_when_a_window_scores_more(values, k, row, more):
    raised = values.copy()
    raised[row] = np.maximum(raised[row], more)
    before, after = Aggregation("power", k)(values), Aggregation("power", k)(raised)
    assert (after >= before - 1e-12).all()


@given(arrays(6, 2), powers, st.permutations(range(6)))
def test_image_scores_do_not_depend_on_the_order_of_windows(values, k, order):
    np.testing.assert_allclose(
        Aggregation("power", k)(values[order]), Aggregation("power", k)(values)
    )


def test_image_scores_of_half_precision_do_not_vanish():
    values = np.full((400, 1), 1e-3, np.float16)
    assert Aggregation("power", 10)(values)[0] == pytest.approx(1e-3, rel=1e-3)


# === The others ===

ODDS = np.array([[-2.0], [0.0], [1.0], [3.0]])
Y = 1 / (1 + np.exp(-ODDS))


@pytest.mark.parametrize(
    ("kind", "odds"),
    [
        (Aggregation("max", 0.0), 3.0),
        (Aggregation("top", 0.5), 2.0),
        (Aggregation("top", 0.7), 2.0),  # 2.8 windows are two
        (Aggregation("top", 0.1), 3.0),  # at least one
        (Aggregation("top", 1.0), 0.5),
        (Aggregation("lse", 1.0), np.log(np.mean(np.exp(ODDS)))),
        (Aggregation("lse", 2.0), np.log(np.mean(np.exp(2 * ODDS))) / 2),
    ],
)
def test_image_scores_are_over_log_odds_computed_by_hand(kind, odds):
    np.testing.assert_allclose(calibration.log_odds(kind(Y)), [odds], rtol=1e-6)


@given(arrays(6, 2), kinds)
def test_an_image_scores_between_its_lowest_and_highest_window(values, kind):
    found = kind(values)
    assert found.shape == (2,) and found.dtype == np.float64
    assert (found >= values.min(axis=0) - 1e-5).all()
    assert (found <= values.max(axis=0) + 1e-5).all()


@given(arrays(6, 2), kinds, st.permutations(range(6)))
def test_no_aggregation_depends_on_the_order_of_windows(values, kind, order):
    np.testing.assert_allclose(kind(values[order]), kind(values), atol=1e-12)


@given(unit, kinds, st.integers(1, 40))
def test_windows_that_all_say_the_same_say_it_together(value, kind, count):
    found = kind(np.full((count, 1), value))
    np.testing.assert_allclose(found, [value], atol=1e-5)


def test_a_smooth_maximum_goes_from_the_mean_to_the_highest():
    low, high = Aggregation("lse", 1e-4)(Y), Aggregation("lse", 1000.0)(Y)
    np.testing.assert_allclose(low, Aggregation("top", 1.0)(Y), rtol=1e-3)
    np.testing.assert_allclose(high, Aggregation("max")(Y), rtol=1e-3)


def test_the_mean_of_each_is_on_its_own_scale():
    assert Aggregation("power", 5).mean == Aggregation("power", 1.0)
    assert Aggregation("max", 0.0).mean == Aggregation("top", 1.0)
    assert Aggregation("power", 5).k == 5 and Aggregation("lse", 5).k is None
