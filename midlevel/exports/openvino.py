"""OpenVINO's `.xml` with its `.bin`, all in f32: nothing is rounded to halves.

The `.xml` holds each entry of `labels.json` under `rt_info/midlevel`.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from midlevel.exports import class_names

EXAMPLE = """\
import json, cv2, openvino

network = openvino.Core().read_model("image.xml")
classes = json.loads(network.get_rt_info(["midlevel", "classes"]).astype(str))
f32 = {"INFERENCE_PRECISION_HINT": "f32"}  # else bf16 where a CPU has it
run = openvino.compile_model(network, "CPU", f32)
image = cv2.cvtColor(cv2.imread("photograph.jpg"), cv2.COLOR_BGR2RGB)
scores = run(image[None])["scores"][0]
print(dict(zip(classes, scores.round(3).tolist())))
"""


def write(network: Any, path: Path, content: dict[str, Any]) -> None:
    """Write a Keras model to `path`, an `.xml`, and the `.bin` beside it."""
    from midlevel.networks.engines import openvino

    graph = openvino.convert(network, "uint8")
    graph.inputs[0].set_names({network.inputs[0].name})
    graph.outputs[0].set_names({"scores"})
    for name, text in class_names.as_texts(content).items():
        graph.set_rt_info(text, ["midlevel", name])
    openvino.save(graph, path)


def load(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """What `write` wrote, as a function of a batch, on the CPU in f32."""
    from midlevel.networks.engines import openvino

    return openvino.OpenVINONetwork(openvino.read(path), "f32")
