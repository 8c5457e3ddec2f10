"""A data set as the settings see it: named, split, and what it holds said."""

from collections.abc import Iterable
from pathlib import Path

from midlevel import datasets, errors
from midlevel.datasets import splitting, summary, untaught
from midlevel.settings.config import Config
from midlevel.system.progress import Progress


def read(
    data: Path,
    config: Config,
    progress: Progress,
    drawn: dict[str, list[str]] | None = None,
) -> datasets.Dataset:
    """Read a data set, with a split to validate on; say what it holds.

    Args:
        drawn: the files of each split as they were drawn before, where the data has no
            validation split of its own.
    """
    dataset = labelled(data, config)
    train, val = config.data.train, config.data.val
    if not dataset.splits.get(val) and drawn:
        dataset = splitting.pick(dataset, drawn)
    elif not dataset.splits.get(val):
        dataset = _drawn(dataset, config, progress)
    _check_shown(dataset, "train", train)
    dataset = untaught.leave_out(dataset, config)
    summary.say_shown(dataset, train, val, progress)
    _check_shown(dataset, "val", val)
    summary.say_ignored(dataset, progress)
    summary.say_problems(dataset.problems, progress, config.data.strict)
    return dataset


def labelled(
    data: str | Path, config: Config, classes: Iterable[str] | None = None
) -> datasets.Dataset:
    """Read a data set as the settings say.

    Args:
        classes: those of a run, which need not occur; by default the settings'.
    """
    chosen = config.data
    return datasets.read(
        data,
        classes or chosen.classes,
        must_occur=classes is None,
        form=chosen.format,
        ignore=chosen.ignore_classes,
        merge=chosen.merge,
        unit=chosen.units,
    )


def hold_out(dataset: datasets.Dataset, config: Config) -> datasets.Dataset:
    """`dataset` with the validation split that the settings draw.

    Raises:
        errors.DataError: there is nothing to draw it from.
    """
    chosen = config.data
    return splitting.hold_out(
        dataset,
        chosen.train,
        chosen.val,
        chosen.val_fraction,
        config.seed,
        chosen.group_by,
    )


def _drawn(dataset, config: Config, progress: Progress) -> datasets.Dataset:
    chosen, dataset = config.data, hold_out(dataset, config)
    progress.say(
        f"no split {chosen.val!r}: about {chosen.val_fraction:.0%} of each class of "
        f"{chosen.train!r} serves, drawn with seed {config.seed}"
    )
    return dataset


def _check_shown(dataset: datasets.Dataset, setting: str, split: str):
    """Refuse before the work a split from which nothing can be learned or measured."""
    count = len(dataset.classes)
    if not any((row.targets(count) == 1).any() for row in dataset.split(split)):
        raise errors.DataError(
            f"{dataset.folder}: no photograph of split {split!r} shows one of the "
            f"classes. Name another split with --set data.{setting}=NAME."
        )
