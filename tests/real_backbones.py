"""The backbones of the table, and images for them."""

import numpy as np
import pytest

from midlevel.networks import backbones

LIGHT = ("efficientnet_lite0", "mobilenet_v3_small")
HEAVY = [name for name in backbones.NAMES if name not in LIGHT]
ALL = [*LIGHT, *[pytest.param(name, marks=pytest.mark.slow) for name in HEAVY]]


def noise(rows: int, cols: int, seed: int = 0) -> np.ndarray:
    """One RGB uint8 image of `rows` x `cols` cells of 32 pixels."""
    size = (1, 32 * rows, 32 * cols, 3)
    return np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)
