"""A head grows for a new task: pure functions from head to head.

Wang, Ramanan, Hebert, CVPR 2017 ("Growing a Brain: Fine-Tuning by Increasing Model
Capacity"). In a head FC7 is the last hidden layer; old units see old inputs only.
"""

from typing import TYPE_CHECKING

from midlevel.networks import heads
from midlevel.settings.growth import Growth
from midlevel.system import runtime
from midlevel.system.keras_defaults import keras_defaults

if TYPE_CHECKING:
    import keras


@keras_defaults()
def grow(
    head: "keras.Model",
    classes: int,
    settings: Growth,
    seed: int = 0,
    background: bool = True,
    suffix: str = "",
) -> "keras.Model":
    """A head for a new task, over the input of an old one.

    The old head's layers below its classifier are in both, the same objects; what the
    old one gives stays what it was until one of these learns.

    Args:
        head: the old one; its classifier is its last dense layer.
        classes: of the new task.
        seed: the same seed gives the same initial weights and the same dropout.
        background: as of `heads.build`.
        suffix: of the names of new layers, so that several tasks fit into one graph.
    """
    keras = runtime.load_keras()
    x = _classifier(head).input
    scores = heads.classifier(x, classes, background, seed, f"fcb{suffix}")
    return keras.Model(head.input, scores, name=f"head{suffix}")


def _classifier(head: "keras.Model") -> "keras.layers.Dense":
    dense = runtime.load_keras().layers.Dense
    return [layer for layer in head.layers if isinstance(layer, dense)][-1]
