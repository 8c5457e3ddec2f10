"""TensorFlow's SavedModel: a folder, for TensorFlow Serving and what else reads it.

`labels.json` is in `assets.extra`, the place that TensorFlow leaves to others.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from midlevel.exports import class_names
from midlevel.system import runtime, text

OUTPUT = "scores"
EXAMPLE = """\
import json, pathlib

import cv2, tensorflow

network = tensorflow.saved_model.load("image.savedmodel")
labels = pathlib.Path("image.savedmodel/assets.extra/labels.json").read_text("utf-8")
image = cv2.cvtColor(cv2.imread("photograph.jpg"), cv2.COLOR_BGR2RGB)
scores = network.signatures["serving_default"](images=image[None])["scores"][0]
print(dict(zip(json.loads(labels)["classes"], scores.numpy().round(3).tolist())))
"""


def write(
    network: Any, path: Path, content: dict[str, Any], batch: int | None = None
) -> None:
    """Write a Keras model to the folder `path`.

    Args:
        batch: how many images it takes at a time; by default any number. Others are
            refused when it runs: LiteRT, given two where the shape says one, would
            make its tensors larger and score the first twice.
    """
    runtime.load_keras()
    import tensorflow as tf

    from midlevel.networks.engines import tensorflow

    (taken,) = network.inputs
    shape = taken.shape[1:]
    spec = tf.TensorSpec((None, *shape), taken.dtype, taken.name)
    frozen = tensorflow.freeze(network, taken.dtype)  # half as large, and faster

    def scores(x: Any) -> dict[str, Any]:
        x = x if batch is None else tf.reshape(x, (batch, *shape))
        return {OUTPUT: frozen(x)[0]}

    serve = tf.function(scores, input_signature=[spec])
    module = tf.Module()
    module.serve = serve
    signatures = {"serving_default": serve.get_concrete_function()}
    tf.saved_model.save(module, str(path), signatures)
    extra = path / "assets.extra"
    extra.mkdir()
    (extra / class_names.FILE).write_text(text.as_json(content), encoding="utf-8")


def load(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """What `write` wrote, as a function of a batch."""
    runtime.load_keras()
    import tensorflow as tf

    network = tf.saved_model.load(str(path))
    return lambda batch: network.serve(batch)[OUTPUT].numpy()
