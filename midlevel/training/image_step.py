"""Learning from whole photographs, alone or after windows have taught a head.

Windows with two objects, which the window loss leaves out, teach too, and background is
what photographs without an object have in common. The loss: `networks.image_loss`.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from midlevel.evaluation import fit_calibration
from midlevel.method.aggregation import Aggregation
from midlevel.method.calibration import Calibration
from midlevel.networks import heads, image_loss
from midlevel.settings.photographs import ImageLoss
from midlevel.system import runtime
from midlevel.training.photographs import PhotographBatch, PhotographSet
from midlevel.training.steps import HeadStep

if TYPE_CHECKING:
    import keras

AT_ONCE = 64  # photographs that are scored together


class ImageStep(HeadStep[PhotographBatch]):
    """Logistic loss of a photograph's classes; the head learns."""

    def __init__(
        self,
        model: "keras.Model",
        settings: ImageLoss,
        aggregation: Aggregation,
        start: Calibration,
    ):
        """Take a head.

        Args:
            settings: `resolved`.
            aggregation: of window scores, in the loss.
            start: makes log-odds of scores for the loss, see `first_calibration`.
        """
        super().__init__(model)
        self._settings = settings
        self._aggregation = aggregation
        self._start = start
        self._learn: image_loss.Learn | None = None

    def begin(self) -> None:
        """Give the head a new optimizer, Adam."""
        adam = runtime.load_keras().optimizers.Adam(self._settings.learning_rate)
        self.model.compile(adam, jit_compile=False)

    def load(self, path: Path) -> None:
        """Go on with what `save` wrote."""
        super().load(path)
        self._learn = None  # it is of the model before

    def learn(self, batch: PhotographBatch) -> float:
        """Learn from some photographs; the mean of their losses, classes added up."""
        if self._learn is None:
            weight = self._settings.window_loss
            self._learn = image_loss.learner(
                self.model, self._aggregation, self._start, weight
            )
        some = batch.windows
        windows = (some.features, some.ids, some.weights) if some is not None else ()
        return self._learn(batch.features, batch.targets, windows)


def first_calibration(
    head: heads.Scorer,
    photographs: PhotographSet,
    aggregation: Aggregation,
    seed: int,
) -> Calibration:
    """The slopes and intercepts of the loss: what calibrates the head as it comes.

    Fitted to the photographs that are learned from, by as many windows of each as a
    step draws. They set the scale of the loss alone, and are no part of the model.
    """
    found, targets = [], []
    rng = np.random.default_rng((seed, 0))
    for batch in photographs.batches(rng, AT_ONCE):
        count, windows, channels = batch.features.shape
        of_all = heads.score(head, batch.features.reshape(-1, channels))
        by_photograph = of_all.reshape(count, windows, -1)[..., 1:]
        found += [aggregation(one) for one in by_photograph]
        targets.append(batch.targets)
    return fit_calibration.calibrate(np.array(found), np.concatenate(targets))[0]
