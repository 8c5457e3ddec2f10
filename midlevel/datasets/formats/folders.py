"""A folder of photographs for each class: each shows its folder's class, nobody where.

Either `train/cat/a.jpg` and `val/cat/b.jpg`, or `cat/a.jpg` alone, which is one split,
`train`. Photographs in a folder named `background` show none of the classes.
"""

from pathlib import Path

from midlevel import errors
from midlevel.datasets import paths
from midlevel.datasets.annotation import Annotation, Problem, Reading
from midlevel.images.names import is_hidden
from midlevel.method.labels import BACKGROUND_NAME

EXPECTED = "a folder of photographs for each class, perhaps in train/ and val/"
NO_CLASSES = {  # folders of photographs that are no class
    *("images", "labels", "annotations", "masks", "jpegimages", "imagesets"),
    *("unlabeled", *paths.SPLITS),
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
    if any(folder.name.lower() in OTHER_PARTS for folder in paths.folders(place)):
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


def refusal(place: Path) -> errors.DataError | None:
    """What to say of photographs that nothing labels, where there are any."""
    found = [
        folder for folder in paths.folders(place) if paths.holds_photographs(folder)
    ]
    if not found or any(
        _holds(folder, {*OTHERS, ".txt"}) for folder in (place, *found)
    ):
        return None
    names = ", ".join(folder.name for folder in found)
    return errors.DataError(
        f"{place}: holds photographs (in {names}), and nothing known that labels them. "
        f"Expected {EXPECTED}, or annotations beside them; see docs/data.md."
    )


def _splits(place: Path) -> dict[str, list[Path]]:
    """The class folders of each split.

    Folders that are named as a split is, `Train` or `valid`. Where every folder with
    photographs has a split in its name, as `WIDER_train` and `WIDER_val`, those.
    """
    within = paths.folders(place)
    exact = {f: paths.SPLITS.get(f.name.lower()) for f in within}
    if not any(split and _classes(f) for f, split in exact.items()):
        exact = {f: paths.split_of(f.name) for f in _classes(place)}
        if not all(exact.values()) or len(set(exact.values())) < LEAST:
            return {"train": _classes(place)}
    splits: dict[str, list[Path]] = {}
    for folder, split in exact.items():
        if split:
            splits.setdefault(split, []).extend(_classes(folder))
    return splits


def _classes(place: Path) -> list[Path]:
    """Folders in `place` that have photographs and are named as a class may be."""
    return [
        folder
        for folder in paths.folders(place)
        if folder.name.lower().rstrip("0123456789") not in NO_CLASSES  # train2017
        and paths.holds_photographs(folder)
    ]


def _holds(folder: Path, suffixes: set[str]) -> bool:
    return any(
        path.suffix.lower() in suffixes and not is_hidden(path.name)
        for path in folder.iterdir()
    )


def _rows(folder: Path) -> list[Annotation]:
    labels = [] if folder.name.lower() == BACKGROUND_NAME else [folder.name]
    return [Annotation(path, unboxed=labels) for path in paths.photographs(folder)]


def _astray(place: Path, splits: dict[str, list[Path]]) -> list[Problem]:
    """What to say on photographs that are in no class folder, if there are any."""
    classes = [folder for of_split in splits.values() for folder in of_split]
    read = {path for folder in classes for path in paths.photographs(folder)}
    others = [path for path in paths.photographs(place) if path not in read]
    if others:  # perhaps only by another name, through a link
        real = {path.resolve() for path in read}
        others = [path for path in others if path.resolve() not in real]
    if not others:
        return []
    count = f"{len(others)} such photographs"
    text = f"is in no class folder ({count}); move it into its class's"
    return [Problem(others[0], "unlabelled", text, "left out")]
