"""Write a file whole or not at all; keep other processes out meanwhile.

Locks are filelock's. `whole` and `sweep` are by hand: atomicwrites is no longer cared
for, and no other package tells what a killed process left from what one still writes.
"""

import contextlib
import csv
import errno
import hashlib
import io
import os
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from midlevel import errors

LEFT_OVER = 3600  # seconds without a write after which a waiting file is nobody's
POLL = 0.02  # seconds between two looks at a lock that another process holds
NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP)


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


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file whole; names of files may hold bytes that are no text."""
    with whole(path) as waiting:
        waiting.write_bytes(text.encode("utf-8", "surrogateescape"))


def read_text(path: Path) -> str:
    """What `write_text` wrote."""
    return path.read_bytes().decode("utf-8", "surrogateescape")


def digest(path: Path) -> str:
    """SHA-256 (hexadecimal) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_csv(path: Path, rows: Iterable[Sequence[object]]) -> None:
    """Write a table whole, as UTF-8; lines end as they do on Unix."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_text(path, text.getvalue())


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a table that `write_csv` wrote, by the titles in its first."""
    return list(csv.DictReader(io.StringIO(read_text(path), newline="")))


def sweep(folder: Path, name: str = "*", age: float = LEFT_OVER) -> None:
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
    import filelock  # late: it takes as long as all the rest of a command's start

    # A file whose being there is the lock would stay when its process is killed.
    lock = filelock.FileLock(path, poll_interval=POLL, fallback_to_soft=False)
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except filelock.Timeout as error:
        raise errors.MidlevelError(
            f"{path.parent}: another process is writing there "
            f"({path.name} is held). Wait for it, or name another place."
        ) from error
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
    try:
        yield lock.is_locked
    finally:
        with contextlib.suppress(OSError):  # Windows keeps a file that is open
            path.unlink()  # while it is held; filelock tries anew where it has gone
        lock.release()
