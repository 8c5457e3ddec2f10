"""A tail as a graph: the end of a backbone that learns together with a head.

Batch normalisation stays as it is at inference, where ImageNet has taught it: sixteen
photographs say less of a layer's mean and spread.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from midlevel.method.aggregation import Aggregation
from midlevel.networks import image_loss
from midlevel.system import runtime
from midlevel.system.keras_defaults import keras_defaults

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

Learn = Callable[[Sequence["Group"]], float]


class Group(NamedTuple):
    """Photographs whose maps have the same shapes.

    Attributes:
        maps: at the cut, float32 `(photographs, rows, columns, channels)` of each
            level.
        shares: what each cell of the last map counts in each window, float32
            `(photographs, windows, cells)` of each level, see `pooling.shares`; the
            labelled windows stand behind the others.
        targets: int8 `(photographs, classes)` of 1, 0, -1.
        ids: int16 `(photographs, labelled windows)`, their classes.
        weights: of these windows in their loss, float32.
    """

    maps: tuple[np.ndarray, ...]
    shares: tuple[np.ndarray, ...]
    targets: np.ndarray
    ids: np.ndarray
    weights: np.ndarray


@keras_defaults()
def learner(
    tail: "keras.Model",
    head: "keras.Model",
    aggregation: Aggregation,
    window_weight: float,
    levels: int,
    is_normalising: bool = False,
) -> Learn:
    """A function that learns from a batch, in groups, and gives its loss.

    The loss is that of `image_loss.learner`, of features that the tail makes.

    Args:
        tail: compiled; from the map at the cut to the last.
        head: compiled, too.
        aggregation: of a photograph's window scores.
        window_weight: of the mean loss of labelled windows, which is added; 0: none.
        levels: of the pyramid.
        is_normalising: whether batch normalisation learns too.
    """
    runtime.load_keras()
    import tensorflow as tf

    parts = [head, tail]
    variables = [part.trainable_variables for part in parts]
    for part, own in zip(parts, variables, strict=True):
        part.optimizer.build(own)

    def slopes(group: Group, share: "tf.Tensor") -> "tuple[tf.Tensor, list]":
        with tf.GradientTape() as tape:
            vectors = features(tail, group.maps, group.shares, is_normalising)
            loss = _loss(head, vectors, group, aggregation, window_weight) * share
        return loss, tape.gradient(loss, variables)

    signature = [_signature(tail, head, levels), tf.TensorSpec((), tf.float32)]
    traced = tf.function(slopes, input_signature=signature)
    traced.get_concrete_function()  # now, while Keras has its defaults

    def learn(groups: Sequence[Group]) -> float:
        total = sum(len(group.targets) for group in groups)
        found = [traced(g, np.float32(len(g.targets) / total)) for g in groups]
        losses, by_group = zip(*found, strict=True)
        for part, own, *gradients in zip(parts, variables, *by_group, strict=True):
            summed = [tf.add_n(of_one) for of_one in zip(*gradients, strict=True)]
            part.optimizer.apply(summed, own)
        return float(sum(losses))

    return learn


def features(
    tail: "keras.Model",
    maps: "Sequence[tf.Tensor]",
    shares: "Sequence[tf.Tensor]",
    is_normalising: bool = False,
) -> "tf.Tensor":
    """Windows' features `(photographs, windows, channels)`; see `Group`."""
    import tensorflow as tf

    found = []
    for level, of_level in zip(maps, shares, strict=True):
        cells = tail(level, training=is_normalising)
        shape = (tf.shape(cells)[0], -1, cells.shape[-1])
        found.append(tf.matmul(of_level, tf.reshape(cells, shape)))
    return tf.add_n(found)


def _loss(
    head: "keras.Model",
    vectors: "tf.Tensor",
    group: Group,
    aggregation: Aggregation,
    window_weight: float,
) -> "tf.Tensor":
    import tensorflow as tf

    drawn = tf.shape(vectors)[1] - tf.shape(group.ids)[1]
    loss = image_loss.of_photographs(
        head, vectors[:, :drawn], group.targets, aggregation
    )
    if not window_weight:
        return loss
    labelled = tf.reshape(vectors[:, drawn:], (-1, vectors.shape[-1]))
    ids, weights = (tf.reshape(part, (-1,)) for part in (group.ids, group.weights))
    return loss + window_weight * image_loss.of_windows(head, labelled, ids, weights)


def _signature(tail: "keras.Model", head: "keras.Model", levels: int) -> Group:
    """What a group is for the graph."""
    import tensorflow as tf

    a_map = tf.TensorSpec((None, None, None, tail.input_shape[-1]), tf.float32)
    shares = tf.TensorSpec((None, None, None), tf.float32)
    targets = tf.TensorSpec((None, head.output_shape[-1] - 1), tf.int8)
    ids, weights = (tf.TensorSpec((None, None), k) for k in (tf.int16, tf.float32))
    return Group((a_map,) * levels, (shares,) * levels, targets, ids, weights)
