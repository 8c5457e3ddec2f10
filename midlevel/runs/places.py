"""Where runs are: making a new one, finding the newest."""

import contextlib
from pathlib import Path

from midlevel import errors
from midlevel.runs import listing
from midlevel.runs.listing import TRAIN_FOLDER
from midlevel.runs.run import ADVICE, Run
from midlevel.system import files, folders

BEGINNING = {"split.csv", "config.yaml", "environment.json"}  # written before run.json


def create(folder: str | Path | None) -> Run:
    """A run in `folder`, which is made; by default a new one named after the time.

    What is in `folder` may be a run already, see `has_begun`, or the beginning of one.

    Raises:
        errors.MidlevelError: something else is in it, or it cannot be made.
    """
    if not folder:
        return Run(folders.new(TRAIN_FOLDER, ADVICE))
    run = Run(folder)
    with files.explained(run.folder, ADVICE):
        run.folder.mkdir(parents=True, exist_ok=True)
        there = {path.name for path in run.folder.iterdir()} - BEGINNING
    if not run.has_begun and any(not name.startswith(".") for name in there):
        raise errors.MidlevelError(
            f"{run.folder}: is not empty and holds no run of midlevel train. Name a "
            "new folder with --run."
        )
    return run


def newest(finished: bool, kind: Path = TRAIN_FOLDER) -> Run:
    """The newest run below the current folder that is, or is not, finished.

    Raises:
        errors.MidlevelError: there is none.
    """
    for path in listing.records(kind):
        run = Run(path.parent)
        with contextlib.suppress(errors.MidlevelError):  # another version's
            if run.record.get("finished") == finished:
                return run
    if finished:
        raise errors.MidlevelError(
            f"No finished run in {kind}. Train one with `midlevel train`, or name one "
            "with --model."
        )
    raise errors.MidlevelError(f"No unfinished run in {kind}. Name one with --run.")
