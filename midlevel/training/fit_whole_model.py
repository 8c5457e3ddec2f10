"""Fitting the whole model: a linear model of whole photographs, by scikit-learn.

A photograph's surroundings, and what it shows together, speak too, and err elsewhere
than windows do.
"""

import numpy as np

from midlevel.evaluation import logistic
from midlevel.features.preparation import Prepared
from midlevel.images.augment import ORIGINAL
from midlevel.method import whole
from midlevel.method.whole import WholeModel
from midlevel.settings.config import Config


def fit(prepared: Prepared, config: Config) -> WholeModel | None:
    """The whole model of the split to learn from; None where the settings want none.

    A photograph that shows a class only in difficult objects does not count for it.
    """
    if not config.scores.whole:
        return None
    views = sorted(
        prepared.views(config.data.train, [ORIGINAL]), key=lambda view: view.key
    )
    count = len(prepared.dataset.classes)
    vectors = whole.vector(np.stack([view.whole for view in views]))
    targets = np.stack([view.example.targets(count) for view in views])
    strength = config.scores.whole_strength
    found = [_fit_one(vectors, column, strength) for column in targets.T]
    weights, intercepts = zip(*found, strict=True)
    return WholeModel(
        np.stack(weights, axis=1).astype(np.float32), np.array(intercepts, np.float32)
    )


def _fit_one(
    vectors: np.ndarray, targets: np.ndarray, strength: float
) -> tuple[np.ndarray, float]:
    """Weights and intercept of a class; zeros where all photographs, or none, show it.

    With and without the class, photographs weigh the same together.
    """
    counted = targets >= 0
    shows = targets[counted] == 1
    if shows.all() or not shows.any():
        return np.zeros(vectors.shape[1]), 0.0
    model = logistic.fit(vectors[counted], shows, strength, class_weight="balanced")
    return model.coef_[0], float(model.intercept_[0])
