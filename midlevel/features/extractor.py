"""Photograph -> one feature vector per window, and one of the whole per level.

Two ways, over the same windows. `dense` runs the frozen backbone once over each level
and averages the cells of each window from the map; a cell also sees what lies around
its window. `crop` cuts every window out, resizes it to the backbone's input and runs
it alone, as the paper did. They give different features: train and score with the same.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from midlevel.images import decoding, pixels
from midlevel.images.pixels import Photograph
from midlevel.method import boxes as boxes_
from midlevel.method import pooling, whole, windows
from midlevel.networks import backbones, engines
from midlevel.networks.backbones.table import LAST
from midlevel.settings.geometry import geometry_of
from midlevel.system import text

if TYPE_CHECKING:
    from midlevel.networks.backbones import Backbone
    from midlevel.runs import Run
    from midlevel.settings.config import Config

CROPS_AT_ONCE = 64


class Pooled(NamedTuple):
    """The features of one photograph.

    Attributes:
        windows: `(n, channels)`, one a window, in the plan's order.
        whole: `(levels, channels)`: the mean of each level's map, see `method.whole`;
            of crops, of each level's windows. Those of the mirror image stand behind.
    """

    windows: np.ndarray
    whole: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """Both in one array, as they are stored: the windows first."""
        return np.concatenate(self)

    @classmethod
    def of_rows(cls, rows: np.ndarray, of_whole: int) -> "Pooled":
        """What `rows` put together, taken apart; nothing is copied."""
        return cls(rows[:-of_whole], rows[-of_whole:])


@dataclass(frozen=True)
class Extractor:
    """Turns an image into its windows' features.

    Attributes:
        backbone: the frozen network.
        geometry: which windows an image has.
        method: `dense` or `crop`.
        context: pixels of surroundings in a crop of the backbone's input size.
        mirror: whether an image is seen mirrored too, for twice the work; the windows
            of its mirror image, moved back, stand behind its own.
    """

    backbone: "Backbone"
    geometry: windows.Geometry
    method: str = "dense"
    context: int = 0
    mirror: bool = False
    unit: ClassVar[str] = "windows"

    def plan(self, size_wh: tuple[int, int]) -> windows.Plan:
        """The windows of an image of that size."""
        return _plan(tuple(size_wh), self.geometry, self.mirror)

    @property
    def rows_of_whole(self) -> int:
        """Rows of `Pooled.whole`."""
        return len(self.geometry.levels) * (2 if self.mirror else 1)

    def row_count(self, size_wh: tuple[int, int]) -> int:
        """Rows of `Pooled.rows` of an image of that size."""
        return len(self.plan(size_wh)) + self.rows_of_whole

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
        return self.many([Photograph(image, size_wh)])[0].windows

    def many(self, photographs: Sequence[Photograph]) -> list[Pooled]:
        """Features of each one, float32; levels of one size go together."""
        if self.mirror:
            return self._both_ways(photographs)
        images = [photograph.pixels for photograph in photographs]
        plans = [self.plan(photograph.size_wh) for photograph in photographs]
        if self.method == "dense":
            return dense(self.backbone, images, plans)
        cut = (
            crops(self.backbone, image, plan.boxes, self.context)
            for image, plan in zip(images, plans, strict=True)
        )
        return [
            Pooled(vectors, whole.of_windows(vectors, plan))
            for vectors, plan in zip(cut, plans, strict=True)
        ]

    def _both_ways(self, photographs: Sequence[Photograph]) -> list[Pooled]:
        """Features of each one, and of its mirror image behind them."""
        both = [
            Photograph(seen, photograph.size_wh)
            for photograph in photographs
            for seen in (photograph.pixels, photograph.pixels[:, ::-1])
        ]
        found = replace(self, mirror=False).many(both)
        return [
            Pooled(*map(np.concatenate, zip(*pair, strict=True)))
            for pair in zip(found[::2], found[1::2], strict=True)
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
        parts = [self.fingerprint, engine.name, engine.device, engine.precision]
        return _digest([*parts, "mirror"] if self.mirror else parts)


@lru_cache(maxsize=256)  # most photographs have the size of others
def _plan(
    size_wh: tuple[int, int], geometry: windows.Geometry, mirror: bool
) -> windows.Plan:
    plan = windows.plan(size_wh, geometry)
    return windows.both_ways(plan) if mirror else plan


def build_extractor(config: "Config", run: "Run | None" = None) -> Extractor:
    """The extractor that the settings describe, on the engine for this machine.

    Args:
        run: where the backbone was kept; by default it is made from the settings.

    Raises:
        errors.MidlevelError: the backbone's weights or the engine cannot be had.
    """
    backbone = _backbone(config, run)
    chosen = config.features
    return Extractor(backbone, geometry_of(config), chosen.method, chosen.context)


def _backbone(config: "Config", run: "Run | None") -> "Backbone":
    settings, stored = config.backbone, run.stored_backbone if run else None
    facts = settings.facts()
    if facts:  # whatever the machine: there is no Keras model of it
        engine = engines.choose("openvino", config.precision)
        return backbones.build_own(facts, engine, stored)
    engine = engines.choose(config.engine, config.precision)
    weights = run.weights(settings) if run else settings.weights
    return backbones.build(settings.name, weights, engine, stored, settings.map)


def _digest(parts: object) -> str:
    return text.digest(json.dumps(parts, sort_keys=True))


def dense(
    backbone: "Backbone", images: Sequence[np.ndarray], plans: Sequence[windows.Plan]
) -> list[Pooled]:
    """Features of each image, float32, from one map per level."""
    levels = [
        level
        for image, plan in zip(images, plans, strict=True)
        for level in pixels.levels(image, plan.level_sizes_wh)
    ]
    maps, lost_cells = iter(backbone.maps(levels)), backbone.spec.lost_cells
    by_image = ([next(maps) for _ in plan.grids] for plan in plans)
    return [
        Pooled(pooling.pool(of_one, plan, lost_cells), whole.of_maps(of_one))
        for of_one, plan in zip(by_image, plans, strict=True)
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
