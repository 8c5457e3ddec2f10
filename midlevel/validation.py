"""Score a labelled split from stored features."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from midlevel import errors, heads, metrics, scores
from midlevel.augment import ORIGINAL
from midlevel.preparation import Prepared
from midlevel.store import FeatureStore


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
    """The readable photographs of a split, to score with one head after another."""

    def __init__(self, prepared: Prepared, split: str, ks: Sequence[float]):
        """Take a split.

        Raises:
            errors.DataError: none of its photographs shows one of the classes.
        """
        examples = prepared.readable(split)
        count = len(prepared.dataset.classes)
        self.targets = np.stack([example.targets(count) for example in examples])
        if not (self.targets == 1).any():
            raise errors.DataError(
                f"{prepared.dataset.folder}: no readable photograph of split {split!r} "
                "shows one of the classes; there is nothing to measure on. Name "
                "another split with --split or --set data.val=NAME."
            )
        self._keys = [prepared.keys[example.path][ORIGINAL] for example in examples]
        self._store = prepared.store
        self._ks = tuple(ks)

    def scored(self, head) -> Scored:
        """The split's image scores with `head`, for every k in question."""
        rows = []
        for window_scores in score_windows(head, self._store, self._keys):
            by_class = window_scores[:, 1:]  # without background
            rows.append([scores.image_scores(by_class, k) for k in self._ks])
        return Scored(np.array(rows).swapaxes(0, 1), self._ks, self.targets)

    def __call__(self, head) -> dict:
        """mAP (area) with `head`, and the k that gives it."""
        k, area = self.scored(head).best()
        return {"mAP": area, "k": k}


def score_windows(
    head, store: FeatureStore, keys: Sequence[str]
) -> Iterator[np.ndarray]:
    """Window scores `(n, 1 + classes)` of each image, several images at a time."""
    for group in _grouped(keys, store):
        arrays = [store.load(key) for key in group]
        together = heads.score(head, np.concatenate(arrays))
        yield from np.split(together, np.cumsum([len(a) for a in arrays])[:-1])


def _grouped(keys, store):
    """Consecutive keys, about as many windows a group as the head takes at once."""
    ends = np.cumsum([store.entries[key].count for key in keys])
    numbers = (ends - 1) // heads.SCORED_AT_ONCE
    for _, group in itertools.groupby(zip(numbers, keys, strict=True), lambda x: x[0]):
        yield [key for _, key in group]
