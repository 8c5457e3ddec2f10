"""EfficientNet-Lite0, the default backbone, and the weights that travel with it.

Source: Tan and Le, "EfficientNet", ICML 2019, table 1, with the Lite changes of
2020: ReLU6 in place of swish, no squeeze-and-excitation, stem and head not scaled.
"""

from pathlib import Path

import keras

from midlevel.networks.backbones import table
from midlevel.networks.backbones import weights as weights_files

WEIGHTS_PATH, WEIGHTS_SHA256 = table.PACKAGED, table.PACKAGED_SHA256

# (repeats, kernel size, stride of the first repeat, expansion, output channels)
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM_CHANNELS = 32
HEAD_CHANNELS = 1280
CLASSES = 1000  # ImageNet 2012, in the usual order of sorted WordNet ids
DROPOUT = 0.2
BATCH_NORM_EPSILON = 1e-3


def efficientnet_lite0(
    include_top: bool = False,
    weights: str | Path | None = "imagenet",
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
) -> keras.Model:
    """EfficientNet-Lite0 (ImageNet top-1 75.1 %, 4.65 million weights with top).

    The model takes RGB float32 or uint8 `(n, height, width, 3)` in 0..255; `(x - 127)
    / 128` is its first layer. Its output is the map `(n, height / 32, width / 32,
    1280)` float32 >= 0, sides rounded up; with `include_top` it is the probabilities
    `(n, 1000)` of the ImageNet classes.

    `weights` is `"imagenet"` (the packaged file), the path of a weights file, or
    `None` (random). Raises `MidlevelError` if the file is missing, damaged or not of
    this network.
    """
    inputs = keras.Input(input_shape, name="image")
    x = keras.layers.Rescaling(1 / 128, -127 / 128, name="preprocessing")(inputs)
    x = convolution(x, STEM_CHANNELS, kernel_size=3, strides=2, name="stem")

    for number, (repeats, kernel_size, strides, expansion, channels) in enumerate(
        STAGES, start=1
    ):
        for letter in "abcd"[:repeats]:
            name = f"block{number}{letter}"
            x = inverted_residual(x, kernel_size, strides, expansion, channels, name)
            strides = 1  # only a stage's first block reduces the map

    x = convolution(x, HEAD_CHANNELS, kernel_size=1, strides=1, name="head")
    if include_top:
        x = classifier(x)

    model = keras.Model(inputs, x, name="efficientnet_lite0")
    load(model, weights)
    return model


def inverted_residual(x, kernel_size, strides, expansion, channels, name):
    """Expand, filter each channel, project; add the input where the shapes agree."""
    inputs = x
    if expansion != 1:
        x = convolution(x, expansion * x.shape[-1], 1, 1, f"{name}_expand")

    x = keras.layers.DepthwiseConv2D(
        kernel_size, strides, "same", use_bias=False, name=f"{name}_depthwise_conv"
    )(x)
    x = normalise(x, f"{name}_depthwise")
    x = keras.layers.Activation("relu6", name=f"{name}_depthwise_relu6")(x)

    x = keras.layers.Conv2D(channels, 1, use_bias=False, name=f"{name}_project_conv")(x)
    x = normalise(x, f"{name}_project")

    if strides == 1 and inputs.shape[-1] == channels:
        x = keras.layers.Add(name=f"{name}_add")([inputs, x])
    return x


def convolution(x, channels, kernel_size, strides, name):
    """Convolution, batch normalisation, ReLU6."""
    x = keras.layers.Conv2D(
        channels, kernel_size, strides, "same", use_bias=False, name=f"{name}_conv"
    )(x)
    x = normalise(x, name)
    return keras.layers.Activation("relu6", name=f"{name}_relu6")(x)


def normalise(x, name):
    """Batch normalisation with the epsilon the weights were trained with."""
    return keras.layers.BatchNormalization(
        epsilon=BATCH_NORM_EPSILON, name=f"{name}_bn"
    )(x)


def classifier(x):
    """Mean over the map, dropout, probabilities of the 1000 ImageNet classes."""
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = keras.layers.Dropout(DROPOUT, name="dropout")(x)
    return keras.layers.Dense(CLASSES, activation="softmax", name="predictions")(x)


def load(model: keras.Model, weights: str | Path | None) -> None:
    """Fill `model` from the packaged file, whose checksum is verified, or another."""
    if weights is None:
        return
    if weights == "imagenet":
        weights_files.verify(WEIGHTS_PATH, WEIGHTS_SHA256)
        weights = WEIGHTS_PATH
    weights_files.load(model, weights)
