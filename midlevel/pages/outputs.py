"""Where pages and pictures go: a folder that holds nothing else, or one file."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from midlevel import errors
from midlevel.pages import drawing
from midlevel.system import files, folders

ADVICE = "Name another folder with --output, or make room."
FILE_ADVICE = "Name another file with --output, or make room."
PAGE = "index.html"


def folder(asked: str | Path | None, kind: Path) -> Path:
    """The folder `asked` for, made and empty; by default a new one in `kind`.

    Raises:
        errors.MidlevelError: it holds something, or cannot be made.
    """
    if not asked:
        return folders.new(kind, ADVICE)
    place = Path(asked)
    with files.explained(place, ADVICE):
        place.mkdir(parents=True, exist_ok=True)
        is_empty = not any(place.iterdir())
    if not is_empty:
        raise errors.MidlevelError(
            f"{place}: is not empty, and pictures of another time would stand among "
            "the new ones. Name a new folder with --output."
        )
    return place


def write_picture(path: Path, image: np.ndarray) -> None:
    """Write a PNG file whole."""
    with files.explained(path, ADVICE), files.whole(path) as waiting:
        waiting.write_bytes(drawing.png(image))


def write_page(place: Path, text: str) -> Path:
    """Write the page of a folder; its path."""
    with files.explained(place, ADVICE):
        files.write_text(place / PAGE, text)
    return place / PAGE


def file(output: str | Path) -> Path:
    """The file of a page that has no pictures.

    Raises:
        errors.MidlevelError: its name does not end as a page's.
    """
    path = Path(output)
    if path.suffix.lower() not in (".html", ".htm"):
        raise errors.MidlevelError(
            f"{path}: expected a name that ends in .html. Name another --output."
        )
    return path


def write_file(path: Path, page: str) -> None:
    """Write such a page.

    Raises:
        errors.MidlevelError: it cannot be written.
    """
    with files.explained(path, FILE_ADVICE):
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(path, page)


def slug(name: str) -> str:
    """A name as a part of a file's name: letters, digits, `.`, `-` and `_`.

    >>> slug("New York/a b.jpg")
    'New_York_a_b.jpg'
    """
    return re.sub(r"[^A-Za-z0-9.-]+", "_", name)[:60].strip("._") or "_"


def slugs(names: Sequence[str]) -> dict[str, str]:
    """For each name a part of a file's name that no other has, in any case.

    >>> slugs(["cat", "Cat", "a/b"])
    {'cat': 'cat', 'Cat': 'Cat-2', 'a/b': 'a_b'}
    """
    found, taken = {}, set()
    for number, name in enumerate(names, 1):
        short = slug(name)
        found[name] = short if short.lower() not in taken else f"{short}-{number}"
        taken.add(found[name].lower())
    return found
