"""The level of labels that a data set is learned from: boxes, labels alone, or both."""

from dataclasses import replace

import numpy as np

from midlevel import errors
from midlevel.datasets.dataset import Dataset, Example
from midlevel.settings.config import Config
from midlevel.system.progress import Progress

AUTO, BOX, IMAGE, MIXED = "auto", "box", "image", "mixed"


def of(dataset: Dataset, config: Config) -> str:
    """What `labels.level` says; where that is `auto`, what the training split has.

    Without boxes and without an image loss, labels can but teach the largest windows:
    that is `mixed`.
    """
    if config.labels.level != AUTO:
        return config.labels.level
    rows = dataset.splits.get(config.data.train, [])
    if not any(len(row.unboxed) for row in rows):
        return BOX
    is_off = config.image_loss.epochs == 0
    return MIXED if is_off or any(len(row.boxes) for row in rows) else IMAGE


def resolved(dataset: Dataset, config: Config) -> Config:
    """The settings with what they leave open until the level of labels is known."""
    return config.at(of(dataset, config))


def learned_from(dataset: Dataset, config: Config) -> Dataset:
    """`dataset` without the training photographs that the level leaves out.

    Args:
        config: resolved.
    """
    split = config.data.train
    if config.labels.level != BOX or split not in dataset.splits:
        return dataset
    kept = [row for row in dataset.splits[split] if not len(row.unboxed)]
    return replace(dataset, splits={**dataset.splits, split: kept})


def check(dataset: Dataset, config: Config) -> None:
    """Refuse before the work what cannot be learned at the level of labels.

    Args:
        dataset: before `learned_from`.
        config: resolved.

    Raises:
        errors.MidlevelError: settings contradict each other.
        errors.DataError: the labels do not serve.
    """
    level, split, loss = config.labels.level, config.data.train, config.image_loss
    rows = dataset.split(split)
    if level == BOX and not any(
        len(row.boxes) and not len(row.unboxed) for row in rows
    ):
        raise errors.DataError(
            f"{dataset.folder}: labels.level=box expects photographs whose labels have "
            f"boxes. Received: none in split {split!r}. Leave labels.level out, or set "
            "it to image, to learn from labels alone."
        )
    leaves_out = config.labels.unboxed == "leave_out"
    no_boxes = not any(len(row.boxes) for row in rows)
    if level == MIXED and leaves_out and (no_boxes or loss.epochs == 0):
        raise errors.MidlevelError(
            "labels.unboxed=leave_out expects boxes on some photographs, and an image "
            f"loss for the others. Received: {dataset.folder}, "
            f"{'no' if no_boxes else 'some'} boxes in split {split!r}, "
            f"image_loss.epochs={loss.epochs}. Set labels.unboxed=largest, or "
            "labels.level=image without the other two."
        )
    if level != IMAGE:
        return
    if config.way.is_linear:
        raise errors.MidlevelError(
            f"strategy={config.way.name} learns from windows with labels of their own, "
            "and labels.level=image gives none. Draw boxes, set labels.level=mixed, "
            "where labels without a box teach the largest windows, or leave strategy "
            "out."
        )
    if not loss.epochs or loss.window_loss:
        raise errors.MidlevelError(
            "labels.level=image expects image_loss.epochs from 1 and "
            "image_loss.window_loss=0: no window has a label of its own. Received: "
            f"{loss.epochs} and {loss.window_loss:g}. Leave both out."
        )
    if not told_apart(targets(rows, len(dataset.classes))).any():
        raise errors.DataError(
            f"{dataset.folder}: labels alone teach a class by photographs with and "
            f"without it. Received: in split {split!r} all photographs show the same "
            "classes. Add photographs without them, or draw boxes."
        )


def targets(rows: list[Example], count: int) -> np.ndarray:
    """Whether photographs show each of `count` classes: int8 of 1, 0, -1."""
    found = [row.targets(count) for row in rows]
    return np.array(found, np.int8).reshape(-1, count)


def told_apart(targets: np.ndarray) -> np.ndarray:
    """Of each class whether some photographs show it and some do not, bool.

    Args:
        targets: int8 `(photographs, classes)` of 1, 0, -1.
    """
    return (targets == 1).any(axis=0) & (targets == 0).any(axis=0)


def say(dataset: Dataset, config: Config, progress: Progress) -> None:
    """What teaches, in one line.

    Args:
        dataset: as it is learned from.
        config: resolved.
    """
    rows, level = dataset.split(config.data.train), config.labels.level
    boxed = sum(len(row.boxes) > 0 for row in rows)
    alone = sum(len(row.unboxed) > 0 for row in rows)
    ways = ["their largest windows"] if config.labels.unboxed == "largest" else []
    ways += ["the image loss"] if config.image_loss.epochs != 0 else []
    told = {
        BOX: "learns from boxes",
        IMAGE: "learns from labels alone, boxes are not used",
        MIXED: f"learns from boxes, and from {alone} photographs with labels without "
        f"boxes ({', and '.join(ways)})",
    }[level]
    progress.say(
        f"{told} (labels.level: {level}); {boxed} of {len(rows)} photographs have boxes"
    )
