"""Which photographs a user means: files, folders, globs."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from midlevel import errors
from midlevel.images import pixels


def find(sources: Iterable[str | Path]) -> list[Path]:
    """The photographs that sources name, each once: files, folders, globs.

    A folder is searched with its subfolders, links too, for names that end like an
    image's, sorted; what begins with a dot is passed over there, and by a glob that
    does not say so. A file is taken whatever its name. A subfolder that cannot be
    opened and, where others name something, a source that names nothing are kept as
    they are, so that their records say what is wrong.

    Raises:
        errors.DataError: the sources name nothing at all.
    """
    found, in_vain = [], []
    for source in map(Path, sources):
        paths = _of(source)
        in_vain += [] if paths else [source]
        found += paths or [source]
    if len(in_vain) == len(found):
        raise errors.DataError("; ".join(map(_what_is_wrong, in_vain)) + ".")
    return list(dict.fromkeys(found))


def root(paths: Sequence[Path]) -> Path:
    """The folder that photographs are told relative to.

    The current folder if they all are in it, else the deepest that holds them.
    """
    here = Path.cwd()
    folders = {Path(os.path.abspath(path)).parent for path in paths}
    if all(folder.is_relative_to(here) for folder in folders):
        return here
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:  # on two of Windows' drives
        return here


def name(path: Path, root: Path) -> str:
    """A photograph relative to `root`, or else whole, with forward slashes."""
    path = Path(os.path.abspath(path))
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()


def is_hidden(path: Path, folder: Path) -> bool:
    """Whether a part of `path` below `folder` begins with a dot.

    >>> is_hidden(Path("a/.b/c.jpg"), Path("a")), is_hidden(Path(".a/c"), Path(".a"))
    (True, False)
    """
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _of(source: Path) -> list[Path]:
    if os.path.isdir(source):
        return sorted(_below(source))
    if os.path.exists(source):
        return [source]
    return sorted(_glob(source))


def _below(folder: Path) -> list[Path]:
    """Photographs, and folders that cannot be opened; each folder entered once."""
    found, entered = [], set()

    def keep(error: OSError):
        found.append(Path(error.filename))

    for place, folders, names in os.walk(folder, onerror=keep, followlinks=True):
        status = os.stat(place)
        if (status.st_dev, status.st_ino) in entered:
            folders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        shown = (Path(place, name) for name in names if not name.startswith("."))
        found += [path for path in shown if pixels.is_named(path)]
    return found


def _what_is_wrong(source: Path) -> str:
    if not os.path.isdir(source):
        return f"{source}: no such file or folder"
    endings = " ".join(sorted(pixels.SUFFIXES))
    return f"{source}: holds no photograph; expected files that end in one of {endings}"


def _glob(pattern: Path) -> list[Path]:
    anchor = Path(pattern.anchor or ".")
    relative = pattern.relative_to(pattern.anchor) if pattern.anchor else pattern
    names_hidden = any(part.startswith(".") for part in relative.parts)
    try:
        found = [p for p in anchor.glob(str(relative)) if p.is_file()]
    except (ValueError, NotImplementedError, OSError):
        return []
    return [p for p in found if names_hidden or not is_hidden(p, anchor)]
