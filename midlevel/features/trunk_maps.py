"""Maps on which a tail learns: what a backbone gives at the place where it is cut.

They lie in a store like windows' features, a row for each cell, so that the trunk runs
once over a photograph however often its tail sees it. Cut at its input a network has no
trunk: its maps are the photograph's levels, which are made again for each step.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol

import numpy as np

from midlevel.features import extraction, store
from midlevel.features.extractor import Extractor
from midlevel.features.preparation import Prepared, View
from midlevel.features.store import FeatureStore
from midlevel.images import augment, pixels
from midlevel.images.pixels import Photograph
from midlevel.networks import backbones
from midlevel.networks.backbones import Backbone
from midlevel.settings.config import Config
from midlevel.settings.tail import INPUT
from midlevel.system import text
from midlevel.system.progress import Progress

# What the whole network computes on the way up is kept for the way down: a gigabyte a
# photograph of EfficientNet-Lite0.
WHOLE_TOGETHER = 2
NO_BOXES = np.zeros((0, 4), np.float32)


class TailMaps(Protocol):
    """The maps at a cut.

    Attributes:
        cut: the name of the map, or `input`.
        weights: of the network that was cut, see `backbones.keras_model`.
        lost_cells: of the last map, see `table.Spec`.
        together: photographs that the tail sees at a time, at most; None: any number.
    """

    cut: str
    weights: str | Path
    lost_cells: int
    together: int | None

    def of(self, view: View) -> list[np.ndarray]:
        """The map of each level, float16 or uint8 `(rows, columns, channels)`."""


class Cells(NamedTuple):
    """All cells of a photograph's maps: `rows` is `(n, channels)`, level by level."""

    rows: np.ndarray


@dataclass(frozen=True)
class TrunkExtractor:
    """Turns photographs into the cells of their maps.

    Attributes:
        base: what turns them into windows' features, by the whole network.
        backbone: the same network as far as the cut.
    """

    base: Extractor
    backbone: Backbone
    method: ClassVar[str] = "dense"
    unit: ClassVar[str] = "cells"
    rows_of_whole: ClassVar[int] = 0

    def of_bytes(self, data: bytes, name: str | Path) -> Photograph:
        """See `Extractor.of_bytes`."""
        return self.base.of_bytes(data, name)

    def shapes(self, size_wh: tuple[int, int]) -> list[tuple[int, int]]:
        """Rows and columns of the map of each level."""
        spec = self.backbone.spec
        factor, lost = self.base.geometry.stride // spec.stride, spec.lost_cells
        grids = self.base.plan(size_wh).grids
        return [(rows * factor - lost, cols * factor - lost) for cols, rows in grids]

    def row_count(self, size_wh: tuple[int, int]) -> int:
        """How many cells the maps of a photograph have."""
        return sum(rows * columns for rows, columns in self.shapes(size_wh))

    def many(self, photographs: Sequence[Photograph]) -> list[Cells]:
        """The cells of each one's maps, float32."""
        plans = [self.base.plan(photograph.size_wh) for photograph in photographs]
        levels = [
            level
            for photograph, plan in zip(photographs, plans, strict=True)
            for level in pixels.levels(photograph.pixels, plan.level_sizes_wh)
        ]
        maps = iter(self.backbone.maps(levels))
        channels = self.backbone.spec.channels
        by_photograph = ([next(maps) for _ in plan.grids] for plan in plans)
        return [
            Cells(np.concatenate([m.reshape(-1, channels) for m in of_one]))
            for of_one in by_photograph
        ]

    @cached_property
    def stored_as(self) -> str:
        """Identifies the maps to the last bit, as `Extractor.stored_as` features."""
        at_cut = replace(self.base, backbone=self.backbone)
        return text.digest(f"cells of {at_cut.stored_as}")


class TrunkMaps:
    """The maps of photographs, read from a store; see `TailMaps`."""

    together: int | None = None

    def __init__(
        self, extractor: TrunkExtractor, features: FeatureStore, weights: str | Path
    ):
        self._extractor = extractor
        self._store = features
        self.cut, self.weights = extractor.backbone.spec.map, weights
        self.lost_cells = extractor.base.backbone.spec.lost_cells

    def of(self, view: View) -> list[np.ndarray]:
        """The map of each level, float16 `(rows, columns, channels)`."""
        shapes = self._extractor.shapes(view.size_wh)
        ends = np.cumsum([rows * columns for rows, columns in shapes])
        parts = np.split(self._store.load(view.key), ends[:-1])
        pairs = zip(parts, shapes, strict=True)
        return [part.reshape(*shape, -1) for part, shape in pairs]


class Levels:
    """Photographs' levels in place of maps, read from their files; see `TailMaps`.

    A view's levels are four megabytes, and a learning step takes longer than they do.
    """

    cut = INPUT
    together: int | None = WHOLE_TOGETHER

    def __init__(self, extractor: Extractor, weights: str | Path):
        self._extractor, self.weights = extractor, weights
        self.lost_cells = extractor.backbone.spec.lost_cells

    def of(self, view: View) -> list[np.ndarray]:
        """Each level, uint8 `(height, width, 3)`.

        Raises:
            errors.ImageError: the file can no longer be read.
        """
        photograph = self._extractor.read(view.example.path)
        content = store.content_of(view.key)
        seen, _ = augment.view(photograph.pixels, NO_BOXES, view.name, content)
        return pixels.levels(seen, view.plan.level_sizes_wh)


def prepare(
    prepared: Prepared,
    config: Config,
    weights: str | Path,
    progress: Progress,
) -> TailMaps:
    """Compute the maps of the training photographs that are not in the store yet.

    Args:
        prepared: photographs whose windows' features are there.
        config: with the place of the cut.
        weights: of the backbone, see `backbones.keras_model`.

    Raises:
        errors.MidlevelError: the store cannot be written. What was finished stays.
    """
    base, name = prepared.extractor, config.backbone.name
    if config.tail.cut == INPUT:
        return Levels(base, weights)
    engine = base.backbone.engine
    trunk = backbones.build(name, weights, engine, map=config.tail.cut)
    extractor = TrunkExtractor(base, trunk)
    place = config.features.store
    folder = Path(place) if place else store.default_folder()
    features = FeatureStore(folder, extractor.stored_as)
    split, views = config.data.train, list(config.features.views)
    paths = [example.path for example in prepared.readable(split)]
    title = f"maps of {split}"
    extraction.extract(paths, views, extractor, features, progress, title)
    return TrunkMaps(extractor, features, weights)
