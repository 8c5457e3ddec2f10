"""Labelled windows in batches, read from the store in an order drawn every epoch."""

import functools
from collections.abc import Iterator, Sequence, Sized
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from midlevel.features.store import FeatureStore
from midlevel.system import threads


@dataclass(frozen=True)
class Batch:
    """Some windows: features float32 `(n, d)`, class ids and weights `(n,)`."""

    features: np.ndarray
    ids: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)


B_co = TypeVar("B_co", bound=Sized, covariant=True)


class Batches(Protocol[B_co]):
    """What is learned from: batches of any kind that has a length."""

    def __len__(self) -> int:
        """How many windows, or what else a batch holds, an epoch has."""

    def batches(self, rng: np.random.Generator, size: int) -> Iterator[B_co]:
        """The batches of an epoch, of `size` each, in an order that `rng` draws."""


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
        memory: int,
    ):
        """Take the windows of images: for each of `keys`, their `ids`, -1 is out.

        Args:
            memory: bytes that features may take at a time.
        """
        self._store = store
        self._keys = keys
        self._rows = [np.flatnonzero(of_image >= 0) for of_image in ids]
        self._ids_by_image = [i[r] for i, r in zip(ids, self._rows, strict=True)]
        self._memory = memory
        self._held: tuple[int, ...] = ()  # the images whose windows are in the buffer
        self.ids = np.concatenate(self._ids_by_image)
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
            ids = np.concatenate([self._ids_by_image[i] for i in images])
            order = rng.permutation(len(ids))
            orders = (order[i : i + size] for i in range(0, len(order), size))
            batch = functools.partial(self._batch, features, ids)
            # The next batch is made while Keras learns from this one.
            yield from threads.in_order(orders, batch, workers=1)

    def _batch(self, features: np.ndarray, ids: np.ndarray, order: np.ndarray) -> Batch:
        chosen = features[order].astype(np.float32)
        return Batch(chosen, ids[order], self.class_weights[ids[order]])

    def _blocks(self, rng: np.random.Generator) -> Iterator[tuple[int, ...]]:
        """Numbers of the images whose windows are in memory at a time."""
        sizes = self._bytes
        if sum(sizes) <= self._memory:
            yield tuple(range(len(sizes)))
            return
        block: list[int] = []
        held = 0
        for image in rng.permutation(len(sizes)).tolist():
            if block and held + sizes[image] > self._memory:
                yield tuple(block)
                block, held = [], 0
            block.append(image)
            held += sizes[image]
        yield tuple(block)

    @functools.cached_property
    def _bytes(self) -> list[int]:
        """Of the windows of each image."""
        return [
            self._store.load(key)[:1].nbytes * len(ids)
            for key, ids in zip(self._keys, self._ids_by_image, strict=True)
        ]

    @functools.cached_property
    def _buffer(self) -> np.ndarray:
        """Room for the windows of any block, float16 `(n, d)`."""
        row = self._store.load(self._keys[0])[:1]
        most = max(min(sum(self._bytes), self._memory), max(self._bytes))
        return np.empty((most // row.nbytes, row.shape[1]), row.dtype)

    def _read(self, images: tuple[int, ...]) -> np.ndarray:
        """Features of the windows of some images, float16 `(n, d)`, until the next."""
        ends = np.cumsum([len(self._ids_by_image[i]) for i in images]).tolist()
        if images != self._held:
            for i, end in zip(images, ends, strict=True):
                rows = self._rows[i]
                found = self._store.load(self._keys[i])[rows]
                self._buffer[end - len(rows) : end] = found
            self._held = images
        return self._buffer[: ends[-1]]
