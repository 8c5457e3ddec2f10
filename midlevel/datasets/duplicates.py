"""Photographs that are in a data set twice: copies, and those that look nearly alike.

A model that has learned from a photograph it is measured on looks better than it is.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from midlevel.datasets import Dataset, Problem
from midlevel.images import pixels

BITS = 8  # differences along a side; 64 across and 64 down
NEAR = 8  # of these 128 that may differ between photographs that look nearly alike
FLAT = 8  # levels between the darkest and brightest mean; less is no look at all
AT_ONCE = 1_000_000  # pairs compared at a time; bounds memory


@dataclass(frozen=True)
class Print:
    """What tells a photograph from others.

    Attributes:
        size_wh: upright, in pixels.
        content: a checksum of the file.
        look: uint64 `(2,)`, or None of a photograph without contrast.
    """

    size_wh: tuple[int, int]
    content: str
    look: np.ndarray | None


def take_print(path: Path) -> Print:
    """Read and decode a photograph, at a fraction of its sides where that does.

    Raises:
        errors.ImageError: it cannot be read.
    """
    data = pixels.read_bytes(path)
    photograph = pixels.of_bytes(data, path, lambda _: (64, 64))
    content = hashlib.sha256(data).hexdigest()
    return Print(photograph.size_wh, content, look_of(photograph.pixels))


def look_of(image: np.ndarray) -> np.ndarray | None:
    """Where an image gets brighter to the right and downwards, a bit each.

    The difference hash (Krawetz 2013, "Kind of like that"), both ways.
    """
    means = pixels.resize(image, (BITS + 1, BITS + 1)).mean(axis=2)
    if np.ptp(means) < FLAT:
        return None
    across, down = np.diff(means[:BITS]), np.diff(means[:, :BITS], axis=0)
    return np.packbits(np.stack([across, down]) > 0).view(np.uint64)


def problems(
    dataset: Dataset, prints: dict[Path, Print], train: str, val: str
) -> list[Problem]:
    """Copies within a split, and what is in the split to learn from and in another.

    Lists made of others, as VOC's trainval, are not compared with their parts.
    """
    paths = {
        split: [p for p in dict.fromkeys(e.path for e in rows) if p in prints]
        for split, rows in dataset.splits.items()
    }
    name = {e.path: dataset.file(e) for rows in dataset.splits.values() for e in rows}
    found = []
    for of_split in paths.values():
        for path, before in _copies(of_split, prints):
            text = f"is the same photograph as {name[before]}"
            found.append(Problem(path, "duplicate", text, "kept"))
    for other in paths:
        if train in paths and _is_apart(paths, train, other, val):
            pairs = _shared(paths[train], paths[other], prints)
            for path, before, what in pairs:
                text = f"{what} {name[before]}, one in {train!r}, one in {other!r}"
                if path == before:
                    text = f"is in {train!r} and in {other!r}"
                found.append(Problem(path, "duplicate", text, "kept"))
    return list(dict.fromkeys(found))


def _is_apart(paths: dict, train: str, other: str, val: str) -> bool:
    """Whether a split should have nothing in common with the one to learn from."""
    first, second = set(paths[train]), set(paths[other])
    is_nested = first <= second or second <= first
    return other != train and (other == val or not is_nested)


def _copies(
    paths: list[Path], prints: dict[Path, Print]
) -> Iterator[tuple[Path, Path]]:
    first: dict[str, Path] = {}
    for path in paths:
        before = first.setdefault(prints[path].content, path)
        if before != path:
            yield path, before


def _shared(
    train: list[Path], others: list[Path], prints: dict[Path, Print]
) -> Iterator[tuple[Path, Path, str]]:
    """Each of `others` that is, or nearly is, in `train`; that one; and how."""
    known, rest = set(train), []
    first = {prints[path].content: path for path in reversed(train)}
    for path in others:
        if path in known:
            yield path, path, ""
        elif prints[path].content in first:
            yield path, first[prints[path].content], "is the same photograph as"
        elif prints[path].look is not None:
            rest.append(path)
    seen = [path for path in train if prints[path].look is not None]
    looks, others_ = (
        [look for path in some if (look := prints[path].look) is not None]
        for some in (seen, rest)
    )
    for i, path in zip(nearest(looks, others_), rest, strict=True):
        if i is not None:
            yield path, seen[i], "looks nearly the same as"


def nearest(looks: list[np.ndarray], others: list[np.ndarray]) -> list[int | None]:
    """For each of `others` the most alike of `looks`, None where none is near."""
    if not looks or not others:
        return [None] * len(others)
    first, second, found = np.stack(looks), np.stack(others), []
    step = max(1, AT_ONCE // len(first))
    for start in range(0, len(second), step):
        part = second[start : start + step, None]
        differ = np.bitwise_count(part ^ first).sum(axis=2, dtype=np.uint8)
        places = differ.argmin(axis=1)
        least = np.take_along_axis(differ, places[:, None], 1)[:, 0]
        pairs = zip(places.tolist(), least.tolist(), strict=True)
        found += [place if bits <= NEAR else None for place, bits in pairs]
    return found
