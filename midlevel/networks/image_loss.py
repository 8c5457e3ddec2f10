"""The image loss as a graph: what a photograph's windows add up to, against its labels.

A photograph's score is an `aggregation` of its window scores; its log-odds go into a
logistic loss for each class, added up as in Oquab et al., CVPR 2015 ("Is object
localization for free?", section 3.2). Labelled windows may teach in the same step.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from midlevel.method import aggregation as aggregation_
from midlevel.method import calibration
from midlevel.method.aggregation import Aggregation
from midlevel.system import runtime
from midlevel.system.keras_defaults import keras_defaults

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

LEAST = 1e-7  # that a window score is taken to be, so that its power has a slope
TINIEST = np.finfo(np.float32).tiny  # whose logarithm is still a number

Arrays = tuple[np.ndarray, ...]
Learn = Callable[[np.ndarray, np.ndarray, Arrays], float]


@keras_defaults()
def learner(
    head: "keras.Model",
    aggregation: Aggregation,
    window_weight: float = 0.0,
) -> Learn:
    """A function that learns from some photographs and gives their mean loss.

    It takes features float32 `(photographs, windows, channels)` and targets int8
    `(photographs, classes)` of 1, 0, -1; -1 counts neither way. Last, nothing; with a
    `window_weight`, labelled windows too: features float32 `(n, channels)`, class ids
    and weights `(n,)`. It changes the head, by the head's own optimizer.

    Args:
        head: compiled.
        aggregation: of a photograph's window scores.
        window_weight: of the mean loss of labelled windows, which is added.
    """
    runtime.load_keras()
    import tensorflow as tf

    head.optimizer.build(head.trainable_variables)

    def learn(
        features: "tf.Tensor", targets: "tf.Tensor", *windows: "tf.Tensor"
    ) -> "tf.Tensor":
        with tf.GradientTape() as tape:
            loss = of_photographs(head, features, targets, aggregation)
            if windows:
                loss += window_weight * of_windows(head, *windows)
        gradients = tape.gradient(loss, head.trainable_variables)
        head.optimizer.apply(gradients, head.trainable_variables)
        return loss

    return traced(learn, head, with_windows=window_weight > 0)


def traced(learn: Callable, head: "keras.Model", with_windows: bool) -> Learn:
    """A step as a graph, made now, while Keras has its defaults.

    Args:
        learn: takes what `learner` says, windows' arrays one by one.
        head: for how many channels and classes; of several tasks the one that learns.
    """
    import tensorflow as tf

    graph = tf.function(learn, input_signature=_signature(head, with_windows))
    graph.get_concrete_function()

    def learned(
        features: np.ndarray, targets: np.ndarray, windows: Arrays = ()
    ) -> float:
        return float(graph(features, targets, *windows))

    return learned


def _signature(head: "keras.Model", with_windows: bool) -> "list[tf.TensorSpec]":
    """What a step takes, see `learner`."""
    import tensorflow as tf

    channels = head.input_shape[-1]
    taken = [
        tf.TensorSpec((None, None, channels), tf.float32),
        tf.TensorSpec((None, head.output_shape[-1] - 1), tf.int8),
    ]
    if with_windows:
        taken += [tf.TensorSpec((None, channels), tf.float32)]
        taken += [tf.TensorSpec((None,), kind) for kind in (tf.int16, tf.float32)]
    return taken


def of_photographs(
    head: "keras.Model",
    features: "tf.Tensor",
    targets: "tf.Tensor",
    aggregation: Aggregation,
) -> "tf.Tensor":
    """Mean over photographs of the losses of their classes, added up.

    Args:
        features: of their windows, `(photographs, windows, channels)`.
        targets: `(photographs, classes)` of 1, 0, -1; -1 counts neither way.
    """
    import tensorflow as tf

    rows = tf.reshape(features, (-1, head.input_shape[-1]))
    return of_scores(head(rows, training=True), targets, aggregation)


def of_scores(
    scores: "tf.Tensor", targets: "tf.Tensor", aggregation: Aggregation
) -> "tf.Tensor":
    """The same of window scores.

    Args:
        scores: `(photographs * windows, 1 + classes)`, photograph after photograph.
        targets: `(photographs, classes)` of 1, 0, -1; -1 counts neither way.
    """
    import tensorflow as tf

    window_scores = scores[:, 1:]  # without background
    shape = (tf.shape(targets)[0], -1, window_scores.shape[-1])
    odds = log_odds(tf.reshape(window_scores, shape), aggregation)
    shows = tf.cast(targets == 1, tf.float32)
    losses = tf.nn.sigmoid_cross_entropy_with_logits(shows, odds)
    counted = tf.cast(targets >= 0, tf.float32)
    return tf.reduce_mean(tf.reduce_sum(losses * counted, axis=1))


def log_odds(window_scores: "tf.Tensor", aggregation: Aggregation) -> "tf.Tensor":
    """Log-odds of image scores `(photographs, classes)`, with a slope everywhere.

    Args:
        window_scores: `(photographs, windows, classes)`.
    """
    import tensorflow as tf

    how, by = aggregation.how, aggregation.by
    if how == aggregation_.POWER:
        return _power_odds(window_scores, by)
    odds = tf.math.log(window_scores + LEAST) - tf.math.log1p(LEAST - window_scores)
    if how == aggregation_.MAX:
        return tf.reduce_max(odds, axis=1)
    windows = tf.shape(odds)[1]
    if how == aggregation_.TOP:
        parts = aggregation.parts
        count = tf.maximum(windows * parts // aggregation_.PARTS, 1)
        highest = tf.math.top_k(tf.transpose(odds, (0, 2, 1)), count, sorted=False)
        return tf.reduce_mean(highest.values, axis=-1)
    powers = tf.reduce_logsumexp(by * odds, axis=1)
    return (powers - tf.math.log(tf.cast(windows, tf.float32))) / by


def _power_odds(window_scores: "tf.Tensor", k: float) -> "tf.Tensor":
    import tensorflow as tf

    # In logarithms: small scores to a high power are nothing in float32.
    powers = tf.reduce_logsumexp(k * tf.math.log(window_scores + LEAST), axis=1)
    count = tf.cast(tf.shape(window_scores)[1], tf.float32)
    mean = tf.exp((powers - tf.math.log(count)) / k)
    score = tf.clip_by_value(mean, LEAST, calibration.HIGHEST)
    return tf.math.log(score) - tf.math.log1p(-score)


def of_windows(
    head: "keras.Model", features: "tf.Tensor", ids: "tf.Tensor", weights: "tf.Tensor"
) -> "tf.Tensor":
    """Mean cross entropy of labelled windows `(n, channels)`, each by its weight."""
    import tensorflow as tf

    scores = head(features, training=True)
    of_own = tf.gather(scores, tf.cast(ids, tf.int32), axis=1, batch_dims=1)
    of_own = tf.maximum(of_own, TINIEST)
    return -tf.reduce_mean(tf.math.log(of_own) * weights)
