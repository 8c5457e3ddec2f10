"""Whole photographs in batches: some of their windows, drawn for every step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from midlevel.features.preparation import View
from midlevel.system import threads


@dataclass(frozen=True)
class PhotographBatch:
    """Some photographs.

    Attributes:
        features: float32 `(photographs, windows, channels)`.
        targets: int8 `(photographs, classes)` of 1, 0, -1.
    """

    features: np.ndarray
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.targets)


class PhotographSet:
    """Photographs whose windows' features lie in a store.

    Attributes:
        targets: int8 `(photographs, classes)` of 1, 0, -1; all -1 for a class that all
            photographs show, or none.
    """

    def __init__(self, views: Sequence[View], classes: int, windows: int):
        """Take photographs, each in one view.

        Args:
            classes: how many there are.
            windows: how many are drawn of each photograph for a step; of one that has
                fewer, some are drawn twice.
        """
        # By content: neither the format, nor names, nor their order change anything.
        self._views = sorted(views, key=lambda view: view.key)
        self._windows = windows
        self.targets = np.stack([v.example.targets(classes) for v in self._views])
        # Shown by all, or by none, a class would make every window say so.
        shown, absent = ((self.targets == value).any(axis=0) for value in (1, 0))
        self.targets[:, ~(shown & absent)] = -1

    def __len__(self) -> int:
        return len(self._views)

    def batches(self, rng: np.random.Generator, size: int) -> Iterator[PhotographBatch]:
        """All photographs once, `size` at a time, in an order that `rng` draws."""
        order = rng.permutation(len(self))
        orders = (order[i : i + size] for i in range(0, len(order), size))
        jobs = ((some, [self._draw(rng, i) for i in some]) for some in orders)
        yield from threads.in_order(jobs, self._batch, workers=1)

    def _draw(self, rng: np.random.Generator, number: int) -> np.ndarray:
        """Numbers of the windows that stand for a photograph, ascending."""
        count = self._views[number].count
        found = rng.choice(count, self._windows, replace=count < self._windows)
        return np.sort(found)

    def _batch(self, job: tuple[np.ndarray, list[np.ndarray]]) -> PhotographBatch:
        some, drawn = job
        pairs = zip(some, drawn, strict=True)
        features = [self._views[i].features[rows] for i, rows in pairs]
        return PhotographBatch(
            np.stack(features).astype(np.float32), self.targets[some]
        )
