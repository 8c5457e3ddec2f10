"""Score a labelled split from stored features."""

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from midlevel import errors
from midlevel.datasets import Example
from midlevel.features.preparation import Prepared, View
from midlevel.images.augment import ORIGINAL
from midlevel.method import metrics, scores
from midlevel.method.aggregation import Aggregation
from midlevel.method.calibration import Calibration
from midlevel.method.whole import WholeModel
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
        scores: float32 `(n, 1 + classes)`; column 0 is background,
            or that none of the classes is there.
        whole: log-odds of the whole photograph, float64 `(classes,)`, where a model of
            it was given.
    """

    example: Example
    size_wh: tuple[int, int]
    windows: np.ndarray
    scores: np.ndarray
    whole: np.ndarray | None = None

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
        scores: float64 `(len(aggregations), images, classes)`.
        aggregations: those in question, one a row.
        targets: int8 `(images, classes)` of 1, 0, -1.
        whole: log-odds of whole photographs, float64 `(images, classes)`, where a model
            of them was given.
    """

    scores: np.ndarray
    aggregations: tuple[Aggregation, ...]
    targets: np.ndarray
    whole: np.ndarray | None = None

    @classmethod
    def joined(cls, parts: Sequence["Scored"]) -> "Scored":
        """Several splits as one."""
        wholes = [part.whole for part in parts if part.whole is not None]
        return cls(
            np.concatenate([part.scores for part in parts], axis=1),
            parts[0].aggregations,
            np.concatenate([part.targets for part in parts]),
            np.concatenate(wholes) if wholes else None,
        )

    def newest(self, count: int) -> "Scored":
        """The same of the last `count` classes."""
        whole = None if self.whole is None else self.whole[:, -count:]
        return replace(
            self,
            scores=self.scores[..., -count:],
            targets=self.targets[:, -count:],
            whole=whole,
        )

    def best(self) -> tuple[Aggregation, float]:
        """The aggregation of the highest area mAP, and that mAP."""
        aps = [metrics.mean_average_precision(row, self.targets) for row in self.scores]
        best = int(np.argmax(aps))
        return self.aggregations[best], aps[best]

    def at(self, aggregation: Aggregation) -> np.ndarray:
        """Image scores `(images, classes)` for one of `aggregations`."""
        return self.scores[self.aggregations.index(aggregation)]

    def ranking(self, aggregation: Aggregation, calibration: Calibration) -> np.ndarray:
        """What orders photographs as probabilities do, float64 `(images, classes)`.

        Image scores; with a model of the whole photograph, the calibration's log-odds,
        which are apart also where probabilities are nearly 1.
        """
        found = self.at(aggregation)
        if self.whole is None:
            return found
        return calibration.combined(found, self.whole)


class Validation:
    """The readable photographs of a split, to score with one head after another.

    Attributes:
        examples: the photographs.
        targets: int8 `(images, classes)` of 1, 0, -1.
    """

    def __init__(
        self, prepared: Prepared, split: str, aggregations: Sequence[Aggregation]
    ):
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
        self._aggregations = tuple(aggregations)

    def seen(
        self,
        head: Scorer,
        which: Sequence[int] | None = None,
        whole: WholeModel | None = None,
    ) -> Iterator[Seen]:
        """The photographs with their window scores, some at a time.

        Args:
            which: numbers into `examples`; by default all.
            whole: what gives the log-odds of the whole photographs.
        """
        views = self._views if which is None else [self._views[i] for i in which]
        rows = score_windows(head, views)
        for view, window_scores in zip(views, rows, strict=True):
            of_whole = None if whole is None else whole(view.whole)
            boxes = view.plan.boxes
            yield Seen(view.example, view.size_wh, boxes, window_scores, of_whole)

    def scored(
        self,
        head: Scorer,
        *watching: Callable[[Seen], None],
        whole: WholeModel | None = None,
    ) -> Scored:
        """The split's image scores with `head`, for every aggregation in question.

        Args:
            watching: what is to see each photograph in the same pass.
            whole: what gives the log-odds of the whole photographs.
        """
        rows, wholes = [], []
        for seen in self.seen(head, whole=whole):
            by_class = seen.scores[:, 1:]  # without background
            rows.append([aggregate(by_class) for aggregate in self._aggregations])
            wholes.append(seen.whole)
            for watch in watching:
                watch(seen)
        table = np.array(rows).swapaxes(0, 1)
        of_whole = None if whole is None else np.array(wholes)
        return Scored(table, self._aggregations, self.targets, of_whole)

    def __call__(self, head: Scorer) -> dict:
        """mAP (area) with `head`, and the k that gives it, where it is a power mean."""
        best, area = self.scored(head).best()
        return {"mAP": area} if best.k is None else {"mAP": area, "k": best.k}


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
