"""Some photographs of a data set as a VOC folder of their own, without copying them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from midlevel import errors
from midlevel.datasets import Dataset


def choose(dataset: Dataset, split: str, count: int, seed: int = 0) -> list[Path]:
    """Random photographs that show every class, the same at every call with a seed.

    Raises:
        errors.DataError: there are too few, or more classes than photographs.
    """
    examples = dataset.split(split)
    if not len(dataset.classes) <= count <= len(examples):
        raise errors.DataError(
            f"{dataset.folder}: cannot take {count} of {len(examples)} photographs of "
            f"split {split!r} that show each of {len(dataset.classes)} classes."
        )
    order = np.random.default_rng(seed).permutation(len(examples)).tolist()
    shown = _shown(dataset, split)[order]
    firsts = [order[place] for place in np.argmax(shown, axis=0)]  # one of each class
    chosen = list(dict.fromkeys([*firsts, *order]))[:count]
    return [examples[i].path for i in chosen]


def of_each(dataset: Dataset, split: str, count: int, seed: int) -> list[Path]:
    """Random photographs, until each class has `count` of them that show it.

    A photograph is passed over if all the classes that it shows have enough, so a class
    has more only where others bring it along.

    Raises:
        errors.DataError: a class has fewer.
    """
    shown = _shown(dataset, split)
    there = zip(dataset.classes, shown.sum(axis=0).tolist(), strict=True)
    if few := [f"{name} ({n})" for name, n in there if n < count]:
        raise errors.DataError(
            f"{dataset.folder}: expected {count} photographs of split {split!r} for "
            f"each class. Too few show: {', '.join(few)}. Leave these classes out, or "
            "take fewer photographs."
        )
    chosen, have = [], np.zeros(len(dataset.classes), int)
    for i in np.random.default_rng(seed).permutation(len(shown)).tolist():
        if (shown[i] & (have < count)).any():
            chosen.append(dataset.split(split)[i].path)
            have += shown[i]
    return chosen


def _shown(dataset: Dataset, split: str) -> np.ndarray:
    """Which photograph shows which class, bool `(photographs, classes)`."""
    count = len(dataset.classes)
    return np.stack([row.targets(count) == 1 for row in dataset.split(split)])


def link(data: Path, subset: Path, splits: Mapping[str, Sequence[Path]]) -> None:
    """A VOC folder with the files of `data` and lists of the chosen photographs.

    One that is there already stays if it lists the same photographs.

    Raises:
        errors.DataError: it lists others.
    """
    lists = subset / "ImageSets" / "Main"
    lists.mkdir(parents=True, exist_ok=True)
    for name in ("Annotations", "JPEGImages"):
        if not (data / name).is_dir():
            raise errors.DataError(
                f"{data}: has no folder {name}. Expected data laid out as PASCAL VOC."
            )
        if not (subset / name).exists():
            there = (data / name).resolve()
            (subset / name).symlink_to(there, target_is_directory=True)
    for split, paths in splits.items():
        ids = "".join(f"{path.stem}\n" for path in paths)
        file = lists / f"{split}.txt"
        if file.exists() and file.read_text(encoding="utf-8") != ids:
            raise errors.DataError(
                f"{file}: lists other photographs than were chosen now. Name another "
                "folder to write to, or delete this one."
            )
        file.write_text(ids, encoding="utf-8")
