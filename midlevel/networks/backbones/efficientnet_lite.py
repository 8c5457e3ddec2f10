"""The EfficientNet-Lite family, and the weights that travel with midlevel.

Source: Tan and Le, "EfficientNet", ICML 2019, table 1, with the Lite changes of
2020: ReLU6 in place of swish, no squeeze-and-excitation, stem and head not scaled.
"""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path

import keras

from midlevel.networks.backbones import table
from midlevel.networks.backbones import weights as weights_files

STEM_CHANNELS = 32
HEAD_CHANNELS = 1280
DIVISOR = 8  # channels of a block are a multiple of it
CLASSES = 1000  # ImageNet 2012, in the usual order of sorted WordNet ids
BATCH_NORM_EPSILON = 1e-3


@dataclasses.dataclass(frozen=True)
class Stage:
    """Blocks in a row that give as many channels each.

    Attributes:
        repeats: blocks.
        kernel_size: of the depthwise convolutions.
        strides: of the first block; the others keep the size.
        expansion: how many times as many channels a block has inside.
        channels: of its output.
    """

    repeats: int
    kernel_size: int
    strides: int
    expansion: int
    channels: int


@dataclasses.dataclass(frozen=True)
class Scaling:
    """What makes one of the family from `STAGES`.

    Attributes:
        width: times as many channels in each block.
        depth: times as many blocks in a stage, but for the first and the last stage.
        dropout: before the classes, in training.
    """

    width: float
    depth: float
    dropout: float


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
# The authors' code, tensorflow/tpu, models/official/efficientnet/lite.
SCALINGS = {
    "efficientnet_lite0": Scaling(1.0, 1.0, 0.2),
    "efficientnet_lite1": Scaling(1.0, 1.1, 0.2),
    "efficientnet_lite2": Scaling(1.1, 1.2, 0.3),
}


def efficientnet_lite(
    name: str,
    include_top: bool = False,
    weights: str | Path | None = "imagenet",
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
) -> keras.Model:
    """One of `SCALINGS`.

    The model takes RGB float32 or uint8 `(n, height, width, 3)` in 0..255; `(x - 127)
    / 128` is its first layer. Its output is the map `(n, height / 32, width / 32,
    1280)` float32 >= 0, sides rounded up; with `include_top` it is the probabilities
    `(n, 1000)` of the ImageNet classes.

    `weights` is `"imagenet"` (the packaged file), the path of a weights file, or
    `None` (random). Raises `MidlevelError` if the file is missing, damaged or not of
    this network.
    """
    scaling = SCALINGS[name]
    inputs = keras.Input(input_shape, name="image")
    x = keras.layers.Rescaling(1 / 128, -127 / 128, name="preprocessing")(inputs)
    x = convolution(x, STEM_CHANNELS, kernel_size=3, strides=2, name="stem")

    for number, stage in enumerate(stages(scaling), start=1):
        for block, letter in zip(blocks(stage), "abcdefgh", strict=False):
            x = inverted_residual(x, block, f"block{number}{letter}")

    x = convolution(x, HEAD_CHANNELS, kernel_size=1, strides=1, name="head")
    if include_top:
        x = classifier(x, scaling.dropout)

    model = keras.Model(inputs, x, name=name)
    load(model, weights)
    return model


def stages(scaling: Scaling) -> list[Stage]:
    """`STAGES`, scaled.

    >>> [stage.repeats for stage in stages(SCALINGS["efficientnet_lite1"])]
    [1, 3, 3, 4, 4, 5, 1]
    """
    ends = (STAGES[0], STAGES[-1])  # belong to stem and head: as many blocks
    return [
        dataclasses.replace(
            stage,
            repeats=stage.repeats
            if stage in ends
            else math.ceil(scaling.depth * stage.repeats),
            channels=scaled(stage.channels, scaling.width),
        )
        for stage in STAGES
    ]


def scaled(channels: int, width: float) -> int:
    """The multiple of `DIVISOR` nearest to `channels * width`, not a tenth below it.

    >>> [scaled(stage.channels, 1.1) for stage in STAGES]
    [16, 24, 48, 88, 120, 208, 352]
    """
    exact = channels * width
    nearest = max(DIVISOR, int(exact + DIVISOR / 2) // DIVISOR * DIVISOR)
    return nearest if nearest >= 0.9 * exact else nearest + DIVISOR


def blocks(stage: Stage) -> Iterator[Stage]:
    """Each block of a stage; only the first reduces the map."""
    for number in range(stage.repeats):
        strides = 1 if number else stage.strides
        yield dataclasses.replace(stage, repeats=1, strides=strides)


def inverted_residual(
    x: keras.KerasTensor, block: Stage, name: str
) -> keras.KerasTensor:
    """Expand, filter each channel, project; add the input where the shapes agree."""
    inputs = x
    if block.expansion != 1:
        x = convolution(x, block.expansion * x.shape[-1], 1, 1, f"{name}_expand")

    x = keras.layers.DepthwiseConv2D(
        block.kernel_size,
        block.strides,
        "same",
        use_bias=False,
        name=f"{name}_depthwise_conv",
    )(x)
    x = normalise(x, f"{name}_depthwise")
    x = keras.layers.Activation("relu6", name=f"{name}_depthwise_relu6")(x)

    x = keras.layers.Conv2D(
        block.channels, 1, use_bias=False, name=f"{name}_project_conv"
    )(x)
    x = normalise(x, f"{name}_project")

    if block.strides == 1 and inputs.shape[-1] == block.channels:
        x = keras.layers.Add(name=f"{name}_add")([inputs, x])
    return x


def convolution(
    x: keras.KerasTensor, channels: int, kernel_size: int, strides: int, name: str
) -> keras.KerasTensor:
    """Convolution, batch normalisation, ReLU6."""
    x = keras.layers.Conv2D(
        channels, kernel_size, strides, "same", use_bias=False, name=f"{name}_conv"
    )(x)
    x = normalise(x, name)
    return keras.layers.Activation("relu6", name=f"{name}_relu6")(x)


def normalise(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Batch normalisation with the epsilon the weights were trained with."""
    return keras.layers.BatchNormalization(
        epsilon=BATCH_NORM_EPSILON, name=f"{name}_bn"
    )(x)


def classifier(x: keras.KerasTensor, dropout: float) -> keras.KerasTensor:
    """Mean over the map, dropout, probabilities of the 1000 ImageNet classes."""
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    return keras.layers.Dense(CLASSES, activation="softmax", name="predictions")(x)


def load(model: keras.Model, weights: str | Path | None) -> None:
    """Fill `model` from its packaged file, whose checksum is verified, or another."""
    if weights is None:
        return
    packaged = table.find(model.name).packaged
    if weights == "imagenet" and packaged:
        weights_files.verify(packaged.file, packaged.sha256)
        weights = packaged.file
    weights_files.load(model, weights)
