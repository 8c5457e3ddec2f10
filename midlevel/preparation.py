"""From a folder and settings to photographs whose features are in the store."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from midlevel import datasets, errors, extraction, features, store, telling
from midlevel.config import Config
from midlevel.datasets import mending, splitting
from midlevel.progress import Progress


@dataclass(frozen=True)
class Prepared:
    """Photographs ready to be learned from or scored.

    Attributes:
        dataset: what was read.
        extractor: what made the features.
        store: where they are.
        keys: of each photograph that can be used, its key in the store by view.
        failures: a line on everything that cannot be used, or only in part.
    """

    dataset: datasets.Dataset
    extractor: features.Extractor
    store: store.FeatureStore
    keys: dict[Path, dict[str, str]]
    failures: list[str]

    def readable(self, split: str) -> list[datasets.Example]:
        """The examples of a split that can be used, their boxes in pixels.

        Raises:
            errors.DataError: there is none.
        """
        examples = [e for e in self.dataset.split(split) if e.path in self.keys]
        if not examples:
            raise errors.DataError(
                f"{self.dataset.folder}: no photograph of split {split!r} can be read."
            )
        return examples


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
    telling.say_shown(dataset, train, val, progress)
    _check_shown(dataset, "train", train)
    _check_shown(dataset, "val", val)
    telling.say_ignored(dataset, progress)
    telling.say_problems(dataset.problems, progress, config.data.strict)
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


def prepare(
    dataset: datasets.Dataset,
    views: dict[str, list[str]],
    extractor: features.Extractor,
    folder: str | Path | None,
    progress: Progress,
    strict: bool = False,
) -> Prepared:
    """Compute the features that are not in the store yet.

    Args:
        views: for each split the views of its photographs.
        folder: the store; by default the user's cache.
        strict: refuse data in which anything is wrong.

    Raises:
        errors.DataError: see `strict`.
    """
    place = Path(folder) if folder else store.default_folder()
    features_ = store.FeatureStore(place, extractor.stored_as)
    keys, failures = {}, []
    for split, names in views.items():
        paths = [example.path for example in dataset.split(split)]
        title = f"features of {split}"
        found = extraction.extract(paths, names, extractor, features_, progress, title)
        for path, by_view in found.keys.items():
            keys.setdefault(path, {}).update(by_view)
        failures += found.failures
    failures = [f"{line.rstrip('.')}: left out" for line in dict.fromkeys(failures)]
    dataset, problems = _fitted(dataset, views, keys, features_)
    failures += map(str, problems)
    telling.say_problems(failures, progress, strict)
    return Prepared(dataset, extractor, features_, keys, failures)


def _fitted(dataset, splits, keys, features_: store.FeatureStore):
    """`dataset` with boxes in pixels of its photographs, and what had to be mended."""
    fitted, groups = dict(dataset.splits), []
    for split in splits:
        fitted[split] = []
        for example in dataset.split(split):
            if example.path in keys:
                key = next(iter(keys[example.path].values()))
                size_wh = features_.entries[key].size_wh
                example, found = mending.fit_or_leave_out(example, size_wh)
                groups.append(found)
            if example:
                fitted[split].append(example)
    return replace(dataset, splits=fitted), mending.each_once(groups)
