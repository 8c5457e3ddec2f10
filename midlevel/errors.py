"""What midlevel raises when a person can mend the cause.

Every message says what was expected, what came, which file, and what to do. The
command line prints it in one line and leaves with `exit_code`.
"""

from collections.abc import Iterable
from typing import Any


class MidlevelError(Exception):
    """Something a user can mend; the base of every error midlevel raises itself."""

    exit_code = 2


class DataError(MidlevelError):
    """A data set, photograph or annotation that cannot be used.

    Attributes:
        problems: all that is wrong in a data set of which nothing can be used.
    """

    exit_code = 3

    def __init__(self, text: str = "", problems: Iterable[Any] = ()):
        super().__init__(text)
        self.problems = tuple(problems)


class ImageError(DataError):
    """One photograph that cannot be read; a folder goes on without it."""


class MissingDependency(MidlevelError):
    """A package that this work needs is not installed."""

    exit_code = 5


class Interrupted(MidlevelError):
    """Ctrl-C during long work, after everything finished was saved."""

    exit_code = 130


def plain(text: str) -> str:
    """`text` as one line that does nothing to a terminal, whoever wrote it.

    >>> plain("a" + chr(10) + "b é")
    'a\\\\nb é'
    """
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "backslashreplace").decode()
