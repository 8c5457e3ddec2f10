"""Which text file holds the labels of which photograph, and which are nobody's."""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from midlevel.datasets import paths
from midlevel.datasets.annotation import Problem
from midlevel.images.names import is_image_name

IMAGES, LABELS = "images", "labels"
NO_LABELS = {".cache", ".md", ".npy", ".yaml", ".yml", ".zip"}  # what trainers leave
LISTS = {"classes.txt", "labels.txt", "notes.json", "predefined_classes.txt"}
WORDS = 5  # of a line of labels, at least
DEEPEST = 2  # folders down to labels/; deeper ones are of predictions

Key = tuple[str, ...]
KeyOf = Callable[[Path, Path], Key]  # of a file in the data's folder


def file_of(path: Path, folder: Path) -> Path:
    """Where the boxes of a photograph should be.

    >>> file_of(Path("d/images/train/a.jpg"), Path("d")).as_posix()
    'd/labels/train/a.txt'
    """
    parts = list(path.relative_to(folder).with_suffix(".txt").parts)
    if IMAGES in parts[:-1]:
        last = len(parts) - 2 - parts[-2::-1].index(IMAGES)
        parts[last] = LABELS
    return folder.joinpath(*parts)


class Labels:
    """The files of labels of some photographs.

    Attributes:
        of: the file of each photograph that has one.
        problems: files that no photograph uses, and those that two use.
    """

    def __init__(self, folder: Path, photographs: Iterable[Path], lists: set[Path]):
        photographs = list(photographs)
        self.of: dict[Path, Path] = {}
        for path in photographs:
            if os.path.lexists(own := file_of(path, folder)):
                self.of[path] = own
        files = paths.below(folder)
        places = {path.parent for path in photographs}
        bare = {_stem(p.name.lower()) for p in photographs if p not in self.of}
        spare = [
            path
            for path in files
            if _may_be_labels(path, folder, places, bare) and path not in lists
        ]
        used = set(self.of.values())
        spare = [path for path in spare if path not in used]
        for name in (_key, _name):
            self._match(photographs, spare, folder, name)
        others = [p for p in files if is_image_name(p) and p not in {*photographs}]
        known = {_key(path, folder) for path in others}
        used = set(self.of.values())
        unused = [p for p in spare if p not in used and _key(p, folder) not in known]
        self.problems = [*_shared(self.of), *_unused(unused)]

    def _match(
        self,
        photographs: Sequence[Path],
        spare: Sequence[Path],
        folder: Path,
        name: KeyOf,
    ) -> None:
        """Take a spare file for a photograph where both alone have a name."""
        bare = _by_name((p for p in photographs if p not in self.of), folder, name)
        known = {name(path, folder) for path in self.of}
        used = set(self.of.values())
        files = _by_name((p for p in spare if p not in used), folder, name)
        for key, (path, *others) in bare.items():
            if not others and key and key not in known and len(files.get(key, [])) == 1:
                self.of[path] = files[key][0]


def _by_name(files: Iterable[Path], folder: Path, name: KeyOf) -> dict[Key, list[Path]]:
    found: dict[Key, list[Path]] = {}
    for path in files:
        found.setdefault(name(path, folder), []).append(path)
    return found


def _key(path: Path, folder: Path) -> Key:
    """Where a file is, alike for a photograph and its labels however folders are named.

    >>> _key(Path("d/images/val/a.jpg"), Path("d"))
    ('val', 'a')
    >>> _key(Path("d/Labels/valid/a.jpg.TXT"), Path("d"))
    ('val', 'a')
    """
    *parts, name = (part.lower() for part in path.relative_to(folder).parts)
    kept = [paths.SPLITS.get(p, p) for p in parts if p not in (IMAGES, LABELS)]
    return (*kept, _stem(name))


def _name(path: Path, folder: Path) -> Key:
    """The name alone, of labels that lie in labels/; none of others."""
    is_there = (
        is_image_name(path) or path.relative_to(folder).parts[0].lower() == LABELS
    )
    return (_stem(path.name.lower()),) if is_there else ()


def _stem(name: str) -> str:
    stem = Path(name).stem
    is_twice = not is_image_name(Path(name)) and is_image_name(Path(stem))
    return Path(stem).stem if is_twice else stem


def _may_be_labels(path: Path, folder: Path, places: set[Path], bare: set[str]) -> bool:
    """Whether a file lies where labels do, or is such by its first line.

    Args:
        places: folders of photographs.
        bare: names of photographs without labels.
    """
    ending = path.suffix.lower()
    if path.name.lower() in LISTS or ending in NO_LABELS or is_image_name(path):
        return False
    parts = [part.lower() for part in path.relative_to(folder).parts[:-1]]
    if LABELS in parts[:DEEPEST]:
        return True
    is_named = LABELS not in parts and _stem(path.name.lower()) in bare
    is_there = path.parent in places or is_named
    return ending == ".txt" and is_there and _is_of_numbers(path)


def _is_of_numbers(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            words = file.readline(1 << 12).split()
        return len([float(word) for word in words]) >= WORDS
    except (OSError, ValueError):
        return False


def _shared(of: dict[Path, Path]) -> list[Problem]:
    first: dict[Path, Path] = {}
    return [
        Problem(path, "photograph", f"has the labels of {first[file].name} too", "kept")
        for path, file in of.items()
        if first.setdefault(file, path) != path
    ]


def _unused(files: list[Path]) -> list[Problem]:
    if not files:
        return []
    text = (
        f"is used by no photograph ({len(files)} such files); the labels of "
        "images/train/a.jpg are expected in labels/train/a.txt"
    )
    return [Problem(files[0], "unused", text, "left out")]
