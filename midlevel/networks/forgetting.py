"""Learning without forgetting as a graph (Li and Hoiem, ECCV 2016; PAMI 2018).

While layers that tasks share learn from the photographs of a new one, what the head
said of these photographs before, the responses, holds the old tasks where they are.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from midlevel.method.aggregation import Aggregation
from midlevel.networks import heads, image_loss, tasks
from midlevel.networks.image_loss import Learn
from midlevel.system import runtime
from midlevel.system.keras_defaults import keras_defaults

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


@dataclass(frozen=True)
class Kept:
    """What holds the old tasks.

    Attributes:
        head: as it was before; it does not learn.
        weight: of the loss of its responses, which is added.
        temperature: see `distillation`.
    """

    head: "keras.Model"
    weight: float
    temperature: float


@keras_defaults()
def learner(
    head: "keras.Model",
    optimizers: "tuple[keras.optimizers.Optimizer, keras.optimizers.Optimizer]",
    aggregation: Aggregation,
    window_weight: float,
    kept: Kept | None,
) -> Learn:
    """A function that learns from some photographs of the newest task; its mean loss.

    What it takes is as of `image_loss.learner`; targets and class ids are the newest
    task's.

    Args:
        head: of several tasks.
        optimizers: of new layers and of old ones, see `variables`.
        aggregation: of a photograph's window scores.
        window_weight: of the mean loss of labelled windows, which is added; 0: none.
        kept: None where nothing holds the old tasks.
    """
    keras = runtime.load_keras()
    import tensorflow as tf

    by_task, learning = tasks.parts(head), variables(head)
    old_heads = tasks.parts(kept.head) if kept else []
    kinds = [heads.has_background(part) for part in old_heads]
    together = keras.Model(head.input, [part.output for part in by_task])
    for optimizer, own in zip(optimizers, learning, strict=True):
        optimizer.build(own)

    def learn(
        features: "tf.Tensor", targets: "tf.Tensor", *windows: "tf.Tensor"
    ) -> "tf.Tensor":
        rows = tf.reshape(features, (-1, head.input_shape[-1]))
        responses = [part(rows, training=False) for part in old_heads]
        with tf.GradientTape() as tape:
            *old, new = together(rows, training=True)
            loss = image_loss.of_scores(new, targets, aggregation)
            if windows:
                loss += window_weight * image_loss.of_windows(by_task[-1], *windows)
            if kept:
                of_old = zip(old, responses, kinds, strict=True)
                losses = [distillation(*one, kept.temperature) for one in of_old]
                loss += kept.weight * tf.add_n(losses)
        gradients = tape.gradient(loss, learning)
        for optimizer, own, slopes in zip(optimizers, learning, gradients, strict=True):
            optimizer.apply(slopes, own)
        return loss

    return image_loss.traced(learn, by_task[-1], with_windows=window_weight > 0)


def variables(head: "keras.Model") -> "tuple[list[keras.Variable], ...]":
    """What learns in a head of several tasks: of the newest one's layers, and of old.

    A layer that the newest task shares with another is old.
    """
    old = {layer.name for part in tasks.parts(head)[:-1] for layer in part.layers}
    of_new: list[keras.Variable] = []
    of_old: list[keras.Variable] = []
    for layer in head.layers:
        (of_old if layer.name in old else of_new).extend(layer.trainable_variables)
    return of_new, of_old


def distillation(
    scores: "tf.Tensor",
    responses: "tf.Tensor",
    background: bool,
    temperature: float,
) -> "tf.Tensor":
    """Mean over windows of the cross entropy of a task's scores to its responses.

    Both are p ** (1 / temperature), brought to a sum of one (equations 2 and 3 of the
    paper). Without background each class is one of two outcomes, and their cross
    entropies are added up, as the authors do for several labels.

    Args:
        scores: `(n, 1 + classes)`.
        responses: the same before anything was learned.
        background: as of `heads.build`.
    """
    import tensorflow as tf

    now, before = (_logits(p, background) / temperature for p in (scores, responses))
    if background:
        of_windows = tf.nn.softmax_cross_entropy_with_logits(tf.nn.softmax(before), now)
    else:
        losses = tf.nn.sigmoid_cross_entropy_with_logits(tf.sigmoid(before), now)
        of_windows = tf.reduce_sum(losses, axis=1)
    return tf.reduce_mean(of_windows)


def _logits(p: "tf.Tensor", background: bool) -> "tf.Tensor":
    """Numbers whose softmax `p` is; without background, whose sigmoid each class is."""
    import tensorflow as tf

    if background:
        return tf.math.log(tf.maximum(p, image_loss.TINIEST))
    return tf.math.log(p[:, 1:] + image_loss.LEAST) - tf.math.log1p(
        image_loss.LEAST - p[:, 1:]
    )
