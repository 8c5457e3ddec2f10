"""The labelled windows that a head learns from."""

import numpy as np

from midlevel import augment, errors, labels
from midlevel import boxes as boxes_
from midlevel.config import Config
from midlevel.config import Labels as LabelSettings
from midlevel.datasets import Example
from midlevel.preparation import Prepared
from midlevel.progress import Progress
from midlevel.store import FeatureStore


class WindowSet:
    """Labelled windows whose features lie in a store, read some at a time.

    Attributes:
        ids: int16 `(n,)` class id of each window, 0 is background.
        class_weights: float32 `(1 + classes,)`, the weight of a window of each class.
    """

    def __init__(
        self,
        store: FeatureStore,
        keys: list[str],
        ids: list[np.ndarray],
        class_weights: np.ndarray,
    ):
        """Take the windows of images: for each of `keys`, their `ids`, -1 is out."""
        entries = [store.entries[key] for key in keys]
        kept = [np.flatnonzero(of_image >= 0) for of_image in ids]
        counts = [len(rows) for rows in kept]
        self._store = store
        self._shards = sorted({entry.shard for entry in entries})
        number = {shard: i for i, shard in enumerate(self._shards)}
        self._shard = np.repeat([number[e.shard] for e in entries], counts)
        rows = [k + e.start for k, e in zip(kept, entries, strict=True)]
        self._row = np.concatenate(rows)
        self.ids = np.concatenate([i[k] for i, k in zip(ids, kept, strict=True)])
        self.class_weights = class_weights

    def __len__(self) -> int:
        return len(self.ids)

    def features(self, chosen: np.ndarray) -> np.ndarray:
        """Features of the windows numbered `chosen`, float32 `(len(chosen), d)`."""
        shards, rows = self._shard[chosen], self._row[chosen]
        parts, places = [], []
        for shard in np.unique(shards):
            here = np.flatnonzero(shards == shard)
            parts.append(self._store.rows(self._shards[shard], rows[here]))
            places.append(here)
        result = np.empty((len(chosen), parts[0].shape[1]), np.float32)
        result[np.concatenate(places)] = np.concatenate(parts)
        return result


def collect(prepared: Prepared, config: Config, progress: Progress) -> WindowSet:
    """Label the windows of the training split and weigh the classes; say the counts.

    Raises:
        errors.DataError: no window shows an object.
    """
    keys, ids = [], []
    for example in prepared.readable(config.data.train):
        by_view = prepared.keys[example.path]
        for view in config.features.views:
            keys.append(by_view[view])
            ids.append(_label(prepared, example, view, config))
    count = len(prepared.dataset.classes) + 1
    weights = _weigh(np.concatenate(ids), count, config.labels)
    windows = WindowSet(prepared.store, keys, ids, weights)
    names = ("background", *prepared.dataset.classes)
    counts = np.bincount(windows.ids, minlength=count)
    if not counts[1:].any():
        raise errors.DataError(
            f"{prepared.dataset.folder}: no window of split {config.data.train!r} "
            "shows an object well enough to learn from. Expected boxes that fill "
            f"{config.labels.min_of_window:.0%} of a window (labels.min_of_window)."
        )
    rows = zip(names, counts, weights, strict=True)
    told = ", ".join(f"{name} {n} (x {weight:.2f})" for name, n, weight in rows)
    progress.say(f"windows to learn from, with their weights: {told}")
    return windows


def _label(prepared: Prepared, example: Example, view: str, config: Config):
    """Class ids of the windows of one view of a photograph, int16 `(n,)`."""
    settings = config.labels
    key = prepared.keys[example.path][view]
    size_wh = prepared.store.entries[key].size_wh
    boxes = boxes_.clip(example.boxes, size_wh)
    boxes = augment.move_boxes(size_wh, boxes, view, key.partition(":")[0])
    windows = prepared.extractor.plan(size_wh).boxes
    ids = labels.assign(
        windows, boxes, example.classes, example.difficult, settings.rules()
    )
    if settings.background == "weight":
        return ids
    name = example.path.relative_to(prepared.dataset.folder).as_posix()
    return labels.sample_background(
        ids, settings.background_fraction, config.seed, f"{name}:{view}"
    )


def _weigh(ids: np.ndarray, count: int, settings: LabelSettings) -> np.ndarray:
    """Weight of each class; with `background: weight`, background counts for less."""
    counts = np.bincount(ids[ids >= 0], minlength=count).astype(np.float64)
    share = settings.background_fraction if settings.background == "weight" else 1
    counts[labels.BACKGROUND] *= share
    weights = labels.class_weights(counts, settings.class_weights)
    weights[labels.BACKGROUND] *= share
    return weights
