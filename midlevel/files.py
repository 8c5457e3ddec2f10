"""Write a file whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from midlevel import errors


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write to; what is there becomes `path` if the block ends well.

    The name keeps its ending, which Keras reads, and begins with a dot, by which those
    who look for finished files can tell it.
    """
    waiting = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        yield waiting
        with waiting.open("rb") as file:
            os.fsync(file.fileno())
        waiting.replace(path)
    finally:
        waiting.unlink(missing_ok=True)


def write_text(path: Path, text: str):
    """Write a UTF-8 text file whole; names of files may hold bytes that are no text."""
    with whole(path) as waiting:
        waiting.write_bytes(text.encode("utf-8", "surrogateescape"))


@contextlib.contextmanager
def explained(place: Path, advice: str) -> Iterator[None]:
    """Turns what the operating system refuses into an error that says what to do."""
    try:
        yield
    except OSError as error:
        raise errors.MidlevelError(
            f"{place}: cannot be written: {error.strerror or error}. {advice}"
        ) from error
