"""Files of a data set: found inside its folder, read as text, named for a split."""

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from midlevel import errors
from midlevel.images import pixels, sources

SPLITS = {
    **{"train": "train", "training": "train", "test": "test", "testing": "test"},
    **{"val": "val", "valid": "val", "validation": "val"},
}


def inside(folder: Path, stated: str | Path) -> Path | None:
    """`stated` as seen from `folder`, or None where `..` or a root leads out of it.

    Links are followed, wherever they lead.

    >>> inside(Path("data"), "train/../a.jpg").as_posix()
    'data/a.jpg'
    >>> inside(Path("data"), "../a.jpg") is None
    True
    """
    root = os.path.abspath(folder)
    place = os.path.abspath(os.path.join(root, stated))
    if place == root or place.startswith(os.path.join(root, "")):
        return folder / place[len(root) :].lstrip(os.sep)
    return None


def photograph(
    folder: Path, stated: str, here: Path, others: Sequence[Path] = ()
) -> Path:
    """The photograph `stated`, as seen from `here` or else in the first of `others`.

    Backslashes may stand for slashes, as Windows writes them.

    Args:
        folder: the data's, which holds `here` and `others` and is not left.

    Raises:
        errors.DataError: none has it, or it is outside; without the file's name.
    """
    is_refused = True
    for name in dict.fromkeys((stated, stated.replace("\\", "/"))):
        for place in (here, *others):
            whole = os.path.abspath(place / name)
            path = inside(folder if place == here else place, whole)
            if path and os.path.isfile(path):  # also false where it cannot be a name
                return path
            is_refused = is_refused and not path
    if is_refused:
        raise errors.DataError(f"{stated!r} is refused; it is outside {folder}")
    places = dict.fromkeys(str(place) for place in (here, *others) if place.is_dir())
    where = ", ".join(places)
    raise errors.DataError(f"its photograph is missing; expected {stated} in {where}")


def photographs(folder: Path) -> list[Path]:
    """All photographs below `folder`, sorted; what begins with a dot is passed over."""
    return [
        path
        for path in visible(folder, "**/*")
        if pixels.is_named(path) and path.is_file()
    ]


def visible(folder: Path, pattern: str) -> list[Path]:
    """What a glob finds below `folder`, sorted, without what begins with a dot."""
    found = folder.glob(pattern)
    return sorted(path for path in found if not sources.is_hidden(path, folder))


def text(path: Path) -> str:
    """What stands in a UTF-8 file, with or without a byte order mark.

    Raises:
        errors.DataError: it cannot be opened, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise errors.DataError(f"{path}: cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise errors.DataError(
            f"{path}: cannot be read: {error}. Expected text; save it as UTF-8."
        ) from error


def root_of(place: Path) -> Path:
    """The data's folder where a person named it, or the file that it begins with."""
    if place.is_dir():
        return place
    in_part = place.parent.name in ("annotations", "labels")
    return place.parent.parent if in_part else place.parent


def split_of(name: str) -> str | None:
    """`train`, `val` or `test` where a name says so.

    >>> [split_of(name) for name in ("instances_train2017", "valid", "contest")]
    ['train', 'val', None]
    """
    words = re.findall("[a-z]+", name.lower())
    return next((SPLITS[word] for word in words if word in SPLITS), None)


def by_split(files: Iterable[Path]) -> dict[str, Path]:
    """Which file holds which split, by its name or, for `_name`, its folder's.

    A file alone whose name says nothing is `train`; of several, each is a split of
    its own name.

    Raises:
        errors.DataError: two are the same split.
    """
    files, found = list(files), {}
    for path in files:
        name = path.parent.name if path.stem.startswith("_") else path.stem
        split = split_of(name) or ("train" if len(files) == 1 else name)
        if split in found:
            raise errors.DataError(
                f"{path}: is split {split!r}, as {found[split].name} is. Expected one "
                "file a split; name the one to read, or move the other away."
            )
        found[split] = path
    return found
