"""Learning from photographs of a new task with layers that older tasks share."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from midlevel.method.aggregation import Aggregation
from midlevel.networks import forgetting, heads, image_loss, tasks
from midlevel.networks.forgetting import Kept
from midlevel.settings.config import Config
from midlevel.training.photographs import PhotographBatch
from midlevel.training.steps import (
    HeadStep,
    falling_adam,
    load_beside,
    save_beside,
)

if TYPE_CHECKING:
    import keras


class TogetherStep(HeadStep[PhotographBatch]):
    """The losses of `ImageStep` for the newest task, and what holds the others.

    The model is a head of several tasks. New layers have an optimizer, old ones another
    with a lower rate.
    """

    def __init__(
        self,
        model: "keras.Model",
        config: Config,
        aggregation: Aggregation,
        kept: Kept | None,
        steps: int,
    ):
        """Take a head whose new layers have learned.

        Args:
            config: resolved.
            aggregation: of window scores, in the loss.
            kept: what holds the older tasks; None: nothing.
            steps: in which the learning rates fall to nothing, as half a cosine.
        """
        super().__init__(model)
        self._config, self._aggregation = config, aggregation
        self._kept, self._steps = kept, steps
        self._optimizers: tuple[Any, Any] = (None, None)
        self._learn: image_loss.Learn | None = None

    def begin(self) -> None:
        """Make new optimizers, Adam."""
        rate = self._config.image_loss.learning_rate
        rates = rate, rate / self._config.growth.new_factor
        new, old = (falling_adam(one, self._steps) for one in rates)
        self._optimizers = new, old
        for optimizer, own in zip(
            self._optimizers, forgetting.variables(self.model), strict=True
        ):
            optimizer.build(own)

    def learn(self, batch: PhotographBatch) -> float:
        """Learn from some photographs; the mean of their losses."""
        if self._learn is None:
            self._learn = forgetting.learner(
                self.model,
                self._optimizers,
                self._aggregation,
                self._config.image_loss.window_loss or 0.0,
                self._kept,
            )
        some = batch.windows
        windows = (some.features, some.ids, some.weights) if some is not None else ()
        return self._learn(batch.features, batch.targets, windows)

    @property
    def rate(self) -> float:
        """The learning rate of new layers."""
        return float(self._optimizers[0].learning_rate)

    def lower_rate(self) -> None:
        """Divide both learning rates by ten."""
        for optimizer in self._optimizers:
            optimizer.learning_rate = optimizer.learning_rate / 10

    def scorer(self) -> heads.Scorer:
        """The newest task's head, as validation takes it."""
        return heads.in_training(tasks.parts(self.model)[-1])

    def save(self, path: Path) -> None:
        """Write the head, and both optimizers beside it, each file whole."""
        save_beside(path, self._variables())
        super().save(path)

    def load(self, path: Path) -> None:
        """Go on with what `save` wrote."""
        self.model, self._learn = heads.read(path), None
        self.begin()
        load_beside(path, self._variables())

    def _variables(self) -> list[Any]:
        return [one for of in self._optimizers for one in of.variables]
