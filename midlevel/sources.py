"""Which photographs a user means: files, folders, globs."""

from collections.abc import Iterable
from pathlib import Path

from midlevel import errors, images


def find(sources: Iterable[str | Path]) -> list[Path]:
    """The photographs that sources name, each once: files, folders, globs.

    A folder is searched with its subfolders for names that end like an image's, sorted;
    a file is taken whatever its name.

    Raises:
        errors.DataError: a source names nothing.
    """
    found = []
    for source in map(Path, sources):
        if source.is_dir():
            paths = sorted(p for p in source.rglob("*") if _looks_like_image(p))
        elif source.exists():
            paths = [source]
        else:
            paths = sorted(_glob(source))
        if not paths:
            raise errors.DataError(f"{source}: {_what_is_wrong(source)}.")
        found += paths
    return list(dict.fromkeys(found))


def _what_is_wrong(source: Path) -> str:
    if not source.is_dir():
        return "no such file or folder, and as a glob it matches nothing"
    endings = " ".join(sorted(images.SUFFIXES))
    return f"holds no photograph; expected files that end in one of {endings}"


def _glob(pattern: Path) -> list[Path]:
    anchor = Path(pattern.anchor or ".")
    relative = pattern.relative_to(pattern.anchor) if pattern.anchor else pattern
    try:
        return [p for p in anchor.glob(str(relative)) if p.is_file()]
    except (ValueError, NotImplementedError):
        return []


def _looks_like_image(path: Path) -> bool:
    return path.suffix.lower() in images.SUFFIXES and path.is_file()
