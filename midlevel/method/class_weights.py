"""How much the windows of a class weigh in the loss: the more, the rarer it is."""

import numpy as np


def of(counts: np.ndarray, how: str) -> np.ndarray:
    """Weight of a window of each class in the loss, float32 `(classes,)`.

    `none`: one for all. `balanced`: inverse to the class's count, so that all classes
    weigh the same together. `sqrt`: inverse to the root of the count, half-way. They
    are scaled so that the mean over all windows is one; a class without windows has
    weight one.

    Args:
        counts: `(classes,)` windows of each class, background first; may be fractions
            where background windows count less than one.

    >>> of(np.array([900, 100]), "balanced")
    array([0.5555556, 5.       ], dtype=float32)
    """
    power = {"none": 0.0, "sqrt": 0.5, "balanced": 1.0}[how]
    counts = np.asarray(counts, np.float64)
    weights = np.where(counts > 0, np.maximum(counts, 1e-12) ** -power, 0)
    total = (weights * counts).sum()
    weights = weights * (counts.sum() / total if total else 1)
    return np.where(counts > 0, weights, 1).astype(np.float32)
