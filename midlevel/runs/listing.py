"""Which runs there are, for those who name one that is not there."""

import json
from pathlib import Path

from midlevel.system import files, text

TRAIN_FOLDER = Path("runs/train")
SHOWN = 5  # runs in a message
ALIKE = 0.75  # of a name and the run it is taken for, as `text.nearest` measures


def records(kind: Path = TRAIN_FOLDER) -> list[Path]:
    """`run.json` of each run in a folder of runs, newest first."""
    found = kind.glob("*/run.json")
    return sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def said(asked: Path, kind: Path = TRAIN_FOLDER) -> str:
    """Sentences with the run that was probably meant, and the newest that there are."""
    folders = [path.parent for path in records(kind)]
    if not folders:
        return f"There are no runs in {kind}. Train one with `midlevel train`."
    by_name = {folder.name: folder for folder in folders}
    near = text.nearest(asked.name, by_name, ALIKE)
    hint = f"Did you mean {by_name[near[0]]}? " if near else ""
    shown = ", ".join(map(_named, folders[:SHOWN])) + ", ..." * (len(folders) > SHOWN)
    return f"{hint}There are, newest first: {shown}."


def _named(folder: Path) -> str:
    """A run, and whether it can be used yet."""
    try:
        record = json.loads(files.read_text(folder / "run.json"))
        is_finished = bool(record["finished"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return f"{folder} (cannot be read)"
    return str(folder) if is_finished else f"{folder} (not finished)"
