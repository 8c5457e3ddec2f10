import numpy as np
import pytest

from midlevel.method import whole, windows
from midlevel.method.whole import WholeModel


def test_a_row_is_the_mean_of_a_map():
    small = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    large = np.ones((5, 4, 3), np.float32)
    found = whole.of_maps([small, large])
    assert found.dtype == np.float32
    assert found.tolist() == [[4.5, 5.5, 6.5], [1.0, 1.0, 1.0]]


def test_without_maps_a_row_is_the_mean_of_the_windows_of_a_level():
    levels = (windows.Level(0.6, (3,)), windows.Level(1.0, (3,)))
    plan = windows.plan((160, 120), windows.Geometry(levels))
    vectors = np.stack([plan.level, 2 * plan.level], axis=1).astype(np.float32)
    found = whole.of_windows(vectors, plan)
    assert found.dtype == np.float32
    assert found.tolist() == [[0, 0], [1, 2]]


def test_a_vector_has_signed_roots_of_unit_length_level_by_level():
    rows = np.array([[9.0, -16.0, 0.0], [0.0, 25.0, 0.0]])
    found = whole.vector(rows)
    expected = [0.6, -0.8, 0.0, 0.0, 1.0, 0.0]  # 3 and 4 of 5
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert found.dtype == np.float32
    # By the formula: sqrt(|x| + 1e-4) - 1e-2 of each.
    three, four = np.sqrt(9.0001) - 0.01, np.sqrt(16.0001) - 0.01
    assert found[0] == pytest.approx(three / np.hypot(three, four), abs=1e-7)


def test_a_level_of_nothing_stays_nothing():
    assert whole.vector(np.zeros((2, 3))).tolist() == [0] * 6


def test_many_photographs_have_the_vectors_that_each_has_alone():
    rows = np.random.default_rng(0).normal(size=(4, 2, 5)).astype(np.float16)
    found = whole.vector(rows)
    assert found.shape == (4, 10)
    for of_one, expected in zip(rows, found, strict=True):
        np.testing.assert_array_equal(whole.vector(of_one), expected)


def test_log_odds_are_a_linear_function_of_the_vector():
    rows = np.array([[1.0, 0.0], [0.0, -1.0]])  # the vector: 1, 0, 0, -1
    weights = np.array([[2, 0], [9, 9], [9, 9], [0.5, 3]], np.float32)
    model = WholeModel(weights, np.array([1, -1], np.float32))
    assert model(rows).dtype == np.float64
    np.testing.assert_allclose(model(rows), [2 - 0.5 + 1, -3 - 1], atol=1e-6)
    np.testing.assert_allclose(model(rows[None]), model(rows)[None])


def test_of_an_image_that_was_seen_twice_the_log_odds_are_the_mean():
    rng = np.random.default_rng(0)
    model = WholeModel(rng.normal(size=(6, 4)), rng.normal(size=4))
    once, mirrored = rng.normal(size=(2, 5, 2, 3))  # five images, two levels
    found = model(np.concatenate([once, mirrored], axis=-2))
    np.testing.assert_allclose(found, (model(once) + model(mirrored)) / 2)


def test_a_fingerprint_tells_models_apart():
    weights, none = np.eye(2, dtype=np.float32), np.zeros(2, np.float32)
    one = WholeModel(weights, none)
    assert one.fingerprint == WholeModel(weights.copy(), none.copy()).fingerprint
    assert one.fingerprint != WholeModel(weights, none + 1).fingerprint
    assert one.fingerprint != WholeModel(2 * weights, none).fingerprint
