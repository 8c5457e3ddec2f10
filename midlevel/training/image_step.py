"""Learning from whole photographs, together with labelled windows or alone.

Windows with two objects, which the window loss leaves out, teach too, and background is
what photographs without an object have in common. The loss: `networks.image_loss`.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from midlevel.method.aggregation import Aggregation
from midlevel.networks import image_loss
from midlevel.settings.image_loss import ImageLoss
from midlevel.system import runtime
from midlevel.training.photographs import PhotographBatch
from midlevel.training.steps import HeadStep, falling_adam

if TYPE_CHECKING:
    import keras


class ImageStep(HeadStep[PhotographBatch]):
    """Logistic loss of photographs' classes, and that of labelled windows if given."""

    def __init__(
        self,
        model: "keras.Model",
        settings: ImageLoss,
        aggregation: Aggregation,
        steps: int,
    ):
        """Take a head.

        Args:
            settings: `resolved`.
            aggregation: of window scores, in the loss.
            steps: in which the learning rate falls to nothing, as half a cosine
                (Loshchilov and Hutter, ICLR 2017, "SGDR", section 3); 0: it stays.
        """
        super().__init__(model)
        self._settings = settings
        self._aggregation = aggregation
        self._steps = steps
        self._learn: image_loss.Learn | None = None

    def begin(self) -> None:
        """Give the head a new optimizer, Adam."""
        rate, adam = self._settings.learning_rate, runtime.load_keras().optimizers.Adam
        optimizer = falling_adam(rate, self._steps) if self._steps else adam(rate)
        self.model.compile(optimizer, jit_compile=False)

    def load(self, path: Path) -> None:
        """Go on with what `save` wrote."""
        super().load(path)
        self._learn = None  # it is of the model before

    def learn(self, batch: PhotographBatch) -> float:
        """Learn from some photographs; the mean of their losses, classes added up."""
        if self._learn is None:
            weight = self._settings.window_loss or 0.0
            self._learn = image_loss.learner(self.model, self._aggregation, weight)
        some = batch.windows
        windows = (some.features, some.ids, some.weights) if some is not None else ()
        return self._learn(batch.features, batch.targets, windows)
