"""Photograph -> one feature vector per window.

Two ways, over the same windows. `dense` runs the frozen backbone once over each level
and averages the cells of each window from the map; a cell also sees what lies around
its window. `crop` cuts every window out, resizes it to the backbone's input and runs
it alone, as the paper did. They give different features: train and score with the same.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from midlevel.images import decoding, pixels
from midlevel.images.pixels import Photograph
from midlevel.method import boxes as boxes_
from midlevel.method import pooling, windows
from midlevel.networks import backbones, engines
from midlevel.networks.backbones.table import LAST
from midlevel.settings.geometry import geometry_of
from midlevel.system import text

if TYPE_CHECKING:
    from midlevel.networks.backbones import Backbone
    from midlevel.runs import Run
    from midlevel.settings.config import Config

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
        return _plan(tuple(size_wh), self.geometry)

    def read(self, path: str | Path) -> Photograph:
        """The photograph at `path`, no larger than its features need.

        Raises:
            errors.ImageError: the file cannot be opened or is no readable image.
        """
        return pixels.read_enough(path, self._needed)

    def of_bytes(self, data: bytes, name: str | Path) -> Photograph:
        """The same of a file whose bytes are known; `name` is for the error."""
        return pixels.of_bytes(data, name, self._needed)

    def _needed(self, size_wh: tuple[int, int]) -> tuple[int, int]:
        if self.method == "crop":
            return size_wh  # the smallest windows are enlarged
        width, height = np.max(self.plan(size_wh).level_sizes_wh, axis=0).tolist()
        return width, height

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Features of every window, float32 `(n, channels)`, in the plan's order.

        Raises:
            errors.ImageError: `image` is not RGB uint8 `(height, width, 3)`.
        """
        size_wh = pixels.size_wh(pixels.check(image))
        return self.many([Photograph(image, size_wh)])[0]

    def many(self, photographs: Sequence[Photograph]) -> list[np.ndarray]:
        """Features of every window of each one; levels of one size go together."""
        images = [photograph.pixels for photograph in photographs]
        plans = [self.plan(photograph.size_wh) for photograph in photographs]
        if self.method == "dense":
            return dense(self.backbone, images, plans)
        return [
            crops(self.backbone, image, plan.boxes, self.context)
            for image, plan in zip(images, plans, strict=True)
        ]

    def of_boxes(
        self, photograph: Photograph, boxes: np.ndarray, target: float = pooling.TARGET
    ) -> np.ndarray:
        """Features of any boxes of a photograph, float32 `(n, channels)`.

        Args:
            boxes: `(n, 4)` in pixels of the whole photograph, borders fractional or
                not; what lies outside is cut off.
            target: of maps: cells that a box should have along a side, which chooses
                its level; see `pooling.pool_boxes`.

        Raises:
            errors.MidlevelError: a box has no area inside the photograph.
        """
        image, size_wh = photograph.pixels, photograph.size_wh
        if self.method == "crop":
            scale = np.divide(pixels.size_wh(image), size_wh)
            there = boxes_.inside(boxes, size_wh) * np.tile(scale, 2)
            return crops(self.backbone, image, there, self.context)
        levels = pixels.levels(image, self.plan(size_wh).level_sizes_wh)
        maps, lost_cells = self.backbone.maps(levels), self.backbone.spec.lost_cells
        return pooling.pool_boxes(maps, boxes, size_wh, target, lost_cells)

    @cached_property
    def fingerprint(self) -> str:
        """Identifies what decides the features, besides the image and rounding.

        A head serves wherever this agrees, whatever the engine.
        """
        parts: dict[str, object] = {
            "backbone": self.backbone.fingerprint,
            "geometry": asdict(self.geometry),
            "path": [self.method, self.context if self.method == "crop" else 0],
            "decoding": decoding.POLICY,
        }
        if self.backbone.spec.map != LAST:  # what was stored before knows no other
            parts["map"] = self.backbone.spec.map
        return _digest(parts)

    @cached_property
    def stored_as(self) -> str:
        """Identifies the features to the last bit: the engine and precision too."""
        engine = self.backbone.engine
        return _digest([self.fingerprint, engine.name, engine.device, engine.precision])


@lru_cache(maxsize=256)  # most photographs have the size of others
def _plan(size_wh: tuple[int, int], geometry: windows.Geometry) -> windows.Plan:
    return windows.plan(size_wh, geometry)


def build_extractor(config: "Config", run: "Run | None" = None) -> Extractor:
    """The extractor that the settings describe, on the engine for this machine.

    Args:
        run: where the backbone was kept; by default it is made from the settings.

    Raises:
        errors.MidlevelError: the backbone's weights or the engine cannot be had.
    """
    settings = config.backbone
    engine = engines.choose(config.engine, config.precision)
    weights: str | Path = settings.weights
    stored = None
    if run is not None:
        stored = run.stored_backbone
        weights = run.weights(settings)
    backbone = backbones.build(settings.name, weights, engine, stored)
    chosen = config.features
    return Extractor(backbone, geometry_of(config), chosen.method, chosen.context)


def _digest(parts: object) -> str:
    return text.digest(json.dumps(parts, sort_keys=True))


def dense(
    backbone: "Backbone", images: Sequence[np.ndarray], plans: Sequence[windows.Plan]
) -> list[np.ndarray]:
    """Features from one map per level, float32 `(n, channels)` of each image."""
    levels = [
        level
        for image, plan in zip(images, plans, strict=True)
        for level in pixels.levels(image, plan.level_sizes_wh)
    ]
    maps = iter(backbone.maps(levels))
    return [
        pooling.pool([next(maps) for _ in plan.grids], plan, backbone.spec.lost_cells)
        for plan in plans
    ]


def crops(
    backbone: "Backbone", image: np.ndarray, boxes: np.ndarray, context: int = 0
) -> np.ndarray:
    """Features from each box cut out and run alone, float32 `(n, channels)`."""
    side = backbone.spec.input_size
    means = [np.empty((0, backbone.spec.channels), np.float32)]
    for start in range(0, len(boxes), CROPS_AT_ONCE):
        some = boxes[start : start + CROPS_AT_ONCE]
        cuts = [pixels.cut(image, box, side, context) for box in some]
        means.append(np.stack([m.mean(axis=(0, 1)) for m in backbone.maps(cuts)]))
    return np.concatenate(means)
