"""Score a labelled split from stored features."""

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from midlevel import errors
from midlevel.datasets import Example
from midlevel.features.preparation import Prepared, View
from midlevel.images.augment import ORIGINAL
from midlevel.method import metrics, scores
from midlevel.networks import heads
from midlevel.networks.heads import Scorer
from midlevel.prediction import localising


@dataclass(frozen=True)
class Seen:
    """A labelled photograph and what a head says of its windows.

    Attributes:
        example: its boxes are in pixels.
        size_wh: the photograph, in pixels.
        windows: float32 `(n, 4)` boxes.
        scores: float32 `(n, 1 + classes)`; column 0 is background.
    """

    example: Example
    size_wh: tuple[int, int]
    windows: np.ndarray
    scores: np.ndarray

    def map(self, class_id: int) -> np.ndarray:
        """Score map of a class, float32 `(rows, columns)`, as coarse as regions'."""
        map_wh = localising.map_size(self.size_wh)
        of_class = self.scores[:, [class_id]]
        return scores.score_map(self.windows, of_class, self.size_wh, map_wh)[..., 0]

    @functools.cached_property
    def coverage(self) -> np.ndarray:
        """How many windows cover each cell of `map`, int `(rows, columns)`."""
        map_wh = localising.map_size(self.size_wh)
        return scores.coverage(self.windows, self.size_wh, map_wh)


@dataclass(frozen=True)
class Scored:
    """Image scores of a split.

    Attributes:
        scores: float64 `(len(ks), images, classes)`.
        ks: the exponents, one a row.
        targets: int8 `(images, classes)` of 1, 0, -1.
    """

    scores: np.ndarray
    ks: tuple[float, ...]
    targets: np.ndarray

    def best(self) -> tuple[float, float]:
        """The k of the highest area mAP, and that mAP."""
        aps = [metrics.mean_average_precision(row, self.targets) for row in self.scores]
        best = int(np.argmax(aps))
        return self.ks[best], aps[best]

    def at(self, k: float) -> np.ndarray:
        """Image scores `(images, classes)` for one of `ks`."""
        return self.scores[self.ks.index(k)]


class Validation:
    """The readable photographs of a split, to score with one head after another.

    Attributes:
        examples: the photographs.
        targets: int8 `(images, classes)` of 1, 0, -1.
    """

    def __init__(self, prepared: Prepared, split: str, ks: Sequence[float]):
        """Take a split.

        Raises:
            errors.DataError: none of its photographs shows one of the classes.
        """
        self._views = list(prepared.views(split, [ORIGINAL]))
        self.examples = [view.example for view in self._views]
        count = len(prepared.dataset.classes)
        self.targets = np.stack([example.targets(count) for example in self.examples])
        if not (self.targets == 1).any():
            raise errors.DataError(
                f"{prepared.dataset.folder}: no readable photograph of split {split!r} "
                "shows one of the classes; there is nothing to measure on. Name "
                "another split with --split or --set data.val=NAME."
            )
        self._ks = tuple(ks)

    def seen(self, head: Scorer, which: Sequence[int] | None = None) -> Iterator[Seen]:
        """The photographs with their window scores, some at a time.

        Args:
            which: numbers into `examples`; by default all.
        """
        views = self._views if which is None else [self._views[i] for i in which]
        rows = score_windows(head, views)
        for view, window_scores in zip(views, rows, strict=True):
            boxes = view.plan.boxes
            yield Seen(view.example, view.size_wh, boxes, window_scores)

    def scored(self, head: Scorer, *watching: Callable[[Seen], None]) -> Scored:
        """The split's image scores with `head`, for every k in question.

        Args:
            watching: what is to see each photograph in the same pass.
        """
        rows = []
        for seen in self.seen(head):
            by_class = seen.scores[:, 1:]  # without background
            rows.append([scores.image_scores(by_class, k) for k in self._ks])
            for watch in watching:
                watch(seen)
        return Scored(np.array(rows).swapaxes(0, 1), self._ks, self.targets)

    def __call__(self, head: Scorer) -> dict:
        """mAP (area) with `head`, and the k that gives it."""
        k, area = self.scored(head).best()
        return {"mAP": area, "k": k}


def score_windows(head: Scorer, views: Sequence[View]) -> Iterator[np.ndarray]:
    """Window scores `(n, 1 + classes)` of each view, several views at a time."""
    for group in _grouped(views):
        arrays = [view.features for view in group]
        together = heads.score(head, np.concatenate(arrays))
        yield from np.split(together, np.cumsum([len(a) for a in arrays])[:-1])


def _grouped(views: Sequence[View]) -> Iterator[list[View]]:
    """Consecutive views, about as many windows a group as the head takes at once."""
    ends = np.cumsum([view.count for view in views])
    numbers = (ends - 1) // heads.SCORED_AT_ONCE
    numbered = zip(numbers, views, strict=True)
    for _, group in itertools.groupby(numbered, lambda pair: pair[0]):
        yield [view for _, view in group]
