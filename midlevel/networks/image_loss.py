"""The image loss as a graph: what a photograph's windows add up to, against its labels.

A photograph's score is the power mean of `scores.image_scores` over its windows; its
log-odds, by a slope and an intercept of each class, go into a logistic loss for each
class, added up as in Oquab et al., CVPR 2015 ("Is object localization for free?",
section 3.2).
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from midlevel.method import calibration
from midlevel.method.calibration import Calibration
from midlevel.system import runtime
from midlevel.system.keras_defaults import keras_defaults

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

LEAST = 1e-7  # that a window score is taken to be, so that its power has a slope

Learn = Callable[[np.ndarray, np.ndarray], float]


@keras_defaults()
def learner(head: "keras.Model", k: float, start: Calibration) -> Learn:
    """A function that learns from some photographs and gives their mean loss.

    It takes features float32 `(photographs, windows, channels)` and targets int8
    `(photographs, classes)` of 1, 0, -1; -1 counts neither way. It changes the head, by
    the head's own optimizer.

    Args:
        head: compiled.
        k: exponent of the mean over windows.
        start: slopes and intercepts; they stay as they are.
    """
    runtime.load_keras()
    import tensorflow as tf

    head.optimizer.build(head.trainable_variables)

    def learn(features: "tf.Tensor", targets: "tf.Tensor") -> "tf.Tensor":
        with tf.GradientTape() as tape:
            rows = tf.reshape(features, (-1, features.shape[-1]))
            of_windows = head(rows, training=True)[:, 1:]  # without background
            shape = (tf.shape(features)[0], tf.shape(features)[1], targets.shape[-1])
            loss = _loss(tf.reshape(of_windows, shape), targets, k, start)
        gradients = tape.gradient(loss, head.trainable_variables)
        head.optimizer.apply(gradients, head.trainable_variables)
        return loss

    taken = [
        tf.TensorSpec((None, None, head.input_shape[-1]), tf.float32),
        tf.TensorSpec((None, len(start.slopes)), tf.int8),
    ]
    traced = tf.function(learn, input_signature=taken)
    traced.get_concrete_function()  # now, while Keras has its defaults
    return lambda features, targets: float(traced(features, targets))


def _loss(
    window_scores: "tf.Tensor", targets: "tf.Tensor", k: float, start: Calibration
) -> "tf.Tensor":
    """Mean over photographs of the losses of their classes, added up.

    Args:
        window_scores: `(photographs, windows, classes)`.
    """
    import tensorflow as tf

    # In logarithms: small scores to a high power are nothing in float32.
    powers = tf.reduce_logsumexp(k * tf.math.log(window_scores + LEAST), axis=1)
    count = tf.cast(tf.shape(window_scores)[1], tf.float32)
    mean = tf.exp((powers - tf.math.log(count)) / k)
    score = tf.clip_by_value(mean, LEAST, calibration.HIGHEST)
    odds = tf.math.log(score) - tf.math.log1p(-score)
    odds = odds * np.array(start.slopes, np.float32)
    odds += np.array(start.intercepts, np.float32)
    shows = tf.cast(targets == 1, tf.float32)
    losses = tf.nn.sigmoid_cross_entropy_with_logits(shows, odds)
    counted = tf.cast(targets >= 0, tf.float32)
    return tf.reduce_mean(tf.reduce_sum(losses * counted, axis=1))
