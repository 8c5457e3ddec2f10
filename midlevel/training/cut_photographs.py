"""Photographs in batches for a tail: maps at the cut, and windows drawn on them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from midlevel.datasets import label_levels
from midlevel.features.cut_maps import CutMaps
from midlevel.features.preparation import View
from midlevel.method import pooling
from midlevel.networks.tails import Group
from midlevel.settings.image_loss import ImageLoss
from midlevel.system import threads


@dataclass(frozen=True)
class MapBatch:
    """Some photographs, in groups whose maps have the same shapes."""

    groups: list[Group]

    def __len__(self) -> int:
        return sum(len(group.targets) for group in self.groups)


@dataclass(frozen=True)
class Drawn:
    """A photograph's windows for a step; the labelled ones stand behind the others."""

    view: View
    rows: np.ndarray
    ids: np.ndarray
    weights: np.ndarray
    targets: np.ndarray


class MapSet:
    """Photographs whose maps lie in a store.

    Labelled windows are drawn of the same photographs as the others, each photograph
    as many: a tail runs over no map for a window or two.
    """

    def __init__(
        self,
        photographs: Sequence[Sequence[View]],
        maps: CutMaps,
        targets: np.ndarray,
        settings: ImageLoss,
        ids: dict[str, np.ndarray] | None = None,
        class_weights: np.ndarray | None = None,
    ):
        """Take photographs, each in one view or in several, of which one is drawn.

        Args:
            targets: int8 `(photographs, classes)` of 1, 0, -1.
            settings: `resolved`.
            ids: of the windows of each view, by its key; -1 is out. None: no window
                teaches on its own.
            class_weights: of a window of each class, background first.
        """
        order = sorted(range(len(photographs)), key=lambda i: photographs[i][0].key)
        self._views = [photographs[i] for i in order]
        self._targets = targets[order]
        self._targets[:, ~label_levels.told_apart(self._targets)] = -1
        self._maps, self._settings = maps, settings
        self._ids, self._class_weights = ids, class_weights

    def __len__(self) -> int:
        return len(self._views)

    def batches(self, rng: np.random.Generator, size: int) -> Iterator[MapBatch]:
        """All photographs once, `size` at a time, in an order that `rng` draws."""
        order = rng.permutation(len(self))
        orders = (order[i : i + size] for i in range(0, len(order), size))
        labelled = round(self._settings.window_batch / size) if self._ids else 0
        jobs = ([self._draw(rng, i, labelled) for i in some] for some in orders)
        yield from threads.in_order(jobs, self._batch, workers=1)

    def _draw(self, rng: np.random.Generator, number: int, labelled: int) -> Drawn:
        views, wanted = self._views[number], self._settings.windows
        view = views[int(rng.integers(len(views)))] if len(views) > 1 else views[0]
        rows = rng.choice(view.count, wanted, replace=view.count < wanted)
        chosen = rng.choice(
            view.count, labelled
        )  # of no weight, where none is labelled
        ids, weights = np.zeros(labelled, np.int16), np.zeros(labelled, np.float32)
        of_view = self._ids[view.key] if self._ids else np.empty(0)
        there = np.flatnonzero(of_view >= 0)
        if len(there) and labelled and self._class_weights is not None:
            chosen = rng.choice(there, labelled)
            ids = of_view[chosen].astype(np.int16)
            weights = self._class_weights[ids].astype(np.float32)
        both = np.concatenate([rows, chosen])
        return Drawn(view, both, ids, weights, self._targets[number])

    def _batch(self, drawn: list[Drawn]) -> MapBatch:
        by_shape: dict[tuple, list[Drawn]] = {}
        for one in drawn:
            by_shape.setdefault(one.view.plan.grids, []).append(one)
        return MapBatch([self._group(some) for some in by_shape.values()])

    def _group(self, drawn: list[Drawn]) -> Group:
        maps = zip(*[self._maps.of(one.view) for one in drawn], strict=True)
        lost = self._maps.lost_cells
        shares = zip(
            *[pooling.shares(one.view.plan, one.rows, lost) for one in drawn],
            strict=True,
        )
        return Group(
            tuple(np.stack(level).astype(np.float32) for level in maps),
            tuple(np.stack(level) for level in shares),
            np.stack([one.targets for one in drawn]),
            np.stack([one.ids for one in drawn]),
            np.stack([one.weights for one in drawn]),
        )
