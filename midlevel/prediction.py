"""`midlevel predict`: photographs in, one record each out, as they come."""

import contextlib
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from midlevel import errors, records, runs
from midlevel.model import Model
from midlevel.progress import Progress

FOLDER = Path("runs/predict")


@dataclass
class Summary:
    """How a prediction went: photographs labelled and failed, and where records are."""

    done: int = 0
    failed: int = 0
    output: Path | None = None


def predict(
    model: Model,
    paths: Sequence[Path],
    output: str | Path | None = None,
    form: str | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Label photographs and write a record of each, in the order they were given.

    A photograph that cannot be read has a record that says so; the rest goes on.

    Args:
        paths: photographs, such as `sources.find` gives.
        output: a file, or `-` for stdout. By default a new file in runs/predict, and a
            line of text for each photograph on stdout.
        form: `jsonl` or `csv`; by default as the file's name ends, else `jsonl`.

    Raises:
        errors.DataError: no photograph could be read.
        errors.MidlevelError: the output cannot be written.
    """
    progress = progress or Progress()
    form = form or ("csv" if str(output).lower().endswith(".csv") else "jsonl")
    tell = print if output is None else None
    progress.say(f"engine: {model.extractor.backbone.engine}")
    place = output or runs.new_folder(FOLDER) / f"predictions.{form}"
    summary, started = Summary(), time.monotonic()
    bar = progress.silent() if tell or str(place) == "-" else progress
    with _opened(place) as file, bar.task("predict", len(paths)) as advance:
        write = records.writer(file, form, model.classes)
        for record in model.stream(paths):
            write(record)
            summary.failed += record["failure"] is not None
            summary.done += record["failure"] is None
            if tell:
                tell(records.line(record), flush=True)
            elif record["failure"]:
                progress.say(records.line(record))
            advance()
    summary.output = None if str(place) == "-" else Path(place)
    _conclude(summary, time.monotonic() - started, progress)
    return summary


def _conclude(summary: Summary, seconds: float, progress: Progress):
    text = f"{summary.done} labelled, {summary.failed} failed"
    if summary.done:
        text += f", {summary.done / seconds:.1f} photographs a second"
    if summary.output:
        text += f"; records in {summary.output}"
    progress.say(text)
    if not summary.done:
        raise errors.DataError("None of the photographs could be read.")


@contextlib.contextmanager
def _opened(place: str | Path):
    """A text file that takes its name when it is whole; `-` is stdout."""
    if str(place) == "-":
        yield sys.stdout
        return
    path = Path(place)
    if path.is_dir():
        raise errors.MidlevelError(f"{path}: is a folder. Name a file with --output.")
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open(
            "w", encoding="utf-8", errors="backslashreplace", newline=""
        ) as file:
            yield file
        part.replace(path)
    except BrokenPipeError:
        raise  # stdout's reader went away; click knows what to do
    except OSError as error:
        raise errors.MidlevelError(
            f"{path}: cannot be written: {error.strerror}. Name another --output."
        ) from error
    except KeyboardInterrupt as error:
        raise errors.Interrupted(
            f"Interrupted; the records so far are in {part}."
        ) from error
