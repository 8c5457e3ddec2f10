"""A folder of photographs for each class: each shows its folder's class, nobody where.

Either `train/cat/a.jpg` and `val/cat/b.jpg`, or `cat/a.jpg` alone, which is one split,
`train`. Photographs in a folder named `background` show none of the classes.
"""

from pathlib import Path

from midlevel import errors
from midlevel.datasets import paths
from midlevel.datasets.annotation import Annotation, Problem, Reading
from midlevel.images import pixels, sources

EXPECTED = "a folder of photographs for each class, perhaps in train/ and val/"
BACKGROUND = "background"
MAC = "__macosx"  # what its archives keep beside the files
NO_CLASSES = {  # folders of photographs that are no class
    *("images", "labels", "annotations", "masks", "jpegimages", "imagesets"),
    *(MAC, "unlabeled", *paths.SPLITS),
}
OTHERS = {".xml", ".json", ".csv"}  # endings of other formats' annotations
OTHER_PARTS = {"annotations", "labels"}  # where they keep them
LEAST = 2  # class folders


def matches(place: Path) -> bool:
    """Whether `place` holds class folders, and nothing of another format."""
    splits = _splits(place)
    classes = [folder for of_split in splits.values() for folder in of_split]
    if len({folder.name for folder in classes}) < LEAST:
        return False
    if any(folder.name.lower() in OTHER_PARTS for folder in _below(place)):
        return False
    above = {place, *(folder.parent for folder in classes)}
    return not any(
        _holds(folder, OTHERS if folder in above else {*OTHERS, ".txt"})
        for folder in (*above, *classes)
    )


def read(place: Path) -> Reading:
    """Annotations by split, and photographs that are in no class folder.

    Raises:
        errors.DataError: `place` holds no class folders.
    """
    splits = _splits(place)
    if not any(splits.values()):
        raise errors.DataError(f"{place}: holds no class folders. Expected {EXPECTED}.")
    found = {
        split: [row for folder in of_split for row in _rows(folder)]
        for split, of_split in splits.items()
    }
    return Reading(found, _astray(place, splits))


def _splits(place: Path) -> dict[str, list[Path]]:
    """The class folders of each split."""
    parts = [folder for folder in _below(place) if folder.name.lower() in paths.SPLITS]
    splits: dict[str, list[Path]] = {}
    for part in parts:
        split = splits.setdefault(paths.SPLITS[part.name.lower()], [])
        split += _classes(part)
    if any(splits.values()):
        return splits
    return {"train": _classes(place)}


def _classes(place: Path) -> list[Path]:
    """Folders in `place` that have photographs and are named as a class may be."""
    return [
        folder
        for folder in _below(place)
        if folder.name.lower().rstrip("0123456789") not in NO_CLASSES  # train2017
        and any(_is_photograph(path, folder) for path in folder.rglob("*"))
    ]


def _is_photograph(path: Path, folder: Path) -> bool:
    return pixels.is_named(path) and not sources.is_hidden(path, folder)


def _below(place: Path) -> list[Path]:
    if not place.is_dir():
        return []
    found = (folder for folder in place.iterdir() if not folder.name.startswith("."))
    return sorted(folder for folder in found if folder.is_dir())


def _holds(folder: Path, suffixes: set[str]) -> bool:
    return any(
        path.suffix.lower() in suffixes and not path.name.startswith(".")
        for path in folder.iterdir()
    )


def _rows(folder: Path) -> list[Annotation]:
    labels = [] if folder.name.lower() == BACKGROUND else [folder.name]
    return [Annotation(path, labels=labels) for path in paths.photographs(folder)]


def _astray(place: Path, splits: dict[str, list[Path]]) -> list[Problem]:
    """What to say on photographs that are in no class folder, if there are any."""
    classes = {folder for of_split in splits.values() for folder in of_split}
    others = [
        path
        for path in paths.photographs(place)
        if classes.isdisjoint(path.parents)
        and path.relative_to(place).parts[0].lower() != MAC
    ]
    if not others:
        return []
    count = f"{len(others)} such photographs"
    text = f"is in no class folder ({count}); move it into its class's"
    return [Problem(others[0], "unlabelled", text, "left out")]
