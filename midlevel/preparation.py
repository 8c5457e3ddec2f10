"""From a folder and settings to photographs whose features are in the store."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from midlevel import datasets, errors, extraction, features, store
from midlevel.config import Config
from midlevel.progress import Progress


@dataclass(frozen=True)
class Prepared:
    """Photographs ready to be learned from or scored.

    Attributes:
        dataset: what was read.
        extractor: what made the features.
        store: where they are.
        keys: of each photograph that could be read, its key in the store by view.
        failures: for each that could not, a line that names it.
    """

    dataset: datasets.Dataset
    extractor: features.Extractor
    store: store.FeatureStore
    keys: dict[Path, dict[str, str]]
    failures: list[str]

    def readable(self, split: str) -> list[datasets.Example]:
        """The examples of a split that could be read.

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
    dataset = datasets.read(data, config.data.classes)
    train, val = config.data.train, config.data.val
    if not dataset.splits.get(val) and drawn:
        dataset = datasets.pick(dataset, drawn)
    elif not dataset.splits.get(val):
        fraction = config.data.val_fraction
        dataset = datasets.hold_out(dataset, train, val, fraction, config.seed)
        progress.say(f"no split {val!r}: a random {fraction:.0%} of {train!r} serves")
    sizes = ", ".join(f"{len(dataset.split(name))} {name}" for name in (train, val))
    progress.say(f"data: {data} ({dataset.format}), photographs: {sizes}")
    progress.say(f"classes, shown in {train} + {val}: {_shown(dataset, train, val)}")
    if dataset.ignored:
        others = ", ".join(f"{name} {n}" for name, n in dataset.ignored.items())
        progress.say(f"boxes of other classes, taken as background: {others}")
    say_left_out(dataset.problems, progress)
    both = {e.path for e in dataset.split(train)} & {e.path for e in dataset.split(val)}
    if both and train != val:
        progress.say(
            f"{len(both)} photographs are in {train!r} and in {val!r}: scores on "
            f"{val!r} will look better than they are"
        )
    return dataset


def _shown(dataset: datasets.Dataset, train: str, val: str) -> str:
    """How many photographs of each split show each class, as `cat 12 + 3, ...`."""
    count = len(dataset.classes)
    learned, measured = (
        np.sum([e.targets(count) == 1 for e in dataset.split(name)], axis=0)
        for name in (train, val)
    )
    rows = zip(dataset.classes, learned, measured, strict=True)
    return ", ".join(f"{name} {n} + {m}" for name, n, m in rows)


def prepare(
    dataset: datasets.Dataset,
    views: dict[str, list[str]],
    extractor: features.Extractor,
    folder: str | Path | None,
    progress: Progress,
) -> Prepared:
    """Compute the features that are not in the store yet.

    Args:
        views: for each split the views of its photographs.
        folder: the store; by default the user's cache.
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
    failures = list(dict.fromkeys(failures))
    say_left_out(failures, progress)
    return Prepared(dataset, extractor, features_, keys, failures)


def say_left_out(lines, progress: Progress):
    """Name each file that could not be used, and count them."""
    for line in lines:
        progress.say(f"left out: {line}")
    if lines:
        progress.say(f"{len(lines)} left out; the rest goes on")
