"""Learning from photographs of a new task with layers that older tasks share."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from midlevel.method.aggregation import Aggregation
from midlevel.networks import forgetting, heads, tasks
from midlevel.networks.forgetting import Kept
from midlevel.settings.config import Config
from midlevel.system import files, runtime
from midlevel.training.photographs import PhotographBatch
from midlevel.training.steps import HeadStep

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
        self._learn: forgetting.Learn | None = None

    def begin(self) -> None:
        """Make new optimizers, Adam."""
        rate = self._config.image_loss.learning_rate
        new, old = self._adam(rate), self._adam(rate / self._config.growth.new_factor)
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
        arrays = [variable.numpy() for variable in self._variables()]
        with files.whole(_beside(path)) as waiting:
            np.savez(waiting, *arrays)
        super().save(path)
        for old in path.parent.glob("*.npz"):  # of heads that are gone
            if not old.with_suffix(path.suffix).exists():
                old.unlink()

    def load(self, path: Path) -> None:
        """Go on with what `save` wrote."""
        self.model, self._learn = heads.read(path), None
        self.begin()
        with np.load(_beside(path), allow_pickle=False) as found:
            arrays = [found[name] for name in found.files]
        for variable, array in zip(self._variables(), arrays, strict=True):
            variable.assign(array)

    def _adam(self, rate: float) -> "keras.optimizers.Optimizer":
        optimizers = runtime.load_keras().optimizers
        return optimizers.Adam(optimizers.schedules.CosineDecay(rate, self._steps))

    def _variables(self) -> list[Any]:
        return [one for of in self._optimizers for one in of.variables]


def _beside(path: Path) -> Path:
    """Where the optimizers of the head at `path` are."""
    return path.with_suffix(".npz")
