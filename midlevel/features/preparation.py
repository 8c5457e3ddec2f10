"""From a folder and settings to photographs whose features are in the store."""

from dataclasses import dataclass, replace
from pathlib import Path

from midlevel import datasets, errors
from midlevel.datasets import mending, summary
from midlevel.features import extraction, store
from midlevel.features.extractor import Extractor
from midlevel.system.progress import Progress


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
    extractor: Extractor
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


def prepare(
    dataset: datasets.Dataset,
    views: dict[str, list[str]],
    extractor: Extractor,
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
    summary.say_problems(failures, progress, strict)
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
