"""Learning from photographs with the end of the backbone: head and tail together."""

from pathlib import Path
from typing import TYPE_CHECKING

from midlevel.method.aggregation import Aggregation
from midlevel.networks import tail_loss
from midlevel.settings.image_loss import ImageLoss
from midlevel.settings.tail import Tail
from midlevel.training.steps import (
    HeadStep,
    falling_adam,
    load_beside,
    save_beside,
)
from midlevel.training.tail_photographs import TailBatch

if TYPE_CHECKING:
    import keras


class TailStep(HeadStep[TailBatch]):
    """The losses of `ImageStep`, of features that a tail makes and learns to make.

    Attributes:
        tail: changed in place.
    """

    def __init__(
        self,
        model: "keras.Model",
        tail: "keras.Model",
        settings: Tail,
        image_loss: ImageLoss,
        aggregation: Aggregation,
        steps: int,
    ):
        """Take a head that has learned, and the tail below it.

        Args:
            image_loss: `resolved`.
            aggregation: of window scores, in the loss.
            steps: in which the learning rates fall to nothing, as half a cosine.
        """
        super().__init__(model)
        self.tail = tail
        self._settings, self._image_loss = settings, image_loss
        self._aggregation, self._steps = aggregation, steps
        self._learn: tail_loss.Learn | None = None

    def begin(self) -> None:
        """Give head and tail a new optimizer each, Adam."""
        rate = self._settings.learning_rate * self._settings.head_factor
        self.model.compile(falling_adam(rate, self._steps))
        self._compile_tail()

    def learn(self, batch: TailBatch) -> float:
        """Learn from some photographs; the mean of their losses, classes added up."""
        if self._learn is None:
            self._learn = tail_loss.learner(
                self.tail,
                self.model,
                self._aggregation,
                self._image_loss.window_loss or 0.0,
                levels=len(batch.groups[0].maps),
                is_normalising=self._settings.batch_norm == "learns",
            )
        return self._learn(batch.groups)

    def save(self, path: Path) -> None:
        """Write head and tail with their optimizers, each file whole."""
        save_beside(path, self._variables())
        super().save(path)

    def load(self, path: Path) -> None:
        """Go on with what `save` wrote."""
        super().load(path)
        self._compile_tail()
        load_beside(path, self._variables())
        self._learn = None

    def trained(self, path: Path) -> "keras.Model":
        """The head that `save` wrote; its tail is in `tail`."""
        if self.tail.optimizer is None:
            self._compile_tail()
        load_beside(path, self._variables())
        return super().trained(path)

    def _compile_tail(self) -> None:
        adam = falling_adam(self._settings.learning_rate, self._steps)
        self.tail.compile(adam, jit_compile=False)
        self.tail.optimizer.build(self.tail.trainable_variables)

    def _variables(self) -> list:
        return [*self.tail.variables, *self.tail.optimizer.variables]
