"""What a prediction may not replace unasked: what it could not make again itself."""

import csv
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from midlevel import errors
from midlevel.prediction import records
from midlevel.prediction.journal_files import abouts, beside, parsed, read, size, tied


def check(output: Path, meta: Mapping[str, Any], names: Collection[str]) -> None:
    """Refuse to lose what is at `output` and beside it; an empty file is nothing.

    Args:
        meta: what makes the records now.
        names: the photographs that get a record; those that are gone need none.

    Raises:
        errors.MidlevelError: there are records of another model, of other thresholds or
            of other photographs, or what no prediction wrote.
        OSError: what is there cannot be read.
    """
    about, about_part = abouts(output)
    is_begun, is_finished = tied(about_part, meta), tied(about, meta)
    part = beside(output, "part")
    if size(part) and not is_begun:
        raise _refused(part, f"{_difference(about_part, meta)}, unfinished")
    # Where a part is begun the output was looked at, or the part has become it.
    if size(output) and not is_begun and not is_finished:
        raise _refused(output, _difference(about, meta))
    asked = set(names)
    for file in [output] * is_finished + [part] * is_begun:
        for name in _scored(file):
            if name not in asked and Path(meta["root"], name).exists():
                what = f"records of other photographs, such as {name}"
                raise _refused(output, what)


def _refused(file: Path, what: str) -> errors.MidlevelError:
    return errors.MidlevelError(
        f"{file}: holds {what}. Name another --output, or add --overwrite to replace "
        "it."
    )


def _difference(about: Path, meta: Mapping[str, Any]) -> str:
    """What the records that `about` tells of are, that are not of what makes them now.

    The run's folder, thresholds and engine are told apart, as the fingerprint is not.
    """
    before = read(about)
    if not before:
        return f"what no prediction wrote: there is no {about.name}"
    if before.get("schema") != meta["schema"]:
        return "records of another version of midlevel"
    if before.get("fingerprint") == meta["fingerprint"]:
        return f"records with names relative to another folder, {before.get('root')}"
    model = str(before.get("model"))
    if os.path.abspath(model) != os.path.abspath(meta.get("model", "")):
        return f"records of another model, {model}"
    if before.get("thresholds") != meta.get("thresholds"):
        return f"records of {model} with other thresholds"
    if before.get("engine") != meta.get("engine"):
        return f"records of {model} on another engine, {before.get('engine')}"
    return f"records of {model} before it was trained again"


def _scored(file: Path) -> Iterator[str]:
    """The photographs with a record, of JSON lines or a table, that says no failure."""
    if not size(file):
        return
    with file.open("rb") as lines:
        if lines.read(1) == b"{":
            lines.seek(0)
            found = filter(None, map(parsed, lines))
            yield from (str(r["file"]) for r in found if not r["failure"])
            return
    with file.open(encoding="utf-8", errors="surrogateescape", newline="") as table:
        for row in csv.DictReader(table):
            if row.get("file") and not row.get("failure"):
                yield records.uncelled(row["file"])
