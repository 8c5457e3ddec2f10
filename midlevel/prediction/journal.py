"""The records of a prediction on disk: appended as they come, in order at the end.

out.jsonl             the records, once they are all there
out.jsonl.meta.json   what made them
out.jsonl.part        a line for each photograph as soon as it is scored
out.jsonl.part.json   what makes these
.out.jsonl.lock       held by the process that writes

So a process killed at any moment loses what it had in hand and nothing else. The same
command goes on; a record that says `failure` is tried again. What this command could
not make again, `replacing` keeps.
"""

import contextlib
import glob
import json
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from midlevel import errors
from midlevel.prediction import records, replacing
from midlevel.prediction.journal_files import (
    TIED,
    abouts,
    beside,
    encoded,
    lock,
    parsed,
    read,
    size,
    tied,
)
from midlevel.system import files

ADVICE = (
    "Name another --output; or make room, and the same command goes on with the "
    "records so far."
)


@dataclass(frozen=True)
class Allowed:
    """What may be done with what is there.

    Attributes:
        resume: go on with what the same model left.
        overwrite: replace what anything else left.
    """

    resume: bool = True
    overwrite: bool = False


USUAL = Allowed()


@contextlib.contextmanager
def opened(
    output: Path,
    meta: dict[str, Any],
    allowed: Allowed = USUAL,
    names: Collection[str] = (),
) -> Iterator["Journal"]:
    """The journal of `output`, which no other process writes meanwhile.

    Args:
        meta: what makes the records; those of another model are not gone on with.
        allowed: what may be done with what is there.
        names: the photographs that will have a record.

    Raises:
        errors.MidlevelError: the files cannot be written, another process writes them,
            or something would be lost, see `replacing`; then nothing has changed.
    """
    with contextlib.ExitStack() as stack:
        with files.explained(output, ADVICE):
            output.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(files.locked(lock(output)))
            files.sweep(output.parent, f"{glob.escape(output.name)}*", age=0)
            _settle(output)
            if not allowed.overwrite:
                replacing.check(output, meta, names)
            kept = Journal(output, meta, allowed.resume)
        stack.callback(kept.close)
        yield kept


class Journal:
    """Records of one output file; made by `opened`.

    Attributes:
        done: photographs whose records are there and say no failure.
        begun: when the first of these was made, or this journal; seconds.
    """

    def __init__(self, output: Path, meta: dict[str, Any], resume: bool):
        """Find the records that are there; cut off what is half a line."""
        self.output, self.part = output, beside(output, "part")
        self._about, self._about_part = abouts(output)
        self.done: set[str] = set()
        self._places: dict[str, int] = {}  # where the newest line of each begins
        self._begin(meta, resume)
        self._file = self.part.open("r+b", buffering=0)
        self._end = self._find()
        self._file.truncate(self._end)
        self._file.seek(self._end)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def write(self, record: records.Record) -> None:
        """Append a record; the system has it, whatever becomes of this process.

        Raises:
            errors.MidlevelError: it cannot be written.
        """
        with files.explained(self.output, ADVICE):
            line = rest = encoded(record)
            while rest:
                rest = rest[self._file.write(rest) :]
        self._places[str(record["file"])] = self._end
        self._end += len(line)

    def finish(self, order: Iterable[str], form: str, classes: Sequence[str]) -> None:
        """Give the output a record for each of `order`; nothing else is kept.

        Raises:
            errors.MidlevelError: it cannot be written.
        """
        with files.explained(self.output, ADVICE):
            self._file.close()
            with files.whole(self.output) as path, self.part.open("rb") as part:
                _write(path, self._lines(part, order), form, classes)
            self.part.unlink()
            self._about_part.replace(self._about)

    def _begin(self, meta: dict[str, Any], resume: bool) -> None:
        """Make the part and what is said of it, from what there is of the same model.

        The part is there before what is said of it: by what is said of it alone one
        sees where `finish` was. So it begins empty, and is filled afterwards.
        """
        is_same = resume and tied(self._about_part, meta)
        is_finished = resume and tied(self._about, meta)
        if not is_same:
            self.part.write_bytes(b"")
        known = [self._about_part] * is_same + [self._about] * is_finished
        times = [read(about).get("begun", time.time()) for about in known]
        self.begun: float = min([time.time(), *times])
        about = encoded({**meta, "begun": self.begun}, indent=2)
        files.write_text(self._about_part, about.decode())
        if is_finished and not size(self.part) and self.output.exists():
            self._copy()

    def _copy(self) -> None:
        """Fill the part with the records of the output, which stays until the end."""
        with (
            files.whole(self.part) as path,
            path.open("wb") as part,
            self.output.open("rb") as file,
        ):
            part.writelines(line for line in file if parsed(line))

    def _find(self) -> int:
        """Note the records of the part; returns where its last whole line ends.

        A line that is no record is as if it were not there.
        """
        end = 0
        with self.part.open("rb") as file:
            for line in file:
                if record := parsed(line):
                    name = str(record["file"])
                    self._places[name] = end
                    (self.done.discard if record["failure"] else self.done.add)(name)
                end += len(line) if line.endswith(b"\n") else 0
        return end

    def _lines(self, part: BinaryIO, order: Iterable[str]) -> Iterator[bytes]:
        """The line of each of `order`."""
        for name in order:
            part.seek(self._places[name])
            yield part.readline()


def _settle(output: Path) -> None:
    """End what a process did not that was killed at the end of `finish`."""
    about, about_part = abouts(output)
    if about_part.exists() and not beside(output, "part").exists():
        about_part.replace(about)


def can_go_on(output: Path, meta: dict[str, Any]) -> bool:
    """Whether an unfinished journal is of the same photographs and model, and free."""
    if not tied(abouts(output)[1], meta, (*TIED, "names")):
        return False
    try:
        with files.locked(lock(output)):
            return beside(output, "part").exists()
    except (errors.MidlevelError, OSError):
        return False


def _write(
    path: Path, lines: Iterable[bytes], form: str, classes: Sequence[str]
) -> None:
    if form == "jsonl":
        with path.open("wb") as file:
            file.writelines(lines)
        return
    with records.opened(path) as file:
        write = records.writer(file, form, classes)
        for line in lines:
            write(json.loads(line))
