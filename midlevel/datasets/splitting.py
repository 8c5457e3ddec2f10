"""Splits and folds that the data has not: seeded, stratified, groups together."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from midlevel import errors
from midlevel.datasets.dataset import Dataset, Example

FOLDER = "folder"


def hold_out(
    dataset: Dataset,
    train: str,
    val: str,
    fraction: float,
    seed: int,
    group_by: str | None = None,
) -> Dataset:
    """`dataset` with about a `fraction` of split `train` moved to `val`.

    Every class is split in that share as far as it can be, see `draw`.

    Args:
        group_by: what keeps photographs together: `folder`, or a regular expression
            whose first group (or whole match) in the path they have in common.

    Raises:
        errors.DataError: there are too few photographs, or too few groups.
    """
    rows = dataset.split(train)
    names = [_group(dataset.file(row), group_by) for row in rows]
    groups, of_row = np.unique(names, return_inverse=True)
    if len(groups) < 2:
        what = f"{len(rows)} photographs in {len(groups)} groups (data.group_by)"
        what = what if group_by else f"{len(rows)} photographs"
        raise errors.DataError(
            f"{dataset.folder}: {what} are too few to keep some for validation. "
            "Expected at least 2."
        )
    shown = np.array([row.targets(len(dataset.classes)) == 1 for row in rows], int)
    counts = np.zeros((len(groups), shown.shape[1] + 1))
    np.add.at(counts, of_row, np.hstack([shown, np.ones((len(rows), 1), int)]))
    chosen = draw(counts, fraction, np.random.default_rng(seed))[of_row]
    splits = dict(dataset.splits)
    splits[train] = [row for row, out in zip(rows, chosen, strict=True) if not out]
    splits[val] = [row for row, out in zip(rows, chosen, strict=True) if out]
    return replace(dataset, splits=splits)


def folds(
    dataset: Dataset,
    train: str,
    held_out: str,
    count: int,
    seed: int,
    group_by: str | None = None,
) -> list[Dataset]:
    """`dataset` several times, each time with another part of `train` as `held_out`.

    Every photograph of `train` is held out once. Where there are fewer photographs or
    groups than parts, there are fewer parts.

    Args:
        count: parts, at least 2.
        group_by: as of `hold_out`.

    Raises:
        errors.DataError: there are too few photographs, or too few groups, for two.
    """
    rows, rest = dataset.split(train), dataset
    parts: list[list[Example]] = []
    for left in range(count, 1, -1):
        try:
            drawn = hold_out(rest, train, held_out, 1 / left, seed, group_by)
        except errors.DataError:
            if not parts:
                raise
            break
        parts.append(drawn.split(held_out))
        rest = replace(rest, splits={**rest.splits, train: drawn.split(train)})
    parts.append(rest.split(train))
    found = []
    for part in parts:
        there = {row.path for row in part}
        learned = [row for row in rows if row.path not in there]
        splits = {**dataset.splits, train: learned, held_out: part}
        found.append(replace(dataset, splits=splits))
    return found


def draw(counts: np.ndarray, fraction: float, rng: np.random.Generator) -> np.ndarray:
    """Which groups are held out, bool `(groups,)`; at least one is, and one is not.

    Iterative stratification (Sechidis, Tsoumakas and Vlahavas, ECML 2011): the rarest
    class first, each group goes where most of that class is still wanted. Large groups
    go first, as small ones can make up for them.

    Args:
        counts: `(groups, columns)` photographs of each class in each group; the last
            column counts all photographs.
    """
    total = counts.sum(axis=0)
    wanted = np.array([total * (1 - fraction), total * fraction])  # stay, held out
    wanted[1, -1] = max(wanted[1, -1], 1)
    side = np.full(len(counts), -1)
    order = rng.permutation(len(counts))
    order = order[np.argsort(-counts[order, -1], kind="stable")]
    while (side < 0).any():
        left = np.where(side[:, None] < 0, counts, 0).sum(axis=0)
        column = int(np.argmin(np.where(left > 0, left, np.inf)))
        for i in order:
            if side[i] < 0 and counts[i, column]:
                desire = wanted[:, column], wanted[:, -1]
                side[i] = max((0, 1), key=lambda s: (desire[0][s], desire[1][s]))
                wanted[side[i]] -= counts[i]
    if side.all() or not side.any():
        side[order[-1]] = 1 - side[order[-1]]
    return _seeing(side == 1, counts[:, :-1], order)


def _seeing(out: np.ndarray, shown: np.ndarray, order: np.ndarray) -> np.ndarray:
    """`out` with a group that shows a class on either side, if there are two.

    A small share of each class is less than one photograph, and only such as show
    none would be held out. One of them is exchanged for a group of which most is left.
    """
    shows = np.asarray(shown.any(axis=1))
    others = np.where(shown > 0, shown.sum(axis=0) - shown, np.inf)
    left = others.min(axis=1, initial=np.inf)
    for side in (True, False):
        here = out == side
        if shows.sum() > 1 and not (here & shows).any():
            chosen = max(order[shows[order]], key=lambda i: left[i])
            out = out.copy()
            out[[np.argmax(here), chosen]] = not side, side
    return out


def pick(dataset: Dataset, files: Mapping[str, Sequence[str]]) -> Dataset:
    """`dataset` with splits of the named files, relative to its folder."""
    by_file: dict[str, Example] = {
        dataset.file(example): example
        for examples in dataset.splits.values()
        for example in examples
    }
    splits = {
        split: [by_file[name] for name in names if name in by_file]
        for split, names in files.items()
    }
    return replace(dataset, splits={**dataset.splits, **splits})


def _group(file: str, group_by: str | None) -> str:
    """What a photograph is kept together by; its own name where nothing else is."""
    if group_by is None:
        return file
    if group_by == FOLDER:
        return file.rpartition("/")[0]
    found = re.search(group_by, file)
    name = found and found.group(1 if found.re.groups else 0)
    return file if name is None else name
