"""The baseline that windows have to beat: one vector for a whole photograph.

The mean of the features of a photograph's largest windows, which hold most of it, goes
to one logistic regression for each class. It knows no boxes: the difference to a run is
what the windows and their labels add.
"""

import numpy as np

from midlevel.evaluation import logistic
from midlevel.features.preparation import Prepared, View
from midlevel.images.augment import ORIGINAL
from midlevel.method import labels, metrics
from midlevel.settings.config import Config

STRENGTH = 0.01  # C, one of those that scripts/baseline_whole_image.py tries
DEFINITION = (
    f"Logistic regression (C = {STRENGTH:g}, standardised) for each class on one "
    "vector per photograph: the mean of the features of its largest windows. Fitted on "
    "the training photographs, measured on the same photographs as the run."
)


def measure(prepared: Prepared, config: Config) -> dict:
    """`mAP` and `AP` of the baseline as `metrics.table` has them, and its `definition`.

    Memory is a vector for each photograph.

    Raises:
        errors.DataError: a split has no readable photograph.
    """
    view = config.features.views[0]
    learned, targets = _split(prepared, config.data.train, view)
    measured, truth = _split(prepared, config.data.val, ORIGINAL)
    columns = [scores(learned, column, measured) for column in targets.T]
    found = metrics.table(np.stack(columns, axis=1), truth, prepared.dataset.classes)
    return {**found, "definition": DEFINITION}


def _split(prepared: Prepared, split: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Vectors `(photographs, channels)` and targets `(photographs, classes)`."""
    vectors = [whole(view) for view in prepared.views(split, [name])]
    count = len(prepared.dataset.classes)
    targets = [example.targets(count) for example in prepared.readable(split)]
    return np.stack(vectors), np.stack(targets)


def whole(view: View) -> np.ndarray:
    """The mean of the features of a photograph's largest windows, float32."""
    largest = np.flatnonzero(labels.largest_of(view.plan.boxes))
    return view.features[largest].astype(np.float32).mean(axis=0)


def scores(vectors: np.ndarray, targets: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How much each of `others` looks like a class, log-odds float64 `(n,)`.

    All are 0 where every photograph shows the class, or none does.

    Args:
        vectors: `(photographs, channels)` to learn from.
        targets: `(photographs,)` of 1, 0, -1; -1 teaches nothing.
        others: `(n, channels)`.
    """
    counted = targets >= 0
    shows = targets[counted] == 1
    if shows.all() or not shows.any():
        return np.zeros(len(others))
    centre, spread = vectors[counted].mean(axis=0), vectors[counted].std(axis=0) + 1e-6
    model = logistic.fit((vectors[counted] - centre) / spread, shows, STRENGTH)
    return model.decision_function((others - centre) / spread)
