"""LiteRT's `.tflite`, for phones; `labels.json` is in a zip archive at its end.

Android's and MediaPipe's tools put texts there as well; the runtime passes over them.
"""

import inspect
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from midlevel.exports import class_names, letterbox, savedmodel
from midlevel.system import runtime

EXAMPLE = f"""\
import json, zipfile

import cv2, numpy
from ai_edge_litert.interpreter import Interpreter


{inspect.getsource(letterbox.letterbox)}

run = Interpreter("image.tflite").get_signature_runner("serving_default")
labels = json.loads(zipfile.ZipFile("image.tflite").read("labels.json"))
_, height, width, _ = run.get_input_details()["images"]["shape"]
image = cv2.cvtColor(cv2.imread("photograph.jpg"), cv2.COLOR_BGR2RGB)
scores = run(images=letterbox(image, width, height)[None])["scores"][0]
found = dict(zip(labels["classes"], scores.round(3).tolist()))
print(found)
print([name for name in found if found[name] >= labels["thresholds"][name]])
"""


def write(
    network: Any, path: Path, content: dict[str, Any], precision: str = "f32"
) -> None:
    """Write a Keras model to `path`; it takes one window, or one image, at a time.

    Args:
        precision: of the weights as the file has them: `f32`, `f16` or `int8`; it is
            computed in f32, and where the runtime can, int8 by int8.
    """
    runtime.load_keras()
    import tensorflow as tf

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        savedmodel.write(network, Path(folder) / "network", content, batch=1)
        converter = tf.lite.TFLiteConverter.from_saved_model(f"{folder}/network")
        if precision != "f32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if precision == "f16":
            converter.target_spec.supported_types = [tf.float16]
        path.write_bytes(converter.convert())
    class_names.put_into_zip(path, content)


def load(path: Path) -> Callable[[np.ndarray], np.ndarray]:
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
