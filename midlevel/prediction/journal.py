"""The records of a prediction on disk: appended as they come, whole at the end.

out.jsonl             the records, once they are all there
out.jsonl.meta.json   what made them
out.jsonl.part        a line for each photograph as soon as it is scored
out.jsonl.part.json   what makes these
.out.jsonl.lock       held by the process that writes

So a process killed at any moment loses what it had in hand and nothing else. The same
command goes on with what both hold; a record that says `failure` is tried again.
"""

import contextlib
import glob
import json
import os
import time
from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path

from midlevel import errors
from midlevel.prediction import records
from midlevel.system import files

ADVICE = (
    "Name another --output; or make room, and the same command goes on with the "
    "records so far."
)
TIED = ("schema", "fingerprint", "root")  # what all records of a file have in common


@contextlib.contextmanager
def opened(output: Path, meta: dict, resume: bool = True) -> Iterator["Journal"]:
    """The journal of `output`, which no other process writes meanwhile.

    Args:
        meta: what makes the records; those of another model are not gone on with.
        resume: go on with what is there.

    Raises:
        errors.MidlevelError: the files cannot be written, another process writes them,
            or an unfinished prediction of another model is there.
    """
    with contextlib.ExitStack() as stack:
        with files.explained(output, ADVICE):
            output.parent.mkdir(parents=True, exist_ok=True)
            lock = files.locked(_lock(output))
            stack.enter_context(lock)
            files.sweep(output.parent, f"{glob.escape(output.name)}*", age=0)
            kept = Journal(output, meta, resume)
        stack.callback(kept.close)
        yield kept


class Journal:
    """Records of one output file; made by `opened`.

    Attributes:
        done: photographs whose records are there and say no failure.
        begun: when the first of these was made, or this journal; seconds.
    """

    def __init__(self, output: Path, meta: dict, resume: bool):
        """Find the records that are there; cut off what is half a line."""
        self.output, self.part = output, beside(output, "part")
        self._about, self._about_part = _abouts(output)
        self.done: set[str] = set()
        self.begun = time.time()
        self._places: dict[str, tuple[Path, int]] = {}
        if self._about_part.exists() and not self.part.exists():
            self._about_part.replace(self._about)  # killed at the end of `finish`
        is_same = resume and _tied(self._about_part, meta)
        if resume and not is_same and self.part.exists() and self.part.stat().st_size:
            raise errors.MidlevelError(
                f"{self.part}: holds records of another model or folder. Finish that "
                "prediction, name another --output, or add --no-resume to begin again."
            )
        if resume and _tied(self._about, meta):
            self._find(self.output, self._about)
        end = self._find(self.part, self._about_part) if is_same else 0
        # There before what is said of it: by that alone one sees where `finish` was.
        with self.part.open("ab") as file:
            file.truncate(end)
        about = _encoded({**meta, "begun": self.begun}, indent=2)
        files.write_text(self._about_part, about.decode())
        self._is_in_order = not self._places
        self._file = self.part.open("ab", buffering=0)

    def close(self):
        """Let go of the file."""
        self._file.close()

    def write(self, record: dict):
        """Append a record; the system has it, whatever becomes of this process.

        Raises:
            errors.MidlevelError: it cannot be written.
        """
        with files.explained(self.output, ADVICE):
            rest = _encoded(record)
            while rest:
                rest = rest[self._file.write(rest) :]

    def finish(self, order: Iterable[str], form: str, classes: Sequence[str]):
        """Give the output a record for each of `order`; nothing else is kept.

        Raises:
            errors.MidlevelError: it cannot be written.
        """
        with files.explained(self.output, ADVICE):
            os.fsync(self._file.fileno())
            self._file.close()
            if form == "jsonl" and self._is_in_order:
                self.part.replace(self.output)
            else:
                with files.whole(self.output) as path:
                    _write(path, self._lines(order), form, classes)
                self.part.unlink()
            self._about_part.replace(self._about)

    def _find(self, path: Path, about: Path) -> int:
        """Where in `path` each record begins; returns where the last whole line ends.

        A line that is no record is as if it were not there.
        """
        end = 0
        with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
            self.begun = min(self.begun, _read(about).get("begun", self.begun))
            for line in file:
                if record := _parsed(line):
                    name = record["file"]
                    self._places[name] = path, end
                    (self.done.discard if record["failure"] else self.done.add)(name)
                end += len(line) if line.endswith(b"\n") else 0
        return end

    def _lines(self, order: Iterable[str]) -> Iterator[bytes]:
        """The line of each of `order`."""
        if self._is_in_order:
            with self.part.open("rb") as file:
                yield from file
            return
        self._find(self.part, self._about_part)
        with contextlib.ExitStack() as stack:
            opened = {
                path: stack.enter_context(path.open("rb"))
                for path in (self.output, self.part)
                if path.exists()
            }
            for name in order:
                path, place = self._places[name]
                opened[path].seek(place)
                yield opened[path].readline()


def beside(output: Path, what: str) -> Path:
    """The file of a journal that goes with its output."""
    return output.with_name(f"{output.name}.{what}")


def is_free(output: Path) -> bool:
    """Whether no process writes the journal of `output`."""
    try:
        with files.locked(_lock(output)):
            return True
    except (errors.MidlevelError, OSError):
        return False


def is_of(output: Path, meta: dict, names: Container[str]) -> bool:
    """Whether an unfinished journal is of the same model and of no other photographs.

    Args:
        names: the photographs; those that have gone since do not count.
    """
    about = _abouts(output)[1]
    if not _tied(about, meta):
        return False
    with contextlib.suppress(OSError), beside(output, "part").open("rb") as file:
        found = (record["file"] for line in file if (record := _parsed(line)))
        return all(n in names or not Path(meta["root"], n).exists() for n in found)
    return False


def _lock(output: Path) -> Path:
    return output.with_name(f".{output.name}.lock")


def _abouts(output: Path) -> tuple[Path, Path]:
    """What is said of the output, and of the part."""
    return beside(output, "meta.json"), beside(output, "part.json")


def _read(about: Path) -> dict:
    try:
        found = json.loads(about.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _tied(about: Path, meta: dict) -> bool:
    """Whether the records that `about` tells of are of the same model."""
    before = _read(about)
    return all(before.get(name) == meta[name] for name in TIED)


def _encoded(content: dict, indent: int | None = None) -> bytes:
    """JSON in UTF-8; bytes of a file's name that are no text come as escapes."""
    text = json.dumps(content, ensure_ascii=False, indent=indent) + "\n"
    return text.encode("utf-8", "backslashreplace")


def _parsed(line: bytes) -> dict | None:
    """The record in a line; None if it is cut off, or something else."""
    try:
        record = json.loads(line) if line.endswith(b"\n") else None
        return record if record and {"file", "failure"} <= set(record) else None
    except (ValueError, TypeError):
        return None


def _write(path: Path, lines: Iterable[bytes], form: str, classes: Sequence[str]):
    if form == "jsonl":
        with path.open("wb") as file:
            file.writelines(lines)
        return
    with records.opened(path) as file:
        write = records.writer(file, form, classes)
        for line in lines:
            write(json.loads(line))
