"""Batches that hold a fixed share of windows with an object, however rare these are."""

from collections.abc import Iterator

import numpy as np

from midlevel import errors
from midlevel.method import labels
from midlevel.training.batches import Batch

SHARE = 32 / 128  # Girshick et al., CVPR 2014, section 2.3: 32 positives, 96 background


class Quota:
    """Windows drawn with replacement: the classes equally often, the rest background.

    Attributes:
        ids: int `(n,)` class id of each window, 0 is background.
    """

    def __init__(self, features: np.ndarray, ids: np.ndarray, share: float = SHARE):
        """Take windows.

        Args:
            features: float `(n, d)`, in memory or a memory map.
            share: of a batch, for windows with an object.

        Raises:
            errors.DataError: there is no background, or nothing else.
        """
        self.ids = ids
        self._features = features
        self._share = share
        self._background = np.flatnonzero(ids == labels.BACKGROUND)
        classes = np.unique(ids[ids > labels.BACKGROUND])
        self._by_class = [np.flatnonzero(ids == number) for number in classes]
        if not self._by_class or not len(self._background):
            raise errors.DataError(
                "Expected windows of objects and of background to fill every batch. "
                f"Received: {len(self._background)} of background, "
                f"{len(ids) - len(self._background)} others."
            )

    def __len__(self) -> int:
        return len(self.ids)

    def batches(self, rng: np.random.Generator, size: int) -> Iterator[Batch]:
        """As many windows as there are, `size` at a time."""
        for start in range(0, len(self), size):
            chosen = self._draw(rng, min(size, len(self) - start))
            ones = np.ones(len(chosen), np.float32)
            features = self._features[chosen].astype(np.float32)
            yield Batch(features, self.ids[chosen], ones)

    def _draw(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Numbers of the windows of a batch, `(size,)`."""
        positives = round(size * self._share)
        classes = rng.integers(0, len(self._by_class), positives)
        shown = [rng.choice(self._by_class[number]) for number in classes]
        rest = rng.choice(self._background, size - positives)
        return rng.permutation(np.append(rest, np.array(shown, rest.dtype)))
