"""What a table's cells say of a class: it is shown, it is absent, or nothing."""

import re
from collections.abc import Iterable

from midlevel import errors
from midlevel.datasets.formats import values

SHOWN = {"1", "1.0", "true", "t", "yes", "y"}
ABSENT = {"0", "0.0", "false", "f", "no", "n"}
MINUS = {"-1", "-1.0"}  # not known beside 0 (CheXpert), absent beside 1 alone (CelebA)
EMPTY = {"", "nan", "na", "n/a", "?"}
WORDS = SHOWN | ABSENT | MINUS | EMPTY
SEPARATORS = re.compile("[;|,]")


class Flags:
    """The words in a table's columns of classes.

    Tables that say of no photograph that it does not show a class could teach
    nothing; there -1 or, without it, what is empty is such a word. It is the same in
    all tables of a data set.

    Attributes:
        guess: which of its words are taken for 0, for a message; empty where none is.
        is_whole: whether all cells say something.
    """

    def __init__(self, cells: Iterable[str], elsewhere: Iterable[str] = ()):
        there = words(cells)
        everywhere = there | words(elsewhere)
        absent, guess = ABSENT, ""
        if not everywhere & ABSENT and everywhere & MINUS:
            absent, guess = MINUS, "-1 is"
        elif not everywhere & ABSENT and everywhere & EMPTY:
            absent, guess = EMPTY, "empty cells are"
        self.guess = guess if there & absent else ""
        self._of = dict.fromkeys(WORDS) | dict.fromkeys(SHOWN, True)
        self._of |= dict.fromkeys(absent, False)
        self.is_whole = all(self._of.get(cell) is not None for cell in there)

    def read(self, cell: str) -> bool | None:
        """Whether a class is shown; None where a cell does not say.

        Raises:
            errors.DataError: it is none of the words.
        """
        try:
            return self._of[cell.lower()]
        except KeyError:
            raise errors.DataError(
                f"expected 1, 0 or nothing. Received: {values.shown(cell)}; it counts "
                "as not said"
            ) from None


def words(cells: Iterable[str]) -> set[str]:
    """The different words in some cells."""
    return {cell.lower() for cell in cells}


def are_flags(columns: Iterable[list[str]]) -> bool:
    """Whether most of what stands in each of some columns is a word of `Flags`."""
    found = [[cell.lower() for cell in column if cell] for column in columns]
    known = ((sum(cell in WORDS for cell in one), len(one)) for one in found)
    return any(found) and all(2 * count > total for count, total in known if total)


def is_verified(cell: str) -> bool:
    """Whether a confidence of 1 or 0 (Open Images) says that a class is shown.

    Raises:
        errors.DataError: it is another; a machine's guess is no label.
    """
    if cell in ("1", "1.0") or not cell:
        return True
    if cell in ("0", "0.0"):
        return False
    raise errors.DataError(
        "confidence: expected 1 (shown) or 0 (absent), as somebody has looked. "
        f"Received: {values.shown(cell)}; it counts as not said"
    )


def names(cell: str) -> list[str]:
    """The labels in a cell; also as a list of JSON's or Python's, `['cat', 'dog']`."""
    if cell.startswith("[") and cell.endswith("]"):
        found = [name.strip().strip("'\"") for name in cell[1:-1].split(",")]
    else:
        found = [name.strip() for name in SEPARATORS.split(cell)]
    return [name for name in found if name]
