"""`.keras`: Keras' own file, a zip archive; `labels.json` is one more part of it."""

from collections.abc import Callable
from pathlib import Path

from midlevel.exports import labels as labels_
from midlevel.system import runtime
from midlevel.system.keras_defaults import keras_defaults

EXAMPLE = """\
import json, zipfile

import cv2, keras
import midlevel  # the layers of image.keras

network = keras.saving.load_model("image.keras")
labels = json.loads(zipfile.ZipFile("image.keras").read("labels.json"))
image = cv2.cvtColor(cv2.imread("photograph.jpg"), cv2.COLOR_BGR2RGB)
scores = network.predict_on_batch(image[None])[0]
print(dict(zip(labels["classes"], scores.round(3).tolist())))
"""


def write(network, path: Path, labels: dict):
    """Write a Keras model to `path`."""
    network.save(path)
    labels_.put_into_zip(path, labels)


@keras_defaults()
def load(path: Path) -> Callable:
    """What `write` wrote, as a function of a batch."""
    predict = runtime.load_keras().saving.load_model(path).predict_on_batch
    return keras_defaults()(predict)
