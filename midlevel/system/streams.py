"""stdin, stdout and stderr: there are all three, and data is UTF-8."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from midlevel import errors

NAMES = ("stdin", "stdout", "stderr")


def mend() -> None:
    """Put nothing in the place of each of the three that the process lacks.

    A shell's `>&-` closes them, services and pythonw have none. The next file that is
    opened would have its number, and get what libraries write to it.
    """
    for number, name in enumerate(NAMES):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # lowest number
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            nothing = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115
            setattr(sys, name, nothing)
    # A file's name may hold bytes, or the terminal may lack characters.
    _configure(sys.stdout, errors="backslashreplace")


@contextlib.contextmanager
def data() -> Iterator[TextIO]:
    """stdout for JSON and CSV: UTF-8 in any locale; bytes that are no text as escapes.

    Raises:
        errors.MidlevelError: there is no stdout.
    """
    stream = sys.stdout
    if stream is None or getattr(stream, "name", None) == os.devnull:
        raise errors.MidlevelError(
            "stdout: cannot be written: it is closed. Send it to a file with > FILE."
        )
    before = {"encoding": stream.encoding, "errors": stream.errors}
    _configure(stream, encoding="utf-8", errors="backslashreplace")
    try:
        yield stream
        stream.flush()
    finally:
        with contextlib.suppress(OSError):  # it was said already
            _configure(stream, **before)


def _configure(stream: TextIO, **options: str | None) -> None:
    if isinstance(stream, io.TextIOWrapper):  # a notebook's is another
        stream.reconfigure(**options)  # type: ignore[arg-type]  # of str | None
