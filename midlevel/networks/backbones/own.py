"""A network of the user's own as the backbone: what must be known of its file.

Data alone, so that settings are checked without OpenVINO; `own_graph` opens the file.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from midlevel.networks.backbones import table

Scaling = Literal["imagenet", "clip", "signed", "unit", "caffe", "none"]
Order = Literal["rgb", "bgr"]
ENDINGS = {"onnx": ".onnx", "openvino": ".xml"}  # of the files; the names users type
NAMES = tuple(ENDINGS)
INPUT_SIZE = 224  # pixels, where nothing is said
# What is taken from red, green and blue in 0..255, and what the rest is divided by.
# Sources: torchvision's and OpenAI CLIP's published constants, which are of 0..1, times
# 255; Caffe's mean of ImageNet as keras.applications has it, whose order is bgr.
SCALINGS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "imagenet": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "clip": (
        (122.7709383, 116.7460125, 104.09373615),
        (68.5005327, 66.6321579, 70.32316305),
    ),
    "signed": ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),
    "unit": ((0.0, 0.0, 0.0), (255.0, 255.0, 255.0)),
    "caffe": ((123.68, 116.779, 103.939), (1.0, 1.0, 1.0)),
    "none": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}


@dataclass(frozen=True)
class Facts:
    """What the file does not say of itself, or says only to who runs it.

    Attributes:
        name: `onnx` or `openvino`.
        file: an `.onnx`, or an `.xml` with its `.bin` beside it.
        stride: pixels of the level along one side of a cell, or of a token's patch.
        input_size: side in pixels of the images it was trained on.
        scaling: how it wants its pixels, one of `SCALINGS`.
        order: of its colours.
        output: the name of the output that is the map; None where there is one.
    """

    name: str
    file: Path
    stride: int
    input_size: int = INPUT_SIZE
    scaling: Scaling = "imagenet"
    order: Order = "rgb"
    output: str | None = None

    def spec(self, channels: int = 0) -> table.Spec:
        """Its line as a table would have it; `channels` are the file's to say."""
        return table.Spec(
            self.name,
            "",
            self.stride,
            channels,
            self.scaling,
            top1=0.0,
            licence="",
            note=f"the user's own, {self.file.name}",
            input_size=self.input_size,
        )
