import keras
import numpy as np
import pytest

from midlevel.method.aggregation import Aggregation
from midlevel.networks import heads, tail_loss

LSE = Aggregation("lse", 1.0)
LEVELS = ((3, 4), (6, 8))


def tail(seed=0):
    """Two layers, one of them batch normalisation, which must stay as it is."""
    inputs = keras.Input((None, None, 5))
    start = keras.initializers.GlorotUniform(seed=seed)
    x = keras.layers.Conv2D(7, 3, padding="same", kernel_initializer=start)(inputs)
    x = keras.layers.BatchNormalization()(x)
    return keras.Model(inputs, keras.layers.Activation("relu")(x))


def group(photographs=4, windows=6, labelled=3, seed=0):
    rng = np.random.default_rng(seed)
    shapes = [(photographs, *level) for level in LEVELS]
    cells = [(photographs, windows + labelled, r * c) for _, r, c in shapes]
    return tail_loss.Group(
        tuple(rng.normal(size=(*shape, 5)).astype(np.float32) for shape in shapes),
        tuple(rng.random(shape).astype(np.float32) / shape[-1] for shape in cells),
        rng.integers(0, 2, (photographs, 2)).astype(np.int8),
        rng.integers(0, 3, (photographs, labelled)).astype(np.int16),
        rng.random((photographs, labelled)).astype(np.float32),
    )


def part(whole, rows):
    maps, shares = (tuple(a[rows] for a in arrays) for arrays in whole[:2])
    return tail_loss.Group(maps, shares, *(array[rows] for array in whole[2:]))


def learned(groups, steps=1, window_weight=1.0):
    below, head = tail(), heads.build(7, 2, hidden=[8], dropout=0.0, seed=3)
    head.compile(keras.optimizers.SGD(0.1))
    below.compile(keras.optimizers.SGD(0.01))
    learn = tail_loss.learner(below, head, LSE, window_weight, len(LEVELS))
    losses = [learn(groups) for _ in range(steps)]
    return losses, below.get_weights() + head.get_weights()


def test_features_are_the_means_of_the_cells_that_the_tail_makes():
    below, given = tail(), group()
    found = tail_loss.features(below, given.maps, given.shares).numpy()
    assert found.shape == (4, 9, 7)
    cells = [below(m, training=False).numpy().reshape(4, -1, 7) for m in given.maps]
    by_hand = sum(s[1] @ c[1] for s, c in zip(given.shares, cells, strict=True))
    np.testing.assert_allclose(found[1], by_hand, atol=1e-5)


def test_how_photographs_are_grouped_changes_nothing():
    whole = group()
    together, weights = learned([whole], steps=3)
    apart, others = learned([part(whole, [0]), part(whole, [1, 2, 3])], steps=3)
    np.testing.assert_allclose(together, apart, rtol=1e-5)
    for one, other in zip(weights, others, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_head_and_tail_learn_and_batch_normalisation_keeps_its_means():
    (first, *_, last), weights = learned([group()], steps=20)
    assert last < first
    before = tail().get_weights()
    kernel, bias, gamma, beta, mean, variance = weights[: len(before)]
    assert np.abs(kernel - before[0]).max() > 1e-4
    np.testing.assert_array_equal(mean, before[4])
    np.testing.assert_array_equal(variance, before[5])


def test_windows_of_no_weight_and_classes_not_said_teach_nothing():
    given = group()
    silent = given._replace(
        targets=np.full_like(given.targets, -1), weights=np.zeros_like(given.weights)
    )
    (loss,), weights = learned([silent])
    assert loss == pytest.approx(0)
    _, untaught = learned([silent], steps=0)
    for one, other in zip(weights, untaught, strict=True):
        np.testing.assert_array_equal(one, other)


def test_without_a_weight_labelled_windows_are_left_out():
    alone, both = (learned([group()], window_weight=w)[0][0] for w in (0.0, 1.0))
    assert alone < both


def test_batch_normalisation_learns_where_it_is_told_to():
    below, head = tail(), heads.build(7, 2, hidden=[8], dropout=0.0, seed=3)
    for model in (head, below):
        model.compile(keras.optimizers.SGD(0.01))
    learn = tail_loss.learner(below, head, LSE, 1.0, len(LEVELS), is_normalising=True)
    assert np.isfinite(learn([group()]))
    *_, mean, variance = below.get_weights()
    assert np.abs(mean).min() > 0 and np.abs(variance - 1).min() > 0
