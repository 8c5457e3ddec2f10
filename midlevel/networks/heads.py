"""The head: adaptation layers that turn features into class scores.

Oquab 2014, section 3.1: Y_a = relu(W_a Y + B_a), Y_b = softmax(W_b Y_a + B_b), with
2048 units in FCa and one unit for each class and the background in FCb.
"""

import functools
import json
import re
import zipfile
import zlib
from typing import TYPE_CHECKING

import numpy as np

from midlevel import errors
from midlevel.system import files, runtime

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import keras

    from midlevel.networks import engines
    from midlevel.runs import Run

LENGTH = 20.0  # of normalised features, so that initial activations are near one
STEADY = 1e-4  # keeps the root of a feature near zero from magnifying rounding
PARTS = re.compile(  # module and class of all that a head is made of
    r"keras\.layers\.(InputLayer|Dense|Dropout|UnitNormalization|Rescaling)"
    r"|keras\.optimizers\.(Adam|SGD)|keras\.optimizers\.schedules\.\w+"
    r"|keras\.initializers\.\w+|keras\.src\.ops\.\w+\.\w+|keras\.DTypePolicy"
    r"|keras\.src\.models\.functional\.Functional|\.__keras_tensor__"
)
LARGEST_CONFIG = 1_000_000  # bytes of a head's description
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError)
UNREADABLE += (RecursionError, EOFError, zipfile.BadZipFile, zlib.error)
SCORED_AT_ONCE = 8192  # windows; bounds memory whatever the number of images


def build(
    channels: int,
    classes: int,
    hidden: "Sequence[int]" = (2048,),
    dropout: float = 0.5,
    normalise: str = "power",
    seed: int = 0,
) -> "keras.Model":
    """A new head: features `(n, channels)` to scores `(n, 1 + classes)` that sum to 1.

    Args:
        classes: number of classes; column 0 of the scores is the background.
        hidden: units of each adaptation layer below the last. The paper finds one
            layer of 2048 best, none or two about 1 % worse (section 4, "Varying the
            number of adaptation layers").
        dropout: share of units dropped in training, after each of these layers.
        normalise: `power`: the signed root of each feature, then all to one length, as
            Razavian et al. 2014 ("CNN features off-the-shelf") found better; `none`:
            the features as they are, as in the paper.
        seed: the same seed gives the same initial weights and the same dropout.
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
    start = keras.initializers.GlorotUniform(seed=seed + 2 * len(hidden))
    last = keras.layers.Dense(
        1 + classes, "softmax", kernel_initializer=start, name="fcb"
    )
    return keras.Model(inputs, last(x), name="head")


def _normalised(x):
    """The signed root of each feature, scaled to the same length for every window."""
    keras = runtime.load_keras()
    root = keras.ops.sqrt(keras.ops.abs(x) + STEADY) - STEADY**0.5
    x = keras.ops.sign(x) * root
    x = keras.layers.UnitNormalization(name="unit_length")(x)
    return keras.layers.Rescaling(LENGTH, name="length")(x)


def score(head: "engines.Network", features: np.ndarray) -> np.ndarray:
    """Window scores float32 `(n, 1 + classes)` of features `(n, channels)`.

    The features may be of several images: one matrix product serves them all.
    """
    parts = [
        head(np.asarray(features[i : i + SCORED_AT_ONCE], np.float32))
        for i in range(0, max(len(features), 1), SCORED_AT_ONCE)
    ]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def in_training(head: "keras.Model") -> "engines.Network":
    """A head whose weights still change, as what `score` takes; traced once."""
    runtime.load_keras()
    import tensorflow as tf

    windows = tf.TensorSpec((None, head.input_shape[-1]), tf.float32)
    call = functools.partial(head, training=False)
    function = tf.function(call, input_signature=[windows])
    return lambda features: function(features).numpy()


def hidden(head: "keras.Model") -> tuple["engines.Network", np.ndarray]:
    """The units of a head's last hidden layer.

    Returns:
        a network from features `(n, channels)` to activations `(n, units)`, and the
        units' weights towards background and classes, float32 `(units, 1 + classes)`.

    Raises:
        errors.MidlevelError: the head has no hidden layer.
    """
    keras = runtime.load_keras()
    names = [
        layer.name for layer in head.layers if isinstance(layer, keras.layers.Dense)
    ]
    if len(names) < 2:
        raise errors.MidlevelError(
            "The head has no hidden layer (head.hidden is empty), so no units to look "
            "at. Look at the backbone's instead: --of backbone."
        )
    below = keras.Model(head.input, head.get_layer(names[-2]).output)
    return in_training(below), head.get_layer(names[-1]).get_weights()[0]


def network(run: "Run", engine: "engines.Engine") -> "engines.Network":
    """The trained head of a run, on an engine.

    Raises:
        errors.MidlevelError: its file is missing, damaged, or of another head.
    """
    found = engine.network(lambda: load(run.head_file), "float32", run.stored_head)
    if found.fingerprint and found.fingerprint != fingerprint(run.head_file):
        raise errors.MidlevelError(
            f"{run.stored_head}: is not the head in {run.head_file.name}. Restore both "
            f"files; or delete {run.stored_head.name}, and every start converts "
            f"{run.head_file.name}, which needs TensorFlow."
        )
    return found


def fingerprint(path: "Path") -> str:
    """SHA-256 (hexadecimal) of a file; empty if there is none."""
    return files.digest(path) if path.exists() else ""


def keep(run: "Run", head: "keras.Model"):
    """Write a trained head into its run: for Keras, and for OpenVINO."""
    from midlevel.networks.engines import openvino

    with files.whole(run.head_file) as path:
        head.save(path)
    graph = openvino.convert(head, "float32")
    openvino.save(graph, run.stored_head, fingerprint(run.head_file))


def load(path: "Path") -> "keras.Model":
    """The head in a `.keras` file; no code in the file is run.

    Raises:
        errors.MidlevelError: the file is missing, no Keras model, or one with parts
            that no head has.
    """
    keras = runtime.load_keras()
    try:
        check_parts(path)
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except UNREADABLE as error:
        why = " ".join(str(error).split())[:300].rstrip(".")
        raise errors.MidlevelError(
            f"{path}: cannot be read as a Keras model: {why}. Train again."
        ) from error


def check_parts(path: "Path"):
    """Refuse what is not one of `PARTS` before Keras looks for its class.

    Keras refuses lambdas by itself, but takes any class that it can find by name.
    """
    with zipfile.ZipFile(path) as file, file.open("config.json") as part:
        waiting = [json.loads(part.read(LARGEST_CONFIG))]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict) and "class_name" in item:
            name = f"{item.get('module') or ''}.{item['class_name']}"
            if not PARTS.fullmatch(name):
                raise ValueError(f"it has a part that no head has, {name[:80]!r}")
        if isinstance(item, dict | list):
            waiting += item.values() if isinstance(item, dict) else item
