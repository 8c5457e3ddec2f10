"""TensorFlow's SavedModel: a folder, for TensorFlow Serving and what else reads it.

`labels.json` is in `assets.extra`, the place that TensorFlow leaves to others.
"""

from collections.abc import Callable
from pathlib import Path

from midlevel.exports import labels as labels_
from midlevel.system import runtime

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


def write(network, path: Path, labels: dict, batch: int | None = None):
    """Write a Keras model to the folder `path`.

    Args:
        batch: how many images it takes at a time; by default any number.
    """
    runtime.load_keras()
    import tensorflow as tf

    from midlevel.networks.engines import tensorflow

    (taken,) = network.inputs
    spec = tf.TensorSpec((batch, *taken.shape[1:]), taken.dtype, taken.name)
    frozen = tensorflow.freeze(network, taken.dtype)  # half as large, and faster
    serve = tf.function(lambda x: {OUTPUT: frozen(x)[0]}, input_signature=[spec])
    module = tf.Module()
    module.serve = serve
    signatures = {"serving_default": serve.get_concrete_function()}
    tf.saved_model.save(module, str(path), signatures)
    extra = path / "assets.extra"
    extra.mkdir()
    (extra / labels_.FILE).write_text(labels_.as_json(labels), encoding="utf-8")


def load(path: Path) -> Callable:
    """What `write` wrote, as a function of a batch."""
    runtime.load_keras()
    import tensorflow as tf

    network = tf.saved_model.load(str(path))
    return lambda batch: network.serve(batch)[OUTPUT].numpy()
