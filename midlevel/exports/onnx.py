"""ONNX, for ONNX Runtime; `metadata_props` holds each entry of `labels.json`."""

import contextlib
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from midlevel.exports import class_names
from midlevel.system import runtime

OPSET = 17  # of 2022: known to every runtime of today
AXES = {"windows": ("n",), "images": ("n", "height", "width")}  # that have no length
EXAMPLE = """\
import json, cv2, onnxruntime

run = onnxruntime.InferenceSession("image.onnx")
classes = json.loads(run.get_modelmeta().custom_metadata_map["classes"])
image = cv2.cvtColor(cv2.imread("photograph.jpg"), cv2.COLOR_BGR2RGB)
scores = run.run(["scores"], {"images": image[None]})[0][0]
print(dict(zip(classes, scores.round(3).tolist())))
"""


def write(network: Any, path: Path, content: dict[str, Any]) -> None:
    """Write a Keras model to `path`."""
    from midlevel.networks.engines import tensorflow

    onnx, tf2onnx = _packages("onnx", "tf2onnx")
    # A graph of constants: tf2onnx loses variables that are captured in layers.
    frozen = tensorflow.freeze(network, "uint8")
    with _quiet():
        graph, _ = tf2onnx.convert.from_graph_def(
            frozen.graph.as_graph_def(),
            input_names=[frozen.inputs[0].name],
            output_names=[frozen.outputs[0].name],
            opset=OPSET,
        )
    _name(graph.graph, network.inputs[0].name)
    onnx.helper.set_model_props(graph, class_names.as_texts(content))
    onnx.checker.check_model(graph)
    path.write_bytes(graph.SerializeToString())


def load(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """What `write` wrote, as a function of a batch, on the CPU."""
    (runtime_,) = _packages("onnxruntime")
    runtime_.disable_telemetry_events()
    session = runtime_.InferenceSession(path, providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    return lambda batch: session.run(None, {taken.name: np.ascontiguousarray(batch)})[0]


def _packages(*names: str) -> list:
    return [runtime.load(name, name, "onnx") for name in names]


def _name(graph, taken: str):
    """Name the graph's input and output, and those of its axes that have no length."""
    names = {graph.input[0].name: taken, graph.output[0].name: "scores"}
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value, axes in ((graph.input[0], AXES[taken]), (graph.output[0], ("n",))):
        value.name = names[value.name]
        for axis, dim in zip(axes, value.type.tensor_type.shape.dim, strict=False):
            if not dim.dim_value:
                dim.dim_param = axis


@contextlib.contextmanager
def _quiet():
    """Without what tf2onnx logs and warns of, which no user can act on."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
