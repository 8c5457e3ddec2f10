"""Photographs that a run has seen before it is measured on them.

They make a run look better than it is. A photograph is found again by what its file
holds, so also as a copy, in another folder or under another name.
"""

import functools
from collections.abc import Iterable, Sequence
from pathlib import Path

from midlevel.runs import Run
from midlevel.system import files

NAMED = 3  # photographs in a note


def notes(run: Run, name: str, measured: Sequence[Path]) -> list[str]:
    """A line on each way in which a run has seen some of the measured photographs.

    Args:
        name: what the run is called.
        measured: the photographs.
    """
    by_split, config = run.split_files, run.config
    learned = photographs(run)
    found, gone = among(measured, learned), sum(not path.is_file() for path in learned)
    said = []
    if found:
        said.append(
            f"{name} learned from {_some(found, measured)}, and its figures flatter "
            "it: measure on others, with --data or --split."
        )
    if gone:
        said.append(
            f"{name}: {gone} of the {len(learned)} photographs it learned from are "
            "gone; whether they are among those measured is not known."
        )
    if run.chosen_on == "val":
        chose = among(measured, _paths(run, by_split.get(config.data.val, [])))
        if chose:
            said.append(
                f"{name} chose its epoch, calibration and thresholds on "
                f"{_some(chose, measured)}: its figures flatter a little."
            )
    return said


def among(measured: Iterable[Path], others: Iterable[Path]) -> list[Path]:
    """Those of `measured` that are the same photograph as one of `others`.

    Only files of the same number of bytes are read, each once.
    """
    digest = functools.cache(files.digest)
    by_size: dict[int, set[Path]] = {}
    for path in others:
        if path.is_file():
            by_size.setdefault(path.stat().st_size, set()).add(path.resolve())

    def is_among(path: Path) -> bool:
        alike = by_size.get(path.stat().st_size, set())
        return path.resolve() in alike or digest(path) in map(digest, alike)

    return [path for path in measured if is_among(path)]


def photographs(run: Run) -> list[Path]:
    """Those that a run learned from, for all of its tasks."""
    names = run.split_files.get(run.config.data.train, [])
    return [*_paths(run, names), *map(Path, run.earlier_files)]


def _paths(run: Run, names: Iterable[str]) -> list[Path]:
    """The photographs of a split, which `split.csv` names relative to the data."""
    record = run.record
    folder = Path(record.get("folder", record["data"]))
    return [folder / name for name in names]


def _some(found: Sequence[Path], measured: Sequence[Path]) -> str:
    names = ", ".join(path.name for path in found[:NAMED])
    if len(found) == len(measured):
        return f"all {len(measured)} photographs that are measured"
    more = ", ..." * (len(found) > NAMED)
    return f"{len(found)} of the {len(measured)} measured photographs ({names}{more})"
