"""Folders named after the time."""

import contextlib
import itertools
import time
from pathlib import Path

from midlevel.system import files


def new(kind: Path, advice: str) -> Path:
    """Make a folder under `kind`, named after the time, that nobody else has.

    Args:
        advice: what to do where that cannot be made.

    Raises:
        errors.MidlevelError: it cannot be made.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    for number in itertools.count(1):
        folder = kind / (stamp if number == 1 else f"{stamp}-{number}")
        with files.explained(kind, advice), contextlib.suppress(FileExistsError):
            folder.mkdir(parents=True)
            return folder
    raise AssertionError  # numbers do not end
