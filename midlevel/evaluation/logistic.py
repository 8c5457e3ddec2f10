"""Logistic regression of one class, by scikit-learn."""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from midlevel.system import runtime

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

ITERATIONS = 500  # of the solver, at most


def fit(
    vectors: np.ndarray, shows: np.ndarray, strength: float, **more: Any
) -> "LogisticRegression":
    """What tells vectors `(n, d)` of photographs that show a class from others.

    Args:
        shows: bool `(n,)`, some of each.
        strength: C: the higher, the closer it fits.
        more: further parameters of scikit-learn's `LogisticRegression`.
    """
    linear_model = runtime.load("sklearn.linear_model", "scikit-learn")
    model = linear_model.LogisticRegression(C=strength, max_iter=ITERATIONS, **more)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it may stop at `ITERATIONS`
        return model.fit(vectors, shows)
