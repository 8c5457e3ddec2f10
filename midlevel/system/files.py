"""Write a file whole or not at all; keep other processes out meanwhile."""

import contextlib
import errno
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from midlevel import errors

LEFT_OVER = 3600  # seconds without a write after which a waiting file is nobody's
BUSY = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)  # what systems say of a held lock


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write to; what is there becomes `path` if the block ends well.

    The name keeps its ending, which Keras reads, and begins with a dot, by which those
    who look for finished files can tell it. Nobody else has it: processes in two
    containers may have the same number.
    """
    mark = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
    waiting = path.with_name(f".{mark}-{path.name}")
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


def read_text(path: Path) -> str:
    """What `write_text` wrote."""
    return path.read_bytes().decode("utf-8", "surrogateescape")


def sweep(folder: Path, name: str = "*", age: float = LEFT_OVER):
    """Delete what killed processes left waiting to become a file like `name`, a glob.

    Args:
        age: seconds without a write; 0 where no other process can be writing.
    """
    for waiting in folder.glob(f".[0-9]*-{name}"):
        with contextlib.suppress(OSError):
            if time.time() - waiting.stat().st_mtime >= age:
                waiting.unlink()


@contextlib.contextmanager
def explained(place: Path | str, advice: str) -> Iterator[None]:
    """Turns what the operating system refuses into an error that says what to do.

    A reader of stdout that has gone is no error, and stays what it is.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise errors.MidlevelError(
            f"{place}: cannot be written: {error.strerror or error}. {advice}"
        ) from error


@contextlib.contextmanager
def locked(path: Path, wait: bool = False) -> Iterator[bool]:
    """Holds the lock file `path` until the block ends, or this process does.

    The system lets go of it also when the process is killed. Yields whether it is held:
    some file systems know no locks.

    Args:
        wait: for another process that has it.

    Raises:
        errors.MidlevelError: another process has it, and `wait` is not asked for.
        OSError: the file cannot be made.
    """
    file, is_held = _taken(path, wait)
    try:
        yield is_held
    finally:
        with contextlib.suppress(OSError):  # Windows keeps a file that is open
            path.unlink()
        file.close()


def _taken(path: Path, wait: bool):
    is_held = True
    while True:
        file = path.open("ab")
        try:
            _lock(file, wait)
        except OSError as error:
            if error.errno in BUSY:
                file.close()
                raise errors.MidlevelError(
                    f"{path.parent}: another process is writing there "
                    f"({path.name} is held). Wait for it, or name another place."
                ) from error
            is_held = False
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return file, is_held
        file.close()  # it was taken away by the one who had it


def _lock(file, wait: bool):
    if os.name == "nt":
        import msvcrt

        mode = msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK
        msvcrt.locking(file.fileno(), mode, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
