"""`midlevel predict`: photographs in, one record each out, as they come."""

import functools
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from midlevel import errors
from midlevel.images import sources
from midlevel.prediction import journal, localising, records
from midlevel.prediction.journal import USUAL, Allowed
from midlevel.prediction.journal_files import beside
from midlevel.prediction.model import Model
from midlevel.system import files, folders, streams, text
from midlevel.system.progress import Progress

FOLDER = Path("runs/predict")
ENDINGS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", "": "jsonl"}


@dataclass
class Summary:
    """How a prediction went.

    Attributes:
        done: photographs scored.
        unlabelled: of those scored now, without a label.
        failed: photographs that could not be.
        resumed: of those scored, by an earlier process.
        output: where the records are.
    """

    done: int = 0
    unlabelled: int = 0
    failed: int = 0
    resumed: int = 0
    output: Path | None = None


def predict(
    model: Model,
    paths: Sequence[Path],
    output: str | Path | None = None,
    form: str | None = None,
    progress: Progress | None = None,
    allowed: Allowed = USUAL,
    root: Path | None = None,
) -> Summary:
    """Label photographs and write a record of each, in the order they were given.

    A photograph that cannot be read has a record that says so; the rest goes on.
    What the same model has done before is not done again, and what anything else left
    is not replaced unasked, see `replacing`.

    Args:
        paths: photographs, such as `sources.find` gives.
        output: a file, or `-` for stdout. By default a file in runs/predict, and a line
            of text for each photograph on stdout.
        form: `jsonl` or `csv`; by default as the file's name ends, see `ENDINGS`.
        allowed: what may be done with what is in `output`; to resume is also to go on
            with the newest unfinished folder.
        root: the folder that `file` in a record is relative to; by default
            `sources.root(paths)`.

    Raises:
        errors.DataError: no photograph could be read.
        errors.MidlevelError: the output cannot be written, or is there and may not be
            replaced.
        errors.Interrupted: Ctrl-C; the records so far are kept.
    """
    progress = progress or Progress()
    form = form or _form(output)
    work = _Work(model, root or sources.root(paths), progress, tells=output is None)
    progress.say(f"model: {model.named}")
    progress.say(f"engine: {model.extractor.backbone.engine}")
    if str(output) == "-":
        _to_stdout(work, paths, form)
    else:
        meta = work.meta(paths)
        place = Path(output) if output else _place(meta, form, allowed.resume)
        work.summary.output = place
        _keep(work, place, paths, meta, form, allowed)
    _conclude(work.summary, time.monotonic() - work.started, progress)
    return work.summary


def _form(output: str | Path | None) -> str:
    """How records are written to a file of that name."""
    ending = Path(output).suffix.lower() if output else ""
    if ending not in ENDINGS:
        raise errors.MidlevelError(
            f"{output}: expected a name that ends in {', '.join(filter(None, ENDINGS))}"
            f", or --format. Received: {ending}. Nothing was written."
        )
    return ENDINGS[ending]


def shard(paths: Sequence[Path], part: int, parts: int) -> Sequence[Path]:
    """The `part`-th, from 0, of `parts` even stretches of `paths`.

    Their outputs one after the other are the output of all.

    >>> [shard("abcde", part, 3) for part in range(3)]
    ['a', 'bc', 'de']
    """
    return paths[part * len(paths) // parts : (part + 1) * len(paths) // parts]


@dataclass
class _Work:
    """A prediction as it goes; `tells` prints a line for each photograph on stdout."""

    model: Model
    root: Path
    progress: Progress
    tells: bool
    summary: Summary = field(default_factory=Summary)
    started: float = field(default_factory=time.monotonic)

    def name(self, path: Path) -> str:
        """What the record of a photograph calls it."""
        return sources.name(path, self.root)

    def score(
        self, paths: Sequence[Path], write: Callable[[records.Record], object]
    ) -> None:
        """Write a record of each photograph; count, and say what failed."""
        bar = self.progress.silent() if self.tells else self.progress
        with bar.task("predict", len(paths)) as advance:
            found = self.model.stream(paths)
            for path, record in zip(paths, found, strict=True):
                write({**record, "file": self.name(path)})
                self.summary.failed += record["failure"] is not None
                self.summary.done += record["failure"] is None
                self.summary.unlabelled += not (record["labels"] or record["failure"])
                if self.tells:
                    print(errors.plain(records.line(record)), flush=True)
                elif record["failure"]:
                    self.progress.say(records.line(record))
                advance()

    def meta(self, paths: Sequence[Path]) -> dict[str, Any]:
        """What it takes to read the records, and to go on with them."""
        model = self.model
        return {
            "schema": records.SCHEMA,
            "fingerprint": model.fingerprint,
            "regions": localising.RULE,
            "root": self.root.as_posix(),
            "photographs": len(paths),
            "names": text.digest("\n".join(map(self.name, paths))),
            "model": str(model.run.folder),
            "engine": str(model.extractor.backbone.engine),
            "classes": list(model.classes),
            "thresholds": model.thresholds,
            "k": model.k,
            "aggregation": asdict(model.aggregation),
            "windows": model.config.windows.model_dump(),
        }


def _to_stdout(work: _Work, paths: Sequence[Path], form: str) -> None:
    """Records and nothing else; a reader that has gone ends it quietly."""
    work.progress, place = work.progress.silent(), "stdout"
    explained = functools.partial(files.explained, place, "Make room for its reader.")
    with streams.data() as stdout:
        with explained():
            write = records.writer(stdout, form, work.model.classes)

        def write_now(record: records.Record) -> None:
            with explained():
                write(record)

        work.score(paths, write_now)
        with explained():
            stdout.flush()


def _keep(
    work: _Work,
    output: Path,
    paths: Sequence[Path],
    meta: dict[str, Any],
    form: str,
    allowed: Allowed,
) -> None:
    """Score what the journal does not have yet, and finish it."""
    if output.is_dir():
        raise errors.MidlevelError(f"{output}: is a folder. Name a file with --output.")
    names = list(map(work.name, paths))
    try:
        with journal.opened(output, meta, allowed, names) as kept:
            todo = [p for p in paths if not _is_done(p, work, kept)]
            work.summary.resumed = work.summary.done = len(paths) - len(todo)
            if work.summary.resumed:
                work.progress.say(
                    f"{work.summary.resumed} records are there already, going on"
                )
            work.score(todo, kept.write)
            kept.finish(names, form, work.model.classes)
    except KeyboardInterrupt as error:
        same = "The same command" + ("" if allowed.resume else ", with --resume,")
        raise errors.Interrupted(
            f"Interrupted; the records so far are in {beside(output, 'part')}. "
            f"{same} goes on."
        ) from error


def _is_done(path: Path, work: _Work, kept: journal.Journal) -> bool:
    """Whether there is a record of the photograph as it is now."""
    if work.name(path) not in kept.done:
        return False
    try:
        found = path.stat()
    except OSError:
        return False
    return max(found.st_mtime, found.st_ctime) <= kept.begun


def _place(meta: dict[str, Any], form: str, resume: bool) -> Path:
    """The newest unfinished prediction of the same photographs, or a new file."""
    name = f"predictions.{form}"
    parts = FOLDER.glob(f"*/{name}.part") if resume else ()
    for part in sorted(parts, key=os.path.getmtime, reverse=True):
        if journal.can_go_on(part.with_suffix(""), meta):
            return part.with_suffix("")
    return folders.new(FOLDER, journal.ADVICE) / name


def _conclude(summary: Summary, seconds: float, progress: Progress) -> None:
    before = f" ({summary.resumed} of them before)" if summary.resumed else ""
    said = f"{summary.done} scored{before}, "
    if summary.unlabelled:
        said += f"{summary.unlabelled} of them without a label, "
    said += f"{summary.failed} failed"
    new = summary.done - summary.resumed
    if new:
        said += f", {new / seconds:.1f} photographs a second"
    if summary.output:
        said += f"; records in {summary.output}"
    progress.say(said)
    if summary.failed and not summary.done:
        raise errors.DataError("None of the photographs could be read.")
