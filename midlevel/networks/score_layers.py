"""Keras layers behind a head's classifiers; they give scores `(n, 1 + classes)`.

Layers, and not operations of `keras.ops`: these are named by a count that begins anew
with every process, so those of a head that was read and those of a new classifier have
the same names, which a graph may have once.
"""

from midlevel.system import runtime

runtime.load_keras()

import keras  # noqa: E402  (on TensorFlow now)

ops = keras.ops


@keras.saving.register_keras_serializable(package="midlevel")
class WithNone(keras.layers.Layer):
    """Scores of classes with the probability of none of them before them.

    Takes `(n, classes)`, each scored alone.
    """

    def call(self, p):
        return ops.concatenate([ops.prod(1 - p, axis=-1, keepdims=True), p], axis=-1)


@keras.saving.register_keras_serializable(package="midlevel")
class OfTasks(keras.layers.Layer):
    """Scores of several tasks as those of one.

    Takes a list of `(n, 1 + classes of the task)`. Column 0, that a window shows none
    of the classes, is the product of each task's; the classes follow as they are.
    """

    def call(self, scores):
        none = scores[0][..., :1]
        for of_task in scores[1:]:
            none = none * of_task[..., :1]
        classes = [of_task[..., 1:] for of_task in scores]
        return ops.concatenate([none, *classes], axis=-1)
