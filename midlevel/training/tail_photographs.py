"""Photographs in batches for a tail: maps at the cut, and windows drawn on them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from midlevel.features.preparation import View
from midlevel.features.trunk_maps import TailMaps
from midlevel.method import pooling
from midlevel.networks.tail_loss import Group
from midlevel.settings.image_loss import ImageLoss
from midlevel.system import threads
from midlevel.training.photographs import PhotographSet, draw


@dataclass(frozen=True)
class TailBatch:
    """Some photographs, in groups whose maps have the same shapes."""

    groups: list[Group]

    def __len__(self) -> int:
        return sum(len(group.targets) for group in self.groups)


@dataclass(frozen=True)
class Labelled:
    """How windows teach on their own.

    Attributes:
        label: gives class ids of a view's windows, int16 `(n,)`; -1 is out.
        class_weights: of a window of each class, background first.
    """

    label: Callable[[View], np.ndarray]
    class_weights: np.ndarray


@dataclass(frozen=True)
class Drawn:
    """A photograph's windows for a step; the labelled ones stand behind the others."""

    view: View
    rows: np.ndarray
    ids: np.ndarray
    weights: np.ndarray
    targets: np.ndarray


class TailPhotographs:
    """Photographs whose maps lie in a store.

    Labelled windows are drawn of the same photographs as the others, each photograph
    as many: a tail runs over no map for a window or two.
    """

    def __init__(
        self,
        photographs: Sequence[Sequence[View]],
        maps: TailMaps,
        classes: int,
        settings: ImageLoss,
        labelled: Labelled | None = None,
    ):
        """Take photographs, each in one view or in several, of which one is drawn.

        Args:
            classes: how many there are.
            settings: `resolved`.
            labelled: None: no window teaches on its own.
        """
        self._photographs = PhotographSet(photographs, classes, settings)
        self._maps, self._settings, self._labelled = maps, settings, labelled

    def __len__(self) -> int:
        return len(self._photographs)

    def batches(self, rng: np.random.Generator, size: int) -> Iterator[TailBatch]:
        """All photographs once, `size` at a time, in an order that `rng` draws."""
        order = rng.permutation(len(self))
        orders = (order[i : i + size] for i in range(0, len(order), size))
        each = max(1, round(self._settings.window_batch / size))
        count = each if self._labelled else 0
        jobs = ([self._draw(rng, i, count) for i in some] for some in orders)
        yield from threads.in_order(jobs, self._batch, workers=1)

    def _draw(self, rng: np.random.Generator, number: int, count: int) -> Drawn:
        """The windows of a photograph, `count` labelled ones behind the others."""
        view, rows = draw(rng, self._photographs.views[number], self._settings)
        chosen = np.zeros(count, int)  # of no weight, where none is labelled
        ids, weights = np.zeros(count, np.int16), np.zeros(count, np.float32)
        if self._labelled:
            of_view = self._labelled.label(view)
            if len(there := np.flatnonzero(of_view >= 0)):
                chosen = rng.choice(there, count)
                ids = of_view[chosen].astype(np.int16)
                weights = self._labelled.class_weights[ids].astype(np.float32)
        both = np.concatenate([rows, chosen])
        return Drawn(view, both, ids, weights, self._photographs.targets[number])

    def _batch(self, drawn: list[Drawn]) -> TailBatch:
        by_shape: dict[tuple, list[Drawn]] = {}
        for one in drawn:
            by_shape.setdefault(one.view.plan.grids, []).append(one)
        most = self._maps.together or len(drawn)
        groups = (threads.groups(alike, most) for alike in by_shape.values())
        return TailBatch([self._group(some) for of_one in groups for some in of_one])

    def _group(self, drawn: list[Drawn]) -> Group:
        lost = self._maps.lost_cells
        maps = zip(*(self._maps.of(one.view) for one in drawn), strict=True)
        shares = zip(
            *(pooling.shares(one.view.plan, one.rows, lost) for one in drawn),
            strict=True,
        )
        return Group(
            tuple(np.stack(level).astype(np.float32) for level in maps),
            tuple(np.stack(level) for level in shares),
            np.stack([one.targets for one in drawn]),
            np.stack([one.ids for one in drawn]),
            np.stack([one.weights for one in drawn]),
        )
