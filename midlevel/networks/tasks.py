"""Heads of several tasks: one graph over one input, one file, one matrix of scores.

Each task has a classifier of its own; layers below may be shared. The scores of a task
are the same numbers in the joined head as alone.
"""

from typing import TYPE_CHECKING

from midlevel.system import runtime
from midlevel.system.keras_defaults import keras_defaults

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras


@keras_defaults()
def joined(heads: "Sequence[keras.Model]") -> "keras.Model":
    """One head of the tasks of several, in their order.

    Args:
        heads: over the same input tensor; layers that several of them have are shared.
    """
    keras = runtime.load_keras()
    from midlevel.networks import score_layers

    outputs = [output for head in heads for output in _outputs(head)]
    scores = score_layers.OfTasks(name="tasks")(outputs)
    return keras.Model(heads[0].input, scores, name="head")


@keras_defaults()
def parts(head: "keras.Model") -> "list[keras.Model]":
    """A head for each of the tasks, of the same layers; of one task the head itself."""
    keras, outputs = runtime.load_keras(), _outputs(head)
    if len(outputs) == 1:
        return [head]
    return [keras.Model(head.input, output) for output in outputs]


def _outputs(head: "keras.Model") -> "list[keras.KerasTensor]":
    """The scores of each task, before they are joined."""
    from midlevel.networks import score_layers

    found = [one for one in head.layers if isinstance(one, score_layers.OfTasks)]
    return list(found[0].input) if found else [head.output]
