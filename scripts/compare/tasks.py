"""What is learned: which classes, of which photographs. Another is one line here."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import subsets

from midlevel import errors
from midlevel.datasets import Dataset, Example

MANY = 3  # objects that make a crowd
TRAIN, VAL = "train", "val"  # splits of the data, and of what is linked from it
ANIMALS = ("dog", "cat", "horse", "sheep", "cow")
SIX = ("person", *ANIMALS)


def crowded(example: Example) -> bool:
    """Whether a photograph shows two classes, of all in the data, or three objects."""
    kinds = {*example.classes.tolist(), *example.unboxed.tolist()}
    return len(kinds) > 1 or len(example.classes) >= MANY


def single(example: Example) -> bool:
    """Whether it shows one class, in one or two objects."""
    return not (example.is_bare or crowded(example))


@dataclass(frozen=True)
class Task:
    """Classes to learn, and the photographs to learn them from and measure them on.

    Attributes:
        classes: names.
        train: photographs to learn from, drawn anew by each seed; by default all.
        val: photographs to measure on, the same for all seeds; by default all.
        keep: which photographs are taken at all; by default all.
    """

    classes: tuple[str, ...]
    train: int | None = None
    val: int | None = None
    keep: Callable[[Example], bool] | None = None


TASKS = {  # of voc-animals, in all of whose photographs there is an animal
    "animals": Task((*SIX, "chair", "sofa")),
    "six": Task(SIX, train=200, val=200),
    "things": Task(("chair", "car", "bottle", "pottedplant")),
    "hundred": Task(SIX, train=100),
    "single": Task(ANIMALS, keep=single),  # a person there is never alone
    "crowded": Task(SIX, keep=crowded),
}


def photographs(task: Task, dataset: Dataset, seed: int) -> dict[str, list[Path]]:
    """The photographs of a task by split; those to measure on have nothing of `seed`.

    Args:
        dataset: with all its classes.

    Raises:
        errors.DataError: the data lacks a class, a split, or enough photographs.
    """
    kept = taken(task, dataset)
    found = {}
    for split, count, drawn in ((TRAIN, task.train, seed), (VAL, task.val, 0)):
        if count is None:
            found[split] = [example.path for example in kept.split(split)]
        else:
            found[split] = subsets.choose(kept, split, count, drawn)
    return found


def taken(task: Task, dataset: Dataset) -> Dataset:
    """Those photographs of the data that a task takes, with its classes.

    Raises:
        errors.DataError: the data lacks a class.
    """
    if missing := [name for name in task.classes if name not in dataset.classes]:
        raise errors.DataError(
            f"{dataset.folder}: shows no {', '.join(missing)}; it shows: "
            f"{', '.join(dataset.classes)}. Name its classes with --classes."
        )
    keep = task.keep or (lambda example: True)
    splits = {
        split: [example for example in rows if keep(example)]
        for split, rows in dataset.splits.items()
    }
    return replace(dataset, splits=splits).only(task.classes)
