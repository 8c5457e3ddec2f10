"""The head: adaptation layers that turn features into class scores.

Oquab 2014, section 3.1: Y_a = relu(W_a Y + B_a), Y_b = softmax(W_b Y_a + B_b), with
2048 units in FCa and one unit for each class and the background in FCb. Labels without
boxes say of no window that it is background: there FCb has a sigmoid for each class, as
the loss of Oquab 2015 has (section 3.2), and column 0 is what is left.
"""

import functools
import zipfile
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from midlevel import errors
from midlevel.method.whole import STEADY
from midlevel.networks import parts, tasks
from midlevel.system import files, runtime
from midlevel.system.keras_defaults import keras_defaults

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import keras

    from midlevel.networks import engines


Scorer = Callable[[np.ndarray], np.ndarray]  # features to window scores
LENGTH = 20.0  # of normalised features, so that initial activations are near one
UNREADABLE: tuple[type[Exception], ...] = (
    *(OSError, ValueError, KeyError, TypeError, AttributeError),
    *(RecursionError, EOFError, zipfile.BadZipFile, zlib.error),
)
SCORED_AT_ONCE = 8192  # windows; bounds memory whatever the number of images


@keras_defaults()
def build(
    channels: int,
    classes: int,
    hidden: "Sequence[int]" = (2048,),
    dropout: float = 0.5,
    normalise: str = "power",
    seed: int = 0,
    background: bool = True,
) -> "keras.Model":
    """A new head: features `(n, channels)` to scores `(n, 1 + classes)`.

    Args:
        classes: number of classes.
        hidden: units of each adaptation layer below the last. The paper finds one
            layer of 2048 best, none or two about 1 % worse (section 4, "Varying the
            number of adaptation layers").
        dropout: share of units dropped in training, after each of these layers.
        normalise: `power`: the signed root of each feature, then all to one length, as
            Razavian et al. 2014 ("CNN features off-the-shelf") found better; `none`:
            the features as they are, as in the paper.
        seed: the same seed gives the same initial weights and the same dropout.
        background: whether column 0 is a class of its own, the background, and the
            scores sum to 1; else each class is scored alone, and column 0 is the
            probability that a window shows none of them.
    """
    keras = runtime.load_keras()
    inputs = keras.Input((channels,), name="features")
    x = _normalised(inputs) if normalise == "power" else inputs
    for i, units in enumerate(hidden):
        name = "fca" if i == 0 else f"fca{i + 1}"
        start = keras.initializers.HeNormal(seed=seed + 2 * i)
        dense = keras.layers.Dense(units, "relu", kernel_initializer=start, name=name)
        dropped = keras.layers.Dropout(
            dropout, seed=seed + 2 * i + 1, name=f"{name}_dropout"
        )
        x = dropped(dense(x))
    scores = classifier(x, classes, background, seed + 2 * len(hidden))
    return keras.Model(inputs, scores, name="head")


def classifier(
    x: "keras.KerasTensor", classes: int, background: bool, seed: int, name: str = "fcb"
) -> "keras.KerasTensor":
    """Scores `(n, 1 + classes)` of a new classifier on `x` `(n, units)`."""
    keras = runtime.load_keras()
    start = keras.initializers.GlorotUniform(seed=seed)
    units, activation = (1 + classes, "softmax") if background else (classes, "sigmoid")
    last = keras.layers.Dense(units, activation, kernel_initializer=start, name=name)
    if background:
        return last(x)
    from midlevel.networks import score_layers

    return score_layers.WithNone(name=f"{name}_with_none")(last(x))


def classifier_of(head: "keras.Model") -> "keras.layers.Dense":
    """The last dense layer of the head of one task."""
    return _dense(head)[-1]


def _dense(head: "keras.Model") -> "list[keras.layers.Dense]":
    dense = runtime.load_keras().layers.Dense
    return [layer for layer in head.layers if isinstance(layer, dense)]


def has_background(head: "keras.Model") -> bool:
    """Whether column 0 of the scores of the head of one task is a class of its own."""
    return bool(classifier_of(head).units == head.output_shape[-1])


def start_at(head: "keras.Model", odds: np.ndarray) -> None:
    """Let a new head without background say that each window has these log-odds.

    Args:
        odds: `(classes,)`.
    """
    last = classifier_of(head)
    kernel, _ = last.get_weights()
    last.set_weights([kernel, np.asarray(odds, np.float32)])


def _normalised(x: "keras.KerasTensor") -> "keras.KerasTensor":
    """The signed root of each feature, scaled to the same length for every window."""
    keras = runtime.load_keras()
    root = keras.ops.sqrt(keras.ops.abs(x) + STEADY) - STEADY**0.5
    x = keras.ops.sign(x) * root
    x = keras.layers.UnitNormalization(name="unit_length")(x)
    return keras.layers.Rescaling(LENGTH, name="length")(x)


def score(head: Scorer, features: np.ndarray) -> np.ndarray:
    """Window scores float32 `(n, 1 + classes)` of features `(n, channels)`.

    The features may be of several images: one matrix product serves them all.
    """
    found = [
        head(np.asarray(features[i : i + SCORED_AT_ONCE], np.float32))
        for i in range(0, max(len(features), 1), SCORED_AT_ONCE)
    ]
    return found[0] if len(found) == 1 else np.concatenate(found)


@keras_defaults()
def in_training(head: "keras.Model") -> Scorer:
    """A head whose weights still change, as what `score` takes; traced once."""
    runtime.load_keras()
    import tensorflow as tf

    windows = tf.TensorSpec((None, head.input_shape[-1]), tf.float32)
    call = functools.partial(head, training=False)
    function = tf.function(call, input_signature=[windows])
    function.get_concrete_function()  # now, while Keras has its defaults
    return lambda features: function(features).numpy()


@keras_defaults()
def below_last(head: "keras.Model") -> Scorer:
    """What a head's last layer takes: features `(n, channels)` to vectors."""
    keras = runtime.load_keras()
    return in_training(keras.Model(head.input, classifier_of(head).input))


def set_last(head: "keras.Model", weights: np.ndarray, intercepts: np.ndarray) -> None:
    """Give a head's last layer its weights `(units below, units)` and intercepts."""
    arrays = [np.asarray(part, np.float32) for part in (weights, intercepts)]
    classifier_of(head).set_weights(arrays)


@keras_defaults()
def hidden(head: "keras.Model") -> tuple[Scorer, np.ndarray]:
    """The units of a head's last hidden layer, of several tasks those of each.

    Returns:
        a network from features `(n, channels)` to activations `(n, units)`, and the
        units' weights towards column 0 and classes, float32 `(units, 1 + classes)`;
        of a head without background, column 0 is nought, of several tasks it is the
        sum of theirs.

    Raises:
        errors.MidlevelError: the head has no hidden layer.
    """
    keras, by_task = runtime.load_keras(), tasks.parts(head)
    if any(len(_dense(part)) < 2 for part in by_task):
        raise errors.MidlevelError(
            "The head has no hidden layer (head.hidden is empty), so no units to look "
            "at. Look at the backbone's instead: --of backbone."
        )
    last = [classifier_of(part) for part in by_task]
    layers = list({id(one.input): one.input for one in last}.values())
    units = layers[0] if len(layers) == 1 else keras.layers.Concatenate()(layers)
    rows, width = _rows(layers), 1
    weights = np.zeros((units.shape[-1], head.output_shape[-1]), np.float32)
    for part, layer in zip(by_task, last, strict=True):
        own, count = rows[id(layer.input)], part.output_shape[-1] - 1
        kernel = layer.get_weights()[0]
        weights[own, width : width + count] = kernel[:, -count:]
        if has_background(part):
            weights[own, 0] += kernel[:, 0]
        width += count
    return in_training(keras.Model(head.input, units)), weights


def _rows(layers: "list[keras.KerasTensor]") -> dict[int, slice]:
    """Where the units of each tensor are when all stand in a row."""
    ends = np.cumsum([0, *(layer.shape[-1] for layer in layers)]).tolist()
    spans = zip(layers, ends[:-1], ends[1:], strict=True)
    return {id(layer): slice(start, end) for layer, start, end in spans}


def network(
    path: "Path", stored: "Path", engine: "engines.Engine"
) -> "engines.Network":
    """A trained head, on an engine.

    Args:
        path: its `.keras` file.
        stored: the same head as OpenVINO reads it, where it was kept.

    Raises:
        errors.MidlevelError: a file is missing, damaged, or of another head.
    """
    found = engine.network(lambda: load(path), "float32", stored)
    if found.fingerprint and found.fingerprint != fingerprint(path):
        raise errors.MidlevelError(
            f"{stored}: is not the head in {path.name}. Restore both files; or delete "
            f"{stored.name}, and every start converts {path.name}, which needs "
            "TensorFlow."
        )
    return found


def fingerprint(path: "Path") -> str:
    """SHA-256 (hexadecimal) of a file; empty if there is none."""
    return files.digest(path) if path.exists() else ""


def keep(path: "Path", stored: "Path", head: "keras.Model") -> None:
    """Write a trained head: for Keras to `path`, for OpenVINO to `stored`."""
    from midlevel.networks.engines import openvino

    with files.whole(path) as waiting:
        head.save(waiting)
    graph = openvino.convert(head, "float32")
    openvino.save(graph, stored, fingerprint(path))


def load(path: "Path") -> "keras.Model":
    """The head in a `.keras` file; no code in the file is run.

    Raises:
        errors.MidlevelError: the file is missing, no Keras model, or one with parts
            that no head has.
    """
    try:
        return read(path)
    except UNREADABLE as error:
        why = " ".join(str(error).split())[:300].rstrip(".")
        raise errors.MidlevelError(
            f"{path}: cannot be read as a Keras model: {why}. Train again."
        ) from error


@keras_defaults()
def read(path: "Path", to_learn: bool = False) -> "keras.Model":
    """The same, with errors as they come, which are of `UNREADABLE`.

    Args:
        to_learn: with its optimizer and loss, where they were saved.
    """
    parts.check(path)
    saving = runtime.load_keras().saving
    from midlevel.networks import l2_scale, score_layers  # noqa: F401  Keras must know

    return saving.load_model(path, compile=to_learn, safe_mode=True)
