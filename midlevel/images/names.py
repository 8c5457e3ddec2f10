"""Names of files: which are photographs', and what others are."""

from collections import Counter
from pathlib import Path

SUFFIXES = frozenset(
    (".apng", ".avif", ".avifs", ".bmp", ".dib", ".gif", ".heic", ".heics", ".heif")
    + (".hif", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".jpx", ".mpo", ".pbm")
    + (".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp")
)
VIDEOS = frozenset(
    (".3gp", ".avi", ".insv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg")
    + (".mts", ".ogv", ".webm", ".wmv")
)
# Previews of Synology's, and what a Mac's archives keep beside the files.
PASSED_OVER = frozenset(("@eadir", "__macosx"))
MOST = 5  # endings that are named


def is_image_name(path: Path) -> bool:
    """Whether a file's name ends like an image's.

    >>> is_image_name(Path("a.JPG")), is_image_name(Path("a.txt"))
    (True, False)
    """
    return path.suffix.lower() in SUFFIXES


def is_hidden(name: str) -> bool:
    """Whether a file or folder is not meant where its folder is.

    >>> is_hidden(".a.jpg"), is_hidden("@eaDir"), is_hidden("a.jpg")
    (True, True, False)
    """
    return name.startswith(".") or name.lower() in PASSED_OVER


def is_hidden_below(path: Path, folder: Path) -> bool:
    """Whether `path`, or a folder between it and `folder`, is hidden.

    >>> found = Path("a/.b/c.jpg")
    >>> is_hidden_below(found, Path("a")), is_hidden_below(found, Path("a/.b"))
    (True, False)
    """
    return any(map(is_hidden, path.relative_to(folder).parts))


def in_words(endings: Counter[str]) -> str:
    """How many videos and other files there are, and how their names end.

    >>> in_words(Counter({".mov": 3, ".xml": 1, "": 1}))
    '3 videos (.mov), 2 other files (.xml)'
    """
    videos = Counter({ending: n for ending, n in endings.items() if ending in VIDEOS})
    told = []
    for name, some in (("video", videos), ("other file", endings - videos)):
        if count := some.total():
            known = sorted(filter(None, some))
            more = [f"{len(known) - MOST} more"] * (len(known) > MOST)
            named = ", ".join(known[:MOST] + more)
            many = f"{count:,} {name}{'s' * (count != 1)}"
            told.append(f"{many} ({named})" if named else many)
    return ", ".join(told)
