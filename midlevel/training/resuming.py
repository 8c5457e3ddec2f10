"""How a run of `midlevel train` begins, and what it takes to go on with one."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from midlevel import datasets, errors, runs
from midlevel.settings import config as config_
from midlevel.settings import yaml_text
from midlevel.settings.config import Config

PARTS = (  # of an example, that say what it shows and where
    *("boxes", "classes", "difficult", "unboxed"),
    *("not_said", "partly_boxed"),  # empty in data of versions that had neither
)


def resumed(
    run: runs.Run, data: str | Path | None, changes: object
) -> tuple[Path, Config]:
    """Data and settings of a run that `--resume` names.

    Raises:
        errors.MidlevelError: it is no run, or `changes` would change its settings.
    """
    record = run.record
    if changes:
        raise errors.MidlevelError(
            "--resume goes on with the run's own settings: leave out --config, --set, "
            "--seed and --from, or train a new run."
        )
    return Path(data or record["data"]), run.config


def check_same(
    run: runs.Run, data: Path, config: Config, source: runs.Run | None = None
) -> None:
    """Make sure that a run is what the same command began.

    Args:
        source: the run that is learned onto.

    Raises:
        errors.MidlevelError: its settings or data are others.
    """
    level = config.labels.level
    config = config.at(run.config.labels.level if level == "auto" else level)
    given, begun = map(config_.flat, (config, run.config))
    given["data"], begun["data"] = str(data.resolve()), run.record["data"]
    given["from"] = str(source.folder.resolve()) if source else None
    begun["from"] = run.record.get("from")
    others = [name for name in given if given[name] != begun[name]]
    if others:
        there, here = (
            ", ".join(f"{name}={values[name]}" for name in others)
            for values in (begun, given)
        )
        raise errors.MidlevelError(
            f"{run.folder}: holds a run begun with {there}. Received: {here}. Name a "
            f"new folder, or go on with it: midlevel train --resume --run {run.folder}"
        )


def begin(
    run: runs.Run,
    config: Config,
    dataset: datasets.Dataset,
    data: Path,
    before: Sequence[Mapping[str, Any]] = (),
    source: runs.Run | None = None,
) -> None:
    """Begin a new run; make sure that a resumed one learns the same from the same.

    Args:
        before: the tasks that were learned before, see `earlier.tasks_of`.
        source: the run that they come from, where this one has not begun.

    Raises:
        errors.DataError: the classes, photographs or labels are not what they were.
    """
    new, labels = list(dataset.classes), _digest(dataset, config)
    classes = [name for task in before for name in task["classes"]] + new
    if not run.has_begun:
        run.write_csv("split.csv", _split_rows(dataset, config))
        places = {"data": str(data.resolve()), "folder": str(dataset.folder.resolve())}
        record = {**places, "classes": classes, "labels": labels}
        if source:
            task = {
                "classes": new,
                "run": str(run.folder.resolve()),
                "data": places["data"],
                "level": config.labels.level,
            }
            record |= {"from": str(source.folder.resolve()), "tasks": [*before, task]}
        run.begin(config, record)
    begun = run.record
    _check_version(run)
    if begun["classes"] != classes:
        raise errors.DataError(
            f"{dataset.folder}: expected the classes the run began with: "
            f"{', '.join(begun['classes'])}. Received: {', '.join(classes)}."
        )
    if begun.get("labels", labels) != labels:  # runs of older versions have none
        raise errors.DataError(
            f"{dataset.folder}: photographs or labels have changed since the run in "
            f"{run.folder} began. Train a new run; features that are computed stay."
        )


def _check_version(run: runs.Run) -> None:
    """Refuse to go on with a run whose head learned in another way.

    Raises:
        errors.MidlevelError: windows taught it first, and photographs were to follow.
    """
    written = yaml_text.read(run.folder / "config.yaml").get("image_loss") or {}
    is_other = written.get("epochs") and "window_batch" not in written
    if is_other and not run.record["finished"]:
        raise errors.MidlevelError(
            f"{run.folder}: was begun by an earlier version, which taught in "
            "another way. Train a new run; features that are computed stay."
        )


def _digest(dataset: datasets.Dataset, config: Config) -> str:
    """SHA-256 (hexadecimal) of what both splits say of which photographs."""
    found = hashlib.sha256()
    for split in (config.data.train, config.data.val):
        for example in dataset.split(split):
            file = f"{split}\n{dataset.file(example)}\n"
            found.update(file.encode("utf-8", "surrogateescape"))
            for part in PARTS:
                found.update(getattr(example, part).tobytes())
    return found.hexdigest()


def _split_rows(dataset: datasets.Dataset, config: Config) -> list[dict]:
    return [
        {"split": split, "file": dataset.file(example)}
        for split in dict.fromkeys((config.data.train, config.data.val))
        for example in dataset.split(split)
    ]
