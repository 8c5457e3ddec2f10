"""Values in files from anybody: numbers, sizes, and how messages show them."""

import reprlib
from typing import Any

from midlevel import errors

LARGEST = 1e7  # pixels; beyond it float32 has no halves, and no photograph is
WIDEST = 80  # characters of a value that a message shows


def number(value: Any) -> float:
    """A coordinate.

    Raises:
        errors.DataError: `value` is no number, or too large to be one.
    """
    try:
        is_odd = isinstance(value, str) and ("_" in value or not value.isascii())
        found = float("nan") if is_odd else float(value)
    except (TypeError, ValueError, OverflowError):
        found = float("nan")
    if not is_coordinate(found):
        raise errors.DataError(f"expected a number. Received: {shown(value)}")
    return found


def is_coordinate(value: float) -> bool:
    """Whether a photograph can have it; not so nan.

    >>> is_coordinate(-3.5), is_coordinate(float("nan")), is_coordinate(1e7)
    (True, False, False)
    """
    return abs(value) < LARGEST


def size(width: Any, height: Any) -> tuple[int, int] | None:
    """A photograph's sides in pixels, or None where they are not given, or not so.

    >>> size("640", 480.0), size(None, 480), size(0, 480)
    ((640, 480), None, None)
    """
    try:
        sides = int(number(width)), int(number(height))
    except errors.DataError:
        return None
    return sides if min(sides) > 0 else None


def shown(value: object) -> str:
    """`value` for a message, shortened however long or deep it is."""
    try:
        found = reprlib.repr(value)
    except ValueError:  # an integer of more digits than Python writes
        return "a very large number"
    return found if len(found) <= WIDEST else found[: WIDEST - 3] + "..."
