"""Labelled windows in batches, read from the store in an order drawn every epoch."""

import functools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from midlevel import pipeline
from midlevel.store import FeatureStore

UNKNOWN_MEMORY = 8_000_000_000  # bytes, where the system does not tell


@dataclass(frozen=True)
class Batch:
    """Some windows: features float32 `(n, d)`, class ids and weights `(n,)`."""

    features: np.ndarray
    ids: np.ndarray
    weights: np.ndarray


class WindowSet:
    """Labelled windows whose features lie in a store.

    Attributes:
        ids: int16 `(n,)` class id of each window, 0 is background.
        class_weights: float32 `(1 + classes,)`, the weight of a window of each class.
    """

    def __init__(
        self,
        store: FeatureStore,
        keys: Sequence[str],
        ids: Sequence[np.ndarray],
        class_weights: np.ndarray,
        memory: int = UNKNOWN_MEMORY,
    ):
        """Take the windows of images: for each of `keys`, their `ids`, -1 is out.

        Args:
            memory: bytes that features may take at a time.
        """
        self._store = store
        self._keys = keys
        self._rows = [np.flatnonzero(of_image >= 0) for of_image in ids]
        self._ids = [i[rows] for i, rows in zip(ids, self._rows, strict=True)]
        self._memory = memory
        self._held: tuple[tuple[int, ...], np.ndarray] | None = None
        self.ids = np.concatenate(self._ids)
        self.class_weights = class_weights

    def __len__(self) -> int:
        return len(self.ids)

    def batches(self, rng: np.random.Generator, size: int) -> Iterator[Batch]:
        """All windows once, in batches of `size`, in an order that `rng` draws.

        Where they do not all fit into memory, images are drawn, as many as fit are
        read, and the windows of these are mixed; every epoch mixes others.
        """
        for images in self._blocks(rng):
            features = self._read(images)
            ids = np.concatenate([self._ids[i] for i in images])
            order = rng.permutation(len(ids))
            orders = (order[i : i + size] for i in range(0, len(order), size))
            batch = functools.partial(self._batch, features, ids)
            yield from pipeline.in_order(orders, batch, workers=1)

    def _batch(self, features: np.ndarray, ids: np.ndarray, order: np.ndarray) -> Batch:
        chosen = features[order].astype(np.float32)
        return Batch(chosen, ids[order], self.class_weights[ids[order]])

    def _blocks(self, rng: np.random.Generator) -> Iterator[tuple[int, ...]]:
        """Numbers of the images whose windows are in memory at a time."""
        sizes = [
            self._store.row_bytes(k) * len(i)
            for k, i in zip(self._keys, self._ids, strict=True)
        ]
        if sum(sizes) <= self._memory:
            yield tuple(range(len(sizes)))
            return
        block, held = [], 0
        for image in rng.permutation(len(sizes)).tolist():
            if block and held + sizes[image] > self._memory:
                yield tuple(block)
                block, held = [], 0
            block.append(image)
            held += sizes[image]
        yield tuple(block)

    def _read(self, images: tuple[int, ...]) -> np.ndarray:
        """Features of the windows of some images, float16 `(n, d)`; the last stay."""
        if self._held is None or self._held[0] != images:
            self._held = None  # before others are read
            parts = [self._store.load(self._keys[i])[self._rows[i]] for i in images]
            self._held = images, np.concatenate(parts)
        return self._held[1]


def memory_of_machine() -> int:
    """Bytes of memory that this machine has."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows
        return UNKNOWN_MEMORY
