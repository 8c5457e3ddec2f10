"""The table of frozen backbones: data alone, so that a config is checked without Keras.

Top-1 accuracies are of the ImageNet 2012 validation set, as published by Keras for
these weights (for EfficientNet-Lite0 by its authors).
"""

import dataclasses
from pathlib import Path

from midlevel import errors
from midlevel.system import text

DEFAULT = "efficientnet_lite0"
LAST = "last"  # the map that every backbone gives, and gives where none is named


@dataclasses.dataclass(frozen=True)
class Packaged:
    """Weights that travel with midlevel.

    Attributes:
        file: in this folder.
        sha256: its checksum, hexadecimal.
        fingerprint: of the network with these weights, as far as its last map.
    """

    file: Path
    sha256: str
    fingerprint: str


@dataclasses.dataclass(frozen=True)
class Map:
    """A map that a backbone gives on the way to its last.

    Attributes:
        name: what it is called. `before_last`: what the last convolution, or the last
            residual block, takes; `stride16`: the last map with cells of 16 pixels.
        layer: the Keras layer whose output it is.
        stride: pixels of the level along one side of a cell.
        channels: length of the vector in each cell.
        lost_cells: as of `Spec`.
    """

    name: str
    layer: str
    stride: int
    channels: int
    lost_cells: int = 0


@dataclasses.dataclass(frozen=True)
class Spec:
    """One backbone.

    Attributes:
        name: what users type.
        application: its constructor in `keras.applications`; empty: midlevel's own.
        stride: pixels of the level along one side of a cell.
        channels: length of the vector in each cell of the map.
        preprocessing: `inside` (the network takes RGB 0..255 as it is), `signed` (RGB
            in -1..1) or `caffe` (BGR less the mean of ImageNet).
        top1: percent, of the whole network.
        licence: of the weights.
        note: one line for those who choose.
        lost_cells: cells of a window that the network needs around one cell of its map;
            a window of k cells is `k - lost_cells` cells of the map.
        input_size: side in pixels of the images it was trained on.
        maps: the maps it gives besides the last.
        map: the one that stride, channels and lost_cells are of.
        packaged: its weights, where they travel with midlevel.
    """

    name: str
    application: str
    stride: int
    channels: int
    preprocessing: str
    top1: float
    licence: str
    note: str
    lost_cells: int = 0
    input_size: int = 224
    maps: tuple[Map, ...] = ()
    map: str = LAST
    packaged: Packaged | None = None

    def of_map(self, name: str) -> "Spec":
        """The same network as far as one of its maps.

        >>> BACKBONES["efficientnet_lite0"].of_map("stride16").channels
        112

        Raises:
            errors.MidlevelError: it gives no such map.
        """
        if name == self.map:
            return self
        found = self.find_map(name)
        return dataclasses.replace(
            self,
            stride=found.stride,
            channels=found.channels,
            lost_cells=found.lost_cells,
            map=name,
        )

    def find_map(self, name: str) -> Map:
        """The line of one of `maps`; errors are those of `of_map`."""
        for one in self.maps:
            if one.name == name:
                return one
        names = ", ".join([LAST, *(one.name for one in self.maps)])
        raise errors.MidlevelError(
            f"The map of {self.name} must be one of {names}. Received: {name}."
        )


HERE = Path(__file__).parent
LITE0 = Packaged(
    HERE / "efficientnet_lite0.weights.h5",
    "fb83eab47925c47340b7e38195a428baff60b3561c00715f59b262959b2145a3",
    "e790ed2385eded991b8cbbbc62a45a24c48203d7e2a1a47e868f0ca6ed97c8f4",
)
LITE1 = Packaged(
    HERE / "efficientnet_lite1.weights.h5",
    "f08e32fc7acdc56b7e8179020682bf521ea671a5c7d8fe298fa624fcb2f42827",
    "c4c8edacb1a8304767b074f624e982ab3308f9f4b01ff57d74f4350f75e24883",
)
LITE2 = Packaged(
    HERE / "efficientnet_lite2.weights.h5",
    "5214cef22205d7962720e24036d01fd6b6852382d09fbc77e30f3c9a8e14cc84",
    "c56749ca163f105ad8c6fbdac9e6cc8c3cb09704ef3c189fca062677edbb9cfe",
)
# Layers of convnext_tiny between its blocks have no names of their own: no maps there.
# fmt: off
SPECS = (
    Spec("efficientnet_lite0", "", 32, 1280, "inside", 75.1,
         "Apache-2.0", "small and fast; its weights travel with midlevel",
         maps=(Map("before_last", "block7a_project_bn", 32, 320),
               Map("block6", "block6d_add", 32, 192),
               Map("stride16", "block5c_add", 16, 112)),
         packaged=LITE0),
    Spec("efficientnet_lite1", "", 32, 1280, "inside", 76.7,
         "Apache-2.0", "half as much work again; its weights travel with midlevel",
         input_size=240,
         maps=(Map("before_last", "block7a_project_bn", 32, 320),
               Map("block6", "block6e_add", 32, 192),
               Map("stride16", "block5d_add", 16, 112)),
         packaged=LITE1),
    Spec("efficientnet_lite2", "", 32, 1280, "inside", 77.6,
         "Apache-2.0", "twice the work; its weights travel with midlevel",
         input_size=260,
         maps=(Map("before_last", "block7a_project_bn", 32, 352),
               Map("block6", "block6e_add", 32, 208),
               Map("stride16", "block5d_add", 16, 120)),
         packaged=LITE2),
    Spec("mobilenet_v2", "MobileNetV2", 32, 1280, "signed", 71.3,
         "Apache-2.0", "small and fast",
         maps=(Map("before_last", "block_16_project_BN", 32, 320),
               Map("stride16", "block_12_add", 16, 96))),
    Spec("mobilenet_v3_large", "MobileNetV3Large", 32, 960, "inside", 75.6,
         "Apache-2.0", "squeeze-and-excitation: every cell also sees the whole level",
         maps=(Map("before_last", "expanded_conv_14_add", 32, 160),
               Map("stride16", "expanded_conv_11_add", 16, 112))),
    Spec("mobilenet_v3_small", "MobileNetV3Small", 32, 576, "inside", 68.1,
         "Apache-2.0", "the smallest; squeeze-and-excitation",
         maps=(Map("before_last", "expanded_conv_10_add", 32, 96),
               Map("stride16", "expanded_conv_7_add", 16, 48))),
    Spec("efficientnet_b0", "EfficientNetB0", 32, 1280, "inside", 77.1,
         "Apache-2.0", "squeeze-and-excitation: every cell also sees the whole level",
         maps=(Map("before_last", "block7a_project_bn", 32, 320),
               Map("stride16", "block5c_add", 16, 112))),
    Spec("resnet50", "ResNet50", 32, 2048, "caffe", 74.9,
         "MIT", "ten times the work of efficientnet_lite0",
         maps=(Map("before_last", "conv5_block2_out", 32, 2048),
               Map("stride16", "conv4_block6_out", 16, 1024))),
    Spec("convnext_tiny", "ConvNeXtTiny", 32, 768, "inside", 81.3,
         "MIT", "the most accurate here, and as slow as resnet50"),
    Spec("vgg16", "VGG16", 32, 512, "caffe", 71.3,
         "CC-BY-4.0", "convolutions alone; forty times the work of efficientnet_lite0",
         maps=(Map("stride16", "block5_conv3", 16, 512),)),
    Spec("vgg16_fc7", "VGG16", 32, 4096, "caffe", 71.3,
         "CC-BY-4.0", "FC6 and FC7 as convolutions: the paper's kind of features",
         lost_cells=6,
         maps=(Map("fc6", "fc1", 32, 4096, lost_cells=6),
               Map("pool5", "block5_pool", 32, 512),
               Map("stride16", "block5_conv3", 16, 512))),
)
# fmt: on

BACKBONES = {spec.name: spec for spec in SPECS}
NAMES = tuple(BACKBONES)


def find(name: str) -> Spec:
    """The backbone called `name`; `MidlevelError` with the nearest name if none is.

    >>> find("efficientnet_lite0").channels
    1280
    """
    if name in BACKBONES:
        return BACKBONES[name]
    hint = text.did_you_mean(name, NAMES)
    raise errors.MidlevelError(
        f"The backbone must be one of {', '.join(NAMES)}. Received: {name}.{hint}"
    )
