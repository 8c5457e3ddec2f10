"""`.keras`: Keras' own file, a zip archive; `labels.json` is one more part of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from midlevel.exports import class_names
from midlevel.system import runtime

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


def write(network: Any, path: Path, content: dict[str, Any]) -> None:
    """Write a Keras model to `path`."""
    network.save(path)
    class_names.put_into_zip(path, content)


def load(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """What `write` wrote, as a function of a batch."""
    return runtime.load_keras().saving.load_model(path).predict_on_batch
