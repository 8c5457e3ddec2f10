"""LiteRT's `.tflite`, for phones; `labels.json` is in a zip archive at its end.

Android's and MediaPipe's tools put texts there as well; the runtime passes over them.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from midlevel.exports import labels as labels_
from midlevel.exports import savedmodel
from midlevel.system import runtime

EXAMPLE = """\
import json, zipfile

import cv2
from ai_edge_litert.interpreter import Interpreter

run = Interpreter("image.tflite").get_signature_runner("serving_default")
labels = json.loads(zipfile.ZipFile("image.tflite").read("labels.json"))
_, height, width, _ = run.get_input_details()["images"]["shape"]
image = cv2.cvtColor(cv2.imread("photograph.jpg"), cv2.COLOR_BGR2RGB)
image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
scores = run(images=image[None])["scores"][0]
print(dict(zip(labels["classes"], scores.round(3).tolist())))
"""


def write(network, path: Path, labels: dict):
    """Write a Keras model to `path`; it takes one window, or one image, at a time."""
    runtime.load_keras()
    import tensorflow as tf

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        savedmodel.write(network, Path(folder) / "network", labels, batch=1)
        converter = tf.lite.TFLiteConverter.from_saved_model(f"{folder}/network")
        path.write_bytes(converter.convert())
    labels_.put_into_zip(path, labels)


def load(path: Path) -> Callable:
    """What `write` wrote, as a function of a batch, on the CPU."""
    litert = runtime.load("ai_edge_litert.interpreter", "ai-edge-litert", "litert")
    with runtime.native_messages_kept_back():
        interpreter = litert.Interpreter(str(path))
        interpreter.allocate_tensors()
    run = interpreter.get_signature_runner("serving_default")
    (taken,) = run.get_input_details()
    return lambda batch: np.concatenate(
        [run(**{taken: image[None]})[savedmodel.OUTPUT] for image in batch]
    )
