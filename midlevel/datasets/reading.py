"""A data set as the settings or a run see it: named, split, and what it holds said."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from midlevel import datasets, errors
from midlevel.datasets import label_levels, splitting, summary, untaught
from midlevel.datasets.dataset import Dataset
from midlevel.runs import Run
from midlevel.settings import config as config_
from midlevel.settings.config import Config
from midlevel.system.progress import Progress


def for_training(
    data: str | Path,
    config: Config,
    progress: Progress,
    drawn: Mapping[str, Sequence[str]] | None = None,
    known: Sequence[str] = (),
) -> Dataset:
    """The data to learn from, with a split to validate on; says what it holds.

    Args:
        known: classes that an earlier task taught, which are not learned again.
        drawn: the files of each split as they were drawn before, where the data has no
            validation split of its own.

    Raises:
        errors.DataError: it cannot be read or split, a split shows none of the classes,
            or something is wrong and `data.strict` refuses it.
    """
    read = _not_known(labelled(data, config), config, known, progress)
    dataset = with_validation(read, config, drawn)
    chosen = config.data
    if dataset is not read and not drawn:
        progress.say(
            f"no split {chosen.val!r}: about {chosen.val_fraction:.0%} of each class "
            f"of {chosen.train!r} serves, drawn with seed {config.seed}"
        )
    _check_shown(dataset, "train", chosen.train)
    config = label_levels.resolved(dataset, config)
    label_levels.check(dataset, config)
    dataset = label_levels.learned_from(dataset, config)
    dataset = untaught.leave_out(dataset, config)
    is_alone = config.labels.level == label_levels.IMAGE
    summary.say_shown(dataset, chosen.train, chosen.val, progress, not is_alone)
    label_levels.say(dataset, config, progress)
    _check_shown(dataset, "val", chosen.val)
    summary.say_unused(dataset, progress, chosen.strict, not is_alone)
    return dataset


def for_split(
    data: str | Path, config: Config, split: str, progress: Progress
) -> Dataset:
    """The data to look at one `split` of, which training would draw if need be.

    Raises:
        errors.DataError: it cannot be read or split.
    """
    dataset = labelled(data, config)
    if split in (config.data.train, config.data.val):
        dataset = with_validation(dataset, config)
    summary.say_unused(dataset, progress)
    return label_levels.learned_from(dataset, config)


def for_run(
    run: Run,
    progress: Progress,
    data: str | Path | None = None,
    form: str | None = None,
) -> Dataset:
    """The data that a run learned from, or other data as it sees them: its classes.

    A split that training drew is the one that the run wrote down.

    Args:
        data: by default the run's own.
        form: the format; by default it is found, or the run's own for its own data.

    Raises:
        errors.MidlevelError: the run or the data cannot be read.
    """
    record, config = run.record, run.config
    folder = Path(data or record["data"])
    is_own = folder.resolve() == Path(record["data"])
    if form or not is_own:
        config = config_.load(config, {"data.format": form or datasets.AUTO})
    dataset = labelled(folder, config, record["classes"])
    if record.get("tasks"):
        dataset = _passed_over(dataset, progress)
    if is_own and not dataset.splits.get(config.data.val):
        dataset = with_validation(dataset, config, run.split_files)
    is_alone = config.labels.level == label_levels.IMAGE
    summary.say_unused(dataset, progress, has_background=not is_alone)
    return label_levels.learned_from(dataset, config) if is_own else dataset


def of_all_tasks(data: str | Path, run: Run, progress: Progress) -> Dataset:
    """The data that a run of several tasks learns from, with the classes of all.

    Args:
        data: where it is now.

    Raises:
        errors.DataError: it cannot be read.
    """
    dataset = labelled(data, run.config, run.record["classes"])
    dataset = _passed_over(dataset, progress)
    dataset = with_validation(dataset, run.config, run.split_files)
    return label_levels.learned_from(dataset, run.config)


def labelled(
    data: str | Path, config: Config, classes: Sequence[str] | None = None
) -> Dataset:
    """The data as the settings name it, split as it is; nothing is said.

    Args:
        classes: those of a run, which need not occur; by default the settings'.

    Raises:
        errors.DataError: it cannot be read, see `datasets.read`.
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


def _not_known(
    dataset: Dataset, config: Config, known: Sequence[str], progress: Progress
) -> Dataset:
    """The data without classes that were learned before; says which they are.

    Raises:
        errors.DataError: the settings ask for one, or no other is left.
    """
    again = [name for name in dataset.classes if name in known]
    if again and config.data.classes:
        raise errors.DataError(
            f"data.classes: expected classes that the run named with --from does not "
            f"know. Received: {', '.join(again)}. Leave it out of the list; or, if "
            f"something else is meant, rename it: --set 'data.merge={{new {again[0]}: "
            f"[{again[0]}]}}'."
        )
    new = [name for name in dataset.classes if name not in known]
    if not new:
        raise errors.DataError(
            f"{dataset.folder}: expected a class that the run named with --from does "
            f"not know. Received: {', '.join(again)}, all learned before. To learn "
            "them from these photographs, train without --from."
        )
    if again:
        progress.say(f"learned before, and not again: {', '.join(again)}")
        return dataset.only(new)
    return dataset


def _passed_over(dataset: Dataset, progress: Progress) -> Dataset:
    """The data with classes that no photograph shows as not said; says which.

    The photographs of one task rarely have the labels of another.
    """
    rows = [row for of_split in dataset.splits.values() for row in of_split]
    shown = np.any([row.shows(len(dataset.classes)) for row in rows], axis=0)
    if shown.all():
        return dataset
    missing = np.flatnonzero(~shown).astype(np.int16)
    names = ", ".join(dataset.classes[i] for i in missing)
    progress.say(f"not measured, since no photograph is said to show it: {names}")
    splits = {
        split: [
            replace(row, not_said=np.union1d(row.not_said, missing + 1)) for row in of
        ]
        for split, of in dataset.splits.items()
    }
    return replace(dataset, splits=splits)


def with_validation(
    dataset: Dataset,
    config: Config,
    drawn: Mapping[str, Sequence[str]] | None = None,
) -> Dataset:
    """`dataset` itself if it has a validation split; else with the one that is drawn.

    Args:
        drawn: the files of each split as they were drawn before.

    Raises:
        errors.DataError: there is nothing to draw it from.
    """
    chosen = config.data
    if dataset.splits.get(chosen.val):
        return dataset
    if drawn:
        return splitting.pick(dataset, drawn)
    return splitting.hold_out(
        dataset,
        chosen.train,
        chosen.val,
        chosen.val_fraction,
        config.seed,
        chosen.group_by,
    )


def _check_shown(dataset: Dataset, setting: str, split: str) -> None:
    """Refuse before the work a split from which nothing can be learned or measured."""
    count = len(dataset.classes)
    if not any((row.targets(count) == 1).any() for row in dataset.split(split)):
        raise errors.DataError(
            f"{dataset.folder}: no photograph of split {split!r} shows one of the "
            f"classes. Name another split with --set data.{setting}=NAME."
        )
