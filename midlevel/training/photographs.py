"""Whole photographs in batches: some of their windows, drawn for every step."""

import contextlib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from midlevel.datasets import label_levels
from midlevel.features.preparation import View
from midlevel.settings.image_loss import ImageLoss
from midlevel.system import threads
from midlevel.training.batches import Batch, Batches


@dataclass(frozen=True)
class PhotographBatch:
    """Some photographs, and labelled windows where these teach too.

    Attributes:
        features: float32 `(photographs, windows, channels)`.
        targets: int8 `(photographs, classes)` of 1, 0, -1.
        windows: None where they do not teach.
    """

    features: np.ndarray
    targets: np.ndarray
    windows: Batch | None = None

    def __len__(self) -> int:
        return len(self.targets)


class PhotographSet:
    """Photographs whose windows' features lie in a store.

    Attributes:
        views: of each photograph.
        targets: int8 `(photographs, classes)` of 1, 0, -1; all -1 for a class that all
            photographs show, or none.
    """

    def __init__(
        self,
        photographs: Sequence[Sequence[View]],
        classes: int,
        settings: ImageLoss,
        windows: Batches[Batch] | None = None,
    ):
        """Take photographs, each in one view or in several, of which one is drawn.

        Of a photograph that has fewer windows than are drawn, some are drawn twice.

        Args:
            classes: how many there are.
            windows: labelled windows, some of which each batch has too.
        """
        # By content: neither the format, nor names, nor their order change anything.
        self.views = sorted(photographs, key=lambda views: views[0].key)
        self._settings = settings
        self._labelled = windows
        self.targets = np.stack([v[0].example.targets(classes) for v in self.views])
        # Shown by all, or by none, a class would make every window say so.
        self.targets[:, ~label_levels.told_apart(self.targets)] = -1

    def __len__(self) -> int:
        return len(self.views)

    @property
    def odds(self) -> np.ndarray:
        """Log-odds of each class's share of photographs, float64 `(classes,)`.

        As if one more photograph showed half of it: no share is 0 or 1.
        """
        shown, absent = ((self.targets == v).sum(axis=0) + 0.5 for v in (1, 0))
        return np.asarray(np.log(shown / absent))

    def batches(self, rng: np.random.Generator, size: int) -> Iterator[PhotographBatch]:
        """All photographs once, `size` at a time, in an order that `rng` draws."""
        order = rng.permutation(len(self))
        orders = (order[i : i + size] for i in range(0, len(order), size))
        jobs = (
            (some, [draw(rng, self.views[i], self._settings) for i in some])
            for some in orders
        )
        found = threads.in_order(jobs, self._batch, workers=1)
        if self._labelled is None:
            yield from found
            return
        endless = _endless(self._labelled, rng.spawn(1)[0], self._settings.window_batch)
        with contextlib.closing(endless) as windows:
            for batch, labelled in zip(found, windows, strict=False):
                yield replace(batch, windows=labelled)

    def _batch(
        self, job: tuple[np.ndarray, list[tuple[View, np.ndarray]]]
    ) -> PhotographBatch:
        some, drawn = job
        features = [view.features[rows] for view, rows in drawn]
        return PhotographBatch(
            np.stack(features).astype(np.float32), self.targets[some]
        )


def draw(
    rng: np.random.Generator, views: Sequence[View], settings: ImageLoss
) -> tuple[View, np.ndarray]:
    """One of a photograph's views, and numbers of windows in it, ascending.

    Of fewer windows than are wanted, some are drawn twice.
    """
    view = views[int(rng.integers(len(views)))] if len(views) > 1 else views[0]
    rows, wanted = np.arange(view.count), settings.windows
    if settings.scales == "one":
        level = view.plan.level
        rows = np.flatnonzero(level == rng.choice(np.unique(level)))
    found = rng.choice(len(rows), wanted, replace=len(rows) < wanted)
    return view, rows[np.sort(found)]


def _endless(
    windows: Batches[Batch], rng: np.random.Generator, size: int
) -> Generator[Batch]:
    """Batches of labelled windows, epoch after epoch."""
    while True:
        yield from windows.batches(rng, size)
