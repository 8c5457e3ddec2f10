"""`.keras`: Keras' own file, a zip archive; `labels.json` is one more part of it."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from midlevel import errors
from midlevel.exports import class_names
from midlevel.system import runtime
from midlevel.system.keras_defaults import keras_defaults

EXAMPLE = """\
import json, zipfile

import cv2, midlevel

network = midlevel.load_keras("image.keras")  # a keras.Model
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
    return keras_defaults()(network(path).predict_on_batch)


@keras_defaults()
def network(path: str | Path) -> Any:
    """The `keras.Model` in a file that `write` wrote; its layers are made known first.

    Raises:
        errors.MidlevelError: there is no such file, or Keras cannot read it.
        errors.MissingDependency: TensorFlow is not installed.
    """
    keras = runtime.load_keras()
    importlib.import_module("midlevel.networks.export_layers")
    try:
        return keras.saving.load_model(path)
    except (OSError, ValueError, TypeError, KeyError) as error:
        said = " ".join(str(error).split())[:200]
        raise errors.MidlevelError(
            f"{path}: is no Keras model that `midlevel export` wrote, or cannot be "
            f"read: {said}"
        ) from error
