"""Run a network of the user's own on two sizes of noise, to see what it gives.

What a file says of its shapes is often left open or wrong.
"""

from typing import TYPE_CHECKING, NoReturn

import numpy as np

from midlevel.networks.backbones import own_file
from midlevel.networks.backbones.own import Facts
from midlevel.networks.engines import openvino

if TYPE_CHECKING:
    import openvino as ov

GRIDS = ((8, 10), (12, 9))  # rows and columns of the two trials, in cells
TOGETHER = 2  # images in a trial
ADVICE = (
    "Export it with the number of images, their height and width left open: with "
    "PyTorch by dynamic_axes or dynamic_shapes, a ViT of timm with "
    "dynamic_img_size=True, one of transformers with interpolate_pos_encoding=True."
)


def shapes(graph: "ov.Model", facts: Facts) -> list[tuple[int, ...]]:
    """Shapes of what it gives of each of `GRIDS`, all of one rank, 3 or 4.

    Args:
        graph: from RGB uint8 `(n, height, width, 3)`.

    Raises:
        errors.MidlevelError: it cannot be run, or gives neither maps nor tokens.
    """
    try:
        network = openvino.OpenVINONetwork(graph)
    except RuntimeError as error:
        why = own_file.shortened(error)
        own_file.refuse(facts, f"OpenVINO cannot run it on the CPU: {why}")
    return [_shape(network, grid, facts) for grid in GRIDS]


def _shape(
    network: openvino.OpenVINONetwork, grid: tuple[int, int], facts: Facts
) -> tuple[int, ...]:
    height, width = (facts.stride * cells for cells in grid)
    noise = np.random.default_rng(0).integers(
        0, 256, (TOGETHER, height, width, 3), np.uint8
    )
    try:
        shape = network(noise).shape
    except RuntimeError as error:
        own_file.refuse(
            facts,
            f"cannot take {TOGETHER} images of {width} x {height} pixels "
            f"({own_file.shortened(error)}). {ADVICE} If it is so, backbone.stride is "
            "not that of its cells or patches",
        )
    if len(shape) not in (3, 4):
        own_file.refuse(
            facts,
            f"gives {shape[1:]} of an image: expected a map, (channels, rows, "
            "columns), or tokens, (count, channels). Export what lies before the "
            "pooling, or name that output by backbone.output",
        )
    if shape[0] != TOGETHER:
        own_file.refuse(facts, f"takes one image at a time. {ADVICE}")
    return shape


def refuse_stride(facts: Facts, found: list[tuple[int, ...]]) -> NoReturn:
    """Say what it gave, where that is not a cell for every stride."""
    told = " and ".join(
        f"{shape[1:]} of {columns * facts.stride} x {rows * facts.stride} pixels"
        for shape, (rows, columns) in zip(found, GRIDS, strict=True)
    )
    own_file.refuse(
        facts,
        f"gives {told}, which is not a cell for every {facts.stride} pixels: "
        "backbone.stride should be the size of a cell, or of a ViT's patch",
    )
