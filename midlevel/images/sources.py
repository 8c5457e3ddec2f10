"""Which photographs a user means: files, folders, globs."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from midlevel import errors
from midlevel.images import names


@dataclass(frozen=True)
class Found:
    """What sources name.

    Attributes:
        paths: the photographs, each once.
        passed_over: a line for each folder that holds other files too.
    """

    paths: list[Path]
    passed_over: list[str]


def find(sources: str | Path | Iterable[str | Path]) -> list[Path]:
    """The photographs that one source or several name, see `search`."""
    return search(sources).paths


def search(sources: str | Path | Iterable[str | Path]) -> Found:
    """The photographs that sources name, or one: each once; files, folders, globs.

    A folder is searched with its subfolders, links too, for names that end like an
    image's, sorted; what is hidden is passed over there, and by a glob that does not
    say so. A file is taken whatever its name. A subfolder that cannot be opened and,
    where others name something, a source that names nothing are kept as they are, so
    that their records say what is wrong.

    Raises:
        errors.DataError: the sources name nothing at all, or one is empty.
    """
    found: list[Path] = []
    in_vain: list[str] = []
    lines: list[str] = []
    several = [sources] if isinstance(sources, str | os.PathLike) else sources
    for source in map(_stated, several):
        paths, others = _of(source)
        told = names.in_words(others)
        in_vain += [] if paths else [_what_is_wrong(source, told)]
        lines += [f"passed over in {source}: {told}"] if paths and told else []
        found += paths or [source]
    if len(in_vain) == len(found):
        raise errors.DataError("; ".join(in_vain) + ".")
    return Found(_once(found), list(dict.fromkeys(lines)))


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


def _stated(source: str | Path) -> Path:
    """A source as a path, of which an empty one would be the current folder."""
    if not os.fspath(source):
        raise errors.DataError(
            'Expected a photograph, folder or glob. Received: "". The current folder '
            "is named by a dot."
        )
    return Path(source)


def _once(paths: Iterable[Path]) -> list[Path]:
    """Each file by the first of its spellings; a link is a file of its own."""

    @cache
    def real(folder: Path) -> str:
        try:
            return os.path.realpath(folder)
        except ValueError:  # a nought in its name; the record says so
            return str(folder)

    first: dict[str, Path] = {}
    for path in paths:
        first.setdefault(os.path.join(real(path.parent), path.name), path)
    return list(first.values())


def _of(source: Path) -> tuple[list[Path], Counter[str]]:
    """Its photographs, and how many others a folder holds, by ending."""
    if os.path.isdir(source):
        found, others = _below(source)
        return sorted(found), others
    if os.path.exists(source):
        return [source], Counter()
    return sorted(_glob(source)), Counter()


def _below(folder: Path) -> tuple[list[Path], Counter[str]]:
    """Photographs, and folders that cannot be opened; each folder entered once."""
    found: list[Path] = []
    others: Counter[str] = Counter()
    entered = set()

    def keep(error: OSError) -> None:
        found.append(Path(error.filename))

    for place, folders, files in os.walk(folder, onerror=keep, followlinks=True):
        status = os.stat(place)
        if (status.st_dev, status.st_ino) in entered:
            folders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not names.is_hidden(name))
        for path in (Path(place, name) for name in files if not names.is_hidden(name)):
            if names.is_image_name(path):
                found.append(path)
            else:
                others[path.suffix.lower()] += 1
    return found, others


def _what_is_wrong(source: Path, told: str) -> str:
    if not os.path.isdir(source):
        return f"{source}: no such file or folder"
    endings = " ".join(sorted(names.SUFFIXES))
    but = f" but {told}" if told else ""
    return (
        f"{source}: holds no photograph{but}; expected files that end in one of "
        f"{endings}"
    )


def _glob(pattern: Path) -> list[Path]:
    anchor = Path(pattern.anchor or ".")
    relative = pattern.relative_to(pattern.anchor) if pattern.anchor else pattern
    names_hidden = any(map(names.is_hidden, relative.parts))
    try:
        found = [p for p in anchor.glob(str(relative)) if p.is_file()]
    except (ValueError, NotImplementedError, OSError):
        return []
    return [p for p in found if names_hidden or not names.is_hidden_below(p, anchor)]
