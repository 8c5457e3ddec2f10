"""The whole photograph: a vector of each level's mean, and a linear model of it.

Windows see objects and parts; the mean of a whole map sees the scene they are in. They
err differently, so a run may have both, which `method.calibration` puts together.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from midlevel.method.windows import Plan

STEADY = 1e-4  # keeps the root of a feature near zero from magnifying rounding
SHORTEST = 1e-12  # a row no longer than this has no direction, and stays what it is


def of_maps(maps: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of each level's map, float32 `(levels, channels)`.

    Args:
        maps: `(rows, columns, channels)` of each level.
    """
    return np.stack([cells.mean(axis=(0, 1), dtype=np.float32) for cells in maps])


def of_windows(vectors: np.ndarray, plan: Plan) -> np.ndarray:
    """The same where there are no maps: the mean of each level's windows.

    Args:
        vectors: `(n, channels)`, one a window of `plan`.
    """
    levels = range(len(plan.grids))
    means = [vectors[plan.level == i].mean(axis=0, dtype=np.float32) for i in levels]
    return np.stack(means)


def vector(rows: np.ndarray) -> np.ndarray:
    """What the whole model sees, float32 `(..., levels * channels)`.

    The signed root of each number, as the head takes it of windows (`networks.heads`),
    then each level to unit length, then one after the other.

    Args:
        rows: `(..., levels, channels)` as `of_maps` gives them.

    >>> vector(np.array([[9.0, -16.0], [0.0, 0.0]])).round(2).tolist()
    [0.6000000238418579, -0.800000011920929, 0.0, 0.0]
    """
    x = np.asarray(rows, np.float32)
    x = np.sign(x) * (np.sqrt(np.abs(x) + STEADY) - STEADY**0.5)
    lengths = np.linalg.norm(x, axis=-1, keepdims=True)
    x = x / np.maximum(lengths, SHORTEST)
    return x.reshape(*x.shape[:-2], -1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class WholeModel:
    """A linear model of whole photographs.

    Attributes:
        weights: float32 `(levels * channels, classes)`.
        intercepts: float32 `(classes,)`.
    """

    weights: np.ndarray
    intercepts: np.ndarray

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Log-odds float64 `(..., classes)` of rows `(..., levels, channels)`.

        Of an image that was seen several times, whose rows stand one behind the other,
        the mean of what each time gives.
        """
        channels = np.shape(rows)[-1]
        levels = len(self.weights) // channels
        seen = np.reshape(rows, (*np.shape(rows)[:-2], -1, levels, channels))
        odds = vector(seen).astype(np.float64) @ self.weights + self.intercepts
        return odds.mean(axis=-2)

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal) of the numbers."""
        parts = (self.weights, self.intercepts)
        data = b"".join(np.ascontiguousarray(p, np.float32).tobytes() for p in parts)
        return hashlib.sha256(data).hexdigest()
