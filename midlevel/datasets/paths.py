"""Files of a data set: found inside its folder, read as text, named for a split."""

import codecs
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from midlevel import errors
from midlevel.images.names import (
    SUFFIXES,
    is_hidden,
    is_hidden_below,
    is_image_name,
)

SPLITS = {
    **{"train": "train", "training": "train", "test": "test", "testing": "test"},
    **{"val": "val", "valid": "val", "validation": "val"},
}
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # as spreadsheets save it


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

    Backslashes may stand for slashes, as Windows writes them. A name without an image's
    ending may lack it. A name of another machine is looked for by its ends.

    Args:
        folder: the data's, which holds `here` and `others` and is not left.

    Raises:
        errors.DataError: none has it, or it is outside; without the file's name.
    """
    is_refused = True
    names = _spellings(stated)
    for name in (*names, *_tails(stated, folder)):
        for place in (here, *others):
            whole = os.path.abspath(place / name)
            path = inside(folder if place == here else place, whole)
            if path and os.path.isfile(path):  # also false where it cannot be a name
                return path
            is_refused = is_refused and not (path and name in names)
    if is_refused:
        raise errors.DataError(f"{stated!r} is refused; it is outside {folder}")
    places = dict.fromkeys(str(place) for place in (here, *others) if place.is_dir())
    where = ", ".join(places)
    raise errors.DataError(f"its photograph is missing; expected {stated} in {where}")


def _spellings(stated: str) -> list[str]:
    names = list(dict.fromkeys((stated, stated.replace("\\", "/"))))
    if is_image_name(Path(stated)):
        return names
    endings = sorted(SUFFIXES)
    return names + [names[-1] + e for e in (*endings, *map(str.upper, endings))]


def _tails(stated: str, folder: Path) -> list[str]:
    """Ends of a name that was written elsewhere; the split that it tells stays.

    Of a relative name a folder must stay too, or what goes is the data's own folder.
    """
    first = re.split(r"[\\/]", stated)[0]
    if first in (".", ".."):
        return []
    is_whole = not first or first.endswith(":")
    split = split_of(stated)
    return [
        tail
        for tail in ends(stated)
        if split_of(tail) == split and (is_whole or "/" in tail or first == folder.name)
    ]


def ends(stated: str) -> list[str]:
    """The ends of a name of another machine, the longest first.

    >>> ends("C:\\\\me\\\\train\\\\a.jpg")
    ['me/train/a.jpg', 'train/a.jpg', 'a.jpg']
    """
    parts = [part for part in re.split(r"[\\/]+", stated) if part]
    return ["/".join(parts[i:]) for i in range(1, len(parts))]


def photographs(folder: Path) -> list[Path]:
    """All photographs below `folder`, sorted, see `below`."""
    return [path for path in below(folder) if is_image_name(path)]


def holds_photographs(folder: Path) -> bool:
    """Whether there is a photograph below `folder`."""
    return any(map(is_image_name, _walk(folder)))


def below(folder: Path) -> list[Path]:
    """All files below `folder`, sorted, without what is hidden.

    Links are followed. A folder is entered once, so that links in a circle end; where
    a link and its folder are both below, by the folder's own name.
    """
    return sorted(_walk(folder))


def _walk(folder: Path) -> Iterator[Path]:
    real = os.path.realpath(folder)  # what is above it, below again, is a circle
    entered = {_identity(place) for place in Path(real).parents}
    waiting = [folder]
    while waiting:
        for place, names, files in os.walk(waiting.pop(0)):
            if (identity := _identity(place)) in entered:
                names.clear()
                continue
            entered.add(identity)
            names[:] = sorted(name for name in names if not is_hidden(name))
            within = (Path(place, name) for name in names)
            waiting += [path for path in within if path.is_symlink()]
            shown = (Path(place, name) for name in files if not is_hidden(name))
            yield from (path for path in shown if os.path.isfile(path))


def _identity(place: str | Path) -> tuple[int, int]:
    status = os.stat(place)
    return status.st_dev, status.st_ino


def folders(place: Path) -> list[Path]:
    """The folders in `place`, sorted, without what is hidden; links are followed."""
    if not place.is_dir():
        return []
    found = (path for path in place.iterdir() if not is_hidden(path.name))
    return sorted(path for path in found if path.is_dir())


def visible(folder: Path, pattern: str) -> list[Path]:
    """What a glob without `**` finds below `folder`, sorted, without what is hidden."""
    found = folder.glob(pattern)
    return sorted(path for path in found if not is_hidden_below(path, folder))


def text(path: Path) -> str:
    """What stands in a file of UTF-8, or of UTF-16 with its byte order mark.

    Raises:
        errors.DataError: it cannot be opened, or is neither.
    """
    try:
        data = path.read_bytes()
        return data.decode(encoding(data))
    except OSError as error:
        raise errors.DataError(f"{path}: cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise errors.DataError(
            f"{path}: cannot be read: {error}. Expected text; save it as UTF-8."
        ) from error


def encoding(data: bytes) -> str:
    """What text is written in, by its first bytes."""
    return "utf-16" if data.startswith(UTF_16) else "utf-8-sig"


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
    files, found = list(files), dict[str, Path]()
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
