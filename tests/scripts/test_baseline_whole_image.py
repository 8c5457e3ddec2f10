"""scripts/baseline_whole_image.py with the stub."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import baseline_whole_image as baseline

from midlevel.networks import backbones


@pytest.mark.tf
def test_a_photograph_has_a_mean_in_every_set_up(stub_backbone):
    image = np.full((96, 128, 3), (200, 100, 50), np.uint8)
    found = baseline.whole_image(image, backbones.build("stub"))
    # the stub: differences of colours, both ways, and 0.1, where that is above nought
    red, green, blue = np.array([200, 100, 50]) / 255
    expected = [red - green + 0.1, 0, red - blue + 0.1, 0, green - blue + 0.1, 0]
    np.testing.assert_allclose(found, [expected] * 3, atol=1e-3)


@pytest.mark.parametrize("strength", [0.01, 1.0])
def test_photographs_that_say_nothing_are_learned_from_neither_way(strength):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 3))
    targets = (vectors[:, :2] > 0).astype(int)
    unknown = np.vstack([targets, np.full((5, 2), -1)])
    more = np.vstack([vectors, 100 * np.ones((5, 3))])
    scores = baseline.score(vectors, targets, vectors, strength)
    np.testing.assert_allclose(baseline.score(more, unknown, vectors, strength), scores)
    assert baseline.cross_validated(vectors, targets, strength) > 0.9
