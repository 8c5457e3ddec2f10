"""Photograph -> one feature vector per window.

Two ways, over the same windows. `dense` runs the frozen backbone once over each level
and averages the cells of each window from the map; a cell also sees what lies around
its window. `crop` cuts every window out, resizes it to the backbone's input and runs
it alone, as the paper did. They give different features: train and score with the same.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from midlevel import backbones, images, windows

if TYPE_CHECKING:
    from midlevel.backbones import Backbone
    from midlevel.config import Config

CROPS_AT_ONCE = 64


@dataclass(frozen=True)
class Extractor:
    """Turns an image into its windows' features.

    Attributes:
        backbone: the frozen network.
        geometry: which windows an image has.
        method: `dense` or `crop`.
        context: pixels of surroundings in a crop of the backbone's input size.
    """

    backbone: "Backbone"
    geometry: windows.Geometry
    method: str = "dense"
    context: int = 0

    def plan(self, size_wh: tuple[int, int]) -> windows.Plan:
        """The windows of an image of that size."""
        return windows.plan(size_wh, self.geometry)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Features of every window, float32 `(n, channels)`, in the plan's order."""
        plan = self.plan(images.size_wh(images.check(image)))
        if self.method == "dense":
            return dense(self.backbone, image, plan)
        return crops(self.backbone, image, plan, self.context)

    @cached_property
    def fingerprint(self) -> str:
        """Identifies everything, besides the image, that decides the features."""
        parts = {
            "backbone": self.backbone.fingerprint,
            "geometry": asdict(self.geometry),
            "path": [self.method, self.context if self.method == "crop" else 0],
            "decoding": images.DECODE_POLICY,
        }
        text = json.dumps(parts, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def build(config: "Config", weights: Path | None = None) -> Extractor:
    """The extractor that the settings describe.

    Args:
        weights: a file in place of `backbone.weights`, such as a run's own copy.

    Raises:
        errors.MidlevelError: the backbone's weights cannot be had.
    """
    settings = config.backbone
    backbone = backbones.build(settings.name, weights or settings.weights)
    geometry = windows.Geometry(
        config.windows.levels(),
        backbone.stride,
        backbone.input_size,
        config.windows.overlap,
        min_cells=backbone.lost_cells + 1,
    )
    chosen = config.features
    return Extractor(backbone, geometry, chosen.method, chosen.context)


def dense(backbone: "Backbone", image: np.ndarray, plan: windows.Plan) -> np.ndarray:
    """Features from one map per level, float32 `(n, channels)`."""
    pixels = image.astype(np.float32)  # levels are not rounded, so exports can match
    maps = [
        backbone.maps(images.resize(pixels, size_wh)[None])[0]
        for size_wh in plan.level_sizes_wh
    ]
    return pool(maps, plan, backbone.lost_cells)


def pool(maps: list[np.ndarray], plan: windows.Plan, lost_cells: int = 0) -> np.ndarray:
    """Mean of each window's cells, float32 `(n, channels)`.

    A summed-area table makes the mean of any window cost four look-ups.

    Args:
        maps: float32 `(rows, columns, channels)` of each level.
        lost_cells: cells that the map lacks on the right and below, because the
            backbone's convolutions have no padding; every window is that much smaller.
    """
    result = np.empty((len(plan), maps[0].shape[-1]), np.float32)
    for i, cells in enumerate(maps):
        rows, columns, channels = cells.shape
        table = np.zeros((rows + 1, columns + 1, channels), np.float32)
        np.cumsum(cells, axis=0, out=table[1:, 1:])
        np.cumsum(table[1:, 1:], axis=1, out=table[1:, 1:])
        of_level = plan.level == i
        left, top, right, bottom = (
            plan.cells[of_level] - (0, 0, lost_cells, lost_cells)
        ).T
        total = table[bottom, right] - table[top, right]
        total += table[top, left] - table[bottom, left]
        result[of_level] = total / ((right - left) * (bottom - top))[:, None]
    return result


def crops(
    backbone: "Backbone", image: np.ndarray, plan: windows.Plan, context: int = 0
) -> np.ndarray:
    """Features from each window cut out and run alone, float32 `(n, channels)`."""
    boxes, side = plan.boxes, backbone.input_size
    batches = []
    for start in range(0, len(boxes), CROPS_AT_ONCE):
        cuts = [
            images.cut(image, box, side, context)
            for box in boxes[start : start + CROPS_AT_ONCE]
        ]
        batches.append(backbone.maps(np.stack(cuts)).mean(axis=(1, 2)))
    return np.vstack(batches)
