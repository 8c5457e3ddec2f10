"""Which windows a head learns from: their labels and weights."""

import numpy as np

from midlevel import errors
from midlevel.features.preparation import Prepared, View
from midlevel.method import class_weights, labels
from midlevel.settings.config import Config
from midlevel.settings.sections import Labels as LabelSettings
from midlevel.system import machine
from midlevel.system.progress import Progress
from midlevel.training import batches


def collect(
    prepared: Prepared, config: Config, progress: Progress
) -> batches.WindowSet:
    """Label the windows of the training split and weigh the classes; say the counts.

    Raises:
        errors.DataError: no window shows an object.
    """
    found = _labelled(prepared, config)
    # By content: neither the format, nor names, nor their order change what is learned.
    found.sort(key=lambda row: (row[0], row[1].tobytes()))
    keys, ids = zip(*found, strict=True)
    count = len(prepared.dataset.classes) + 1
    class_weights_ = _weigh(np.concatenate(ids), count, config.labels)
    memory = int(config.training.memory * machine.memory_of_machine())
    windows = batches.WindowSet(prepared.store, keys, ids, class_weights_, memory)
    names = labels.names_by_id(prepared.dataset.classes)
    counts = np.bincount(windows.ids, minlength=count)
    if not counts[1:].any():
        raise errors.DataError(
            f"{prepared.dataset.folder}: no window of split {config.data.train!r} "
            "shows an object well enough to learn from. Expected boxes that fill "
            f"{config.labels.min_of_window:.0%} of a window (labels.min_of_window)."
        )
    rows = zip(names, counts, class_weights_, strict=True)
    told = ", ".join(f"{name} {n} (x {weight:.2f})" for name, n, weight in rows)
    progress.say(f"windows to learn from, with their weights: {told}")
    return windows


def weights(prepared: Prepared, config: Config) -> np.ndarray:
    """Weight of a window of each class in the loss, float32 `(1 + classes,)`."""
    ids = np.concatenate([ids for _, ids in _labelled(prepared, config)])
    return _weigh(ids, len(prepared.dataset.classes) + 1, config.labels)


def _labelled(prepared: Prepared, config: Config) -> list[tuple[str, np.ndarray]]:
    """Key and class ids of each view that teaches."""
    views = prepared.views(config.data.train, config.features.views)
    return [(view.key, label(view, config)) for view in views]


def label(view: View, config: Config) -> np.ndarray:
    """Class ids of the windows of one view of a photograph, int16 `(n,)`."""
    windows, rules = view.plan.boxes, config.labels.rules()
    return labels.judge(windows, view.example, rules, config.seed, view.key).ids


def _weigh(ids: np.ndarray, count: int, settings: LabelSettings) -> np.ndarray:
    """Weight of each class; with `background: weight`, background counts for less."""
    counts = np.bincount(ids[ids >= 0], minlength=count).astype(np.float64)
    share = settings.background_fraction if settings.background == "weight" else 1
    counts[labels.BACKGROUND] *= share
    weights = class_weights.of(counts, settings.class_weights)
    weights[labels.BACKGROUND] *= share
    return weights
