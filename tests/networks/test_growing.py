import numpy as np
import pytest

from midlevel.networks import growing, heads
from midlevel.settings.growth import Growth

FEATURES = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)


def old_head(hidden=(8,), **kind):
    return heads.build(5, 2, hidden=hidden, seed=3, **kind)


def test_without_new_units_a_classifier_stands_on_the_old_hidden_layer():
    head = old_head()
    grown = growing.grow(head, 3, Growth(), seed=1)
    assert grown.output_shape == (None, 4)
    assert grown.get_layer("fca") is head.get_layer("fca")
    assert grown.get_layer("fcb") is not head.get_layer("fcb")
    assert np.allclose(grown(FEATURES).numpy().sum(axis=1), 1)


def test_growing_leaves_the_old_scores_as_they_were():
    head = old_head()
    before = head(FEATURES).numpy()
    growing.grow(head, 3, Growth(), seed=1)
    assert np.array_equal(head(FEATURES).numpy(), before)


@pytest.mark.parametrize("background", [True, False])
def test_a_grown_head_may_know_no_background(background):
    grown = growing.grow(old_head(), 3, Growth(), background=background)
    assert heads.has_background(grown) is background
