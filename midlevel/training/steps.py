"""A step: a model, its optimizer and loss, and how it learns from a batch."""

from collections.abc import Iterable, Sized
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np

from midlevel.networks import heads
from midlevel.settings.sections import Training
from midlevel.system import files, runtime
from midlevel.training.batches import Batch

if TYPE_CHECKING:
    import keras

BESIDE = ".npz"  # ending of the file beside a model's
MOMENTUM, WEIGHT_DECAY = 0.9, 5e-4  # Krizhevsky et al., NIPS 2012, section 5


B_contra = TypeVar("B_contra", bound=Sized, contravariant=True)  # a batch


class Step(Protocol[B_contra]):
    """What fitting does with a model; those of heads are subclasses of `HeadStep`."""

    def begin(self) -> None:
        """Make a new optimizer."""

    def begin_epoch(self, rng: np.random.Generator) -> None:
        """Draw anew from `rng` what is random in the model."""

    def learn(self, batch: B_contra, /) -> float:
        """Learn from a batch; its mean loss."""

    @property
    def rate(self) -> float:
        """The learning rate, the highest where there are several."""

    def lower_rate(self) -> None:
        """Divide every learning rate by ten."""

    def scorer(self) -> heads.Scorer:
        """What validation is given, with the weights of the time when it is called."""

    def save(self, path: Path) -> None:
        """Write model and optimizer, whole or not at all."""

    def load(self, path: Path) -> None:
        """Go on with what `save` wrote."""

    def trained(self, path: Path) -> "keras.Model":
        """The model that `save` wrote."""


class HeadStep(Generic[B_contra]):
    """What steps have in common whose model is a head.

    A subclass adds `begin` and `learn`; what else may differ is a class of its own, see
    `Step`.

    Attributes:
        model: a head.
    """

    def __init__(self, model: "keras.Model"):
        self.model = model

    def begin_epoch(self, rng: np.random.Generator) -> None:
        """Begin an epoch's dropout anew: Keras does not save where it stood."""
        dropout = runtime.load_keras().layers.Dropout
        for layer in self.model.layers:
            if isinstance(layer, dropout) and layer.rate > 0:
                layer.seed_generator.state.assign(rng.integers(0, 2**31, 2))

    @property
    def rate(self) -> float:
        """The learning rate."""
        return float(self.model.optimizer.learning_rate)

    def lower_rate(self) -> None:
        """Divide the learning rate by ten."""
        self.model.optimizer.learning_rate = self.model.optimizer.learning_rate / 10

    def scorer(self) -> heads.Scorer:
        """The model as validation takes it, with the weights it has when called."""
        return heads.in_training(self.model)

    def save(self, path: Path) -> None:
        """Write the model with its optimizer, whole."""
        with files.whole(path) as waiting:
            self.model.save(waiting)

    def load(self, path: Path) -> None:
        """Go on with what `save` wrote."""
        self.model = heads.read(path, to_learn=True)

    def trained(self, path: Path) -> "keras.Model":
        """The model that `save` wrote, without its optimizer."""
        return heads.read(path)


def falling_adam(rate: float, steps: int) -> "keras.optimizers.Optimizer":
    """Adam whose rate falls to nothing in so many steps, as half a cosine."""
    optimizers = runtime.load_keras().optimizers
    return optimizers.Adam(optimizers.schedules.CosineDecay(rate, steps))


def save_beside(path: Path, variables: Iterable[Any]) -> None:
    """Write what Keras' file at `path` will not hold, before it, whole."""
    with files.whole(path.with_suffix(BESIDE)) as waiting:
        np.savez(waiting, *(variable.numpy() for variable in variables))
    for old in path.parent.glob(f"*{BESIDE}"):  # of models that are gone
        if old.stem != path.stem and not old.with_suffix(path.suffix).exists():
            old.unlink()


def load_beside(path: Path, variables: Iterable[Any]) -> None:
    """Give variables what `save_beside` wrote.

    Raises:
        ValueError: it is of another model.
    """
    with np.load(path.with_suffix(BESIDE), allow_pickle=False) as found:
        arrays = [found[name] for name in found.files]
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


class WindowStep(HeadStep[Batch]):
    """Cross entropy of window classes, each window by its weight; the head learns."""

    def __init__(self, model: "keras.Model", settings: Training):
        """Take a head.

        Args:
            settings: `resolved`.
        """
        super().__init__(model)
        self.settings = settings

    def optimizer(self) -> "keras.optimizers.Optimizer":
        """A new optimizer."""
        optimizers, rate = runtime.load_keras().optimizers, self.settings.learning_rate
        if self.settings.optimizer == "adam":
            return optimizers.Adam(rate)
        # Krizhevsky's decay goes through the momentum, Keras' does not. Biases decay
        # here too: Keras does not save which weights were spared.
        decay = WEIGHT_DECAY / (1 - MOMENTUM)
        return optimizers.SGD(rate, momentum=MOMENTUM, weight_decay=decay)

    def begin(self) -> None:
        """Give a new head its loss and optimizer."""
        loss = "sparse_categorical_crossentropy"
        self.model.compile(self.optimizer(), loss, jit_compile=False)

    def learn(self, batch: Batch) -> float:
        """Learn from a batch; its mean loss."""
        self.model.reset_metrics()  # else an older Keras gives a running mean
        loss = self.model.train_on_batch(batch.features, batch.ids, batch.weights)
        return float(loss)
