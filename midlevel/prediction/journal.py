"""The records of a prediction on disk: appended as they come, in order at the end.

out.jsonl             the records, once they are all there
out.jsonl.meta.json   what made them
out.jsonl.part        a line for each photograph as soon as it is scored
out.jsonl.part.json   what makes these
.out.jsonl.lock       held by the process that writes

So a process killed at any moment loses what it had in hand and nothing else. The same
command goes on; a record that says `failure` is tried again.
"""

import contextlib
import glob
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from midlevel import errors
from midlevel.prediction import records
from midlevel.system import files

ADVICE = (
    "Name another --output; or make room, and the same command goes on with the "
    "records so far."
)
TIED = ("schema", "fingerprint", "root")  # what all records of a file have in common


@contextlib.contextmanager
def opened(
    output: Path, meta: dict[str, Any], resume: bool = True
) -> Iterator["Journal"]:
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
            stack.enter_context(files.locked(_lock(output)))
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

    def __init__(self, output: Path, meta: dict[str, Any], resume: bool):
        """Find the records that are there; cut off what is half a line."""
        self.output, self.part = output, beside(output, "part")
        self._about, self._about_part = _abouts(output)
        self.done: set[str] = set()
        self._places: dict[str, int] = {}  # where the newest line of each begins
        if self._about_part.exists() and not self.part.exists():
            self._about_part.replace(self._about)  # killed at the end of `finish`
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
            line = rest = _encoded(record)
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
        is_same = resume and _tied(self._about_part, meta)
        is_finished = resume and _tied(self._about, meta)
        if resume and not is_same and _size(self.part):
            raise errors.MidlevelError(
                f"{self.part}: holds records of another model or folder. Finish that "
                "prediction, name another --output, or add --no-resume to begin again."
            )
        if not is_same:
            self.part.write_bytes(b"")
        known = [self._about_part] * is_same + [self._about] * is_finished
        times = [_read(about).get("begun", time.time()) for about in known]
        self.begun: float = min([time.time(), *times])
        about = _encoded({**meta, "begun": self.begun}, indent=2)
        files.write_text(self._about_part, about.decode())
        if is_finished and not _size(self.part) and self.output.exists():
            self._copy()

    def _copy(self) -> None:
        """Fill the part with the records of the output, which stays until the end."""
        with (
            files.whole(self.part) as path,
            path.open("wb") as part,
            self.output.open("rb") as file,
        ):
            part.writelines(line for line in file if _parsed(line))

    def _find(self) -> int:
        """Note the records of the part; returns where its last whole line ends.

        A line that is no record is as if it were not there.
        """
        end = 0
        with self.part.open("rb") as file:
            for line in file:
                if record := _parsed(line):
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


def beside(output: Path, what: str) -> Path:
    """The file of a journal that goes with its output."""
    return output.with_name(f"{output.name}.{what}")


def can_go_on(output: Path, meta: dict[str, Any]) -> bool:
    """Whether an unfinished journal is of the same photographs and model, and free."""
    if not _tied(_abouts(output)[1], meta, (*TIED, "names")):
        return False
    try:
        with files.locked(_lock(output)):
            return beside(output, "part").exists()
    except (errors.MidlevelError, OSError):
        return False


def _lock(output: Path) -> Path:
    return output.with_name(f".{output.name}.lock")


def _abouts(output: Path) -> tuple[Path, Path]:
    """What is said of the output, and of the part."""
    return beside(output, "meta.json"), beside(output, "part.json")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _read(about: Path) -> dict[str, Any]:
    try:
        found = json.loads(about.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _tied(about: Path, meta: dict[str, Any], names: Sequence[str] = TIED) -> bool:
    """Whether the records that `about` tells of are of the same model."""
    before = _read(about)
    return all(before.get(name) == meta[name] for name in names)


def _encoded(content: Mapping[str, Any], indent: int | None = None) -> bytes:
    """JSON in UTF-8; bytes of a file's name that are no text come as escapes."""
    text = json.dumps(content, ensure_ascii=False, indent=indent) + "\n"
    return text.encode("utf-8", "backslashreplace")


def _parsed(line: bytes) -> records.Record | None:
    """The record in a line; None if it is cut off, or something else."""
    try:
        record = json.loads(line) if line.endswith(b"\n") else None
        return record if record and {"file", "failure"} <= set(record) else None
    except (ValueError, TypeError):
        return None


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
