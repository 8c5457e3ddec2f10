"""From a folder and settings to photographs whose features are in the store."""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from midlevel import errors
from midlevel.datasets import Dataset, Example, Problem, mending, summary
from midlevel.features import extraction, store
from midlevel.features.extractor import Extractor
from midlevel.features.store import FeatureStore
from midlevel.images import augment
from midlevel.method.windows import Plan
from midlevel.system.progress import Progress


@dataclass(frozen=True)
class View:
    """One view of a photograph, with its features in the store.

    Attributes:
        name: one that `augment.view` knows.
        size_wh: the photograph, in pixels.
        count: how many windows it has.
        key: identifies the view by what the photograph's file holds.
    """

    name: str
    size_wh: tuple[int, int]
    count: int
    key: str
    _unmoved: Example
    _extractor: Extractor = field(repr=False)
    _store: FeatureStore = field(repr=False)

    @functools.cached_property
    def example(self) -> Example:
        """The photograph; its boxes are in pixels, where the view shows them."""
        before, content = self._unmoved, store.content_of(self.key)
        boxes = augment.move_boxes(self.size_wh, before.boxes, self.name, content)
        return replace(before, boxes=boxes)

    @property
    def plan(self) -> Plan:
        """The windows."""
        return self._extractor.plan(self.size_wh)

    @property
    def features(self) -> np.ndarray:
        """A row for each window, float16 `(n, channels)`, from disk when touched."""
        return self._store.load(self.key)


@dataclass(frozen=True)
class Prepared:
    """Photographs ready to be learned from or scored.

    Attributes:
        dataset: what was read.
        extractor: what made the features.
        store: where they are.
        failures: a line on everything that cannot be used, or only in part.
    """

    dataset: Dataset
    extractor: Extractor
    store: FeatureStore
    failures: list[str]
    _keys: dict[Path, dict[str, str]] = field(repr=False)  # by photograph, then view

    def readable(self, split: str) -> list[Example]:
        """The examples of a split that can be used, their boxes in pixels.

        Raises:
            errors.DataError: there is none.
        """
        examples = [e for e in self.dataset.split(split) if e.path in self._keys]
        if not examples:
            raise errors.DataError(
                f"{self.dataset.folder}: no photograph of split {split!r} can be read."
            )
        return examples

    def views(self, split: str, names: Sequence[str]) -> Iterator[View]:
        """The views of the photographs of a split that can be used, in their order.

        Args:
            names: of views, among those that were prepared for the split.

        Raises:
            errors.DataError: no photograph can be used.
        """
        for example in self.readable(split):
            for name in names:
                yield self._view(example, name)

    def _view(self, example: Example, name: str) -> View:
        key = self._keys[example.path][name]
        entry = self.store.entries[key]
        size_wh, count = entry.size_wh, entry.count
        return View(name, size_wh, count, key, example, self.extractor, self.store)


def prepare(
    dataset: Dataset,
    views: Mapping[str, Sequence[str]],
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
    features_ = FeatureStore(place, extractor.stored_as)
    keys: dict[Path, dict[str, str]] = {}
    failures: list[str] = []
    for split, names in views.items():
        paths = [example.path for example in dataset.split(split)]
        title = f"features of {split}"
        found = extraction.extract(
            paths, list(names), extractor, features_, progress, title
        )
        for path, by_view in found.keys.items():
            keys.setdefault(path, {}).update(by_view)
        failures += found.failures
    failures = [f"{line.rstrip('.')}: left out" for line in dict.fromkeys(failures)]
    dataset, problems = _fitted(dataset, views, keys, features_)
    failures += map(str, problems)
    summary.say_problems(failures, progress, strict)
    return Prepared(dataset, extractor, features_, failures, keys)


def _fitted(
    dataset: Dataset,
    splits: Iterable[str],
    keys: Mapping[Path, Mapping[str, str]],
    features_: FeatureStore,
) -> tuple[Dataset, list[Problem]]:
    """`dataset` with boxes in pixels of its photographs, and what had to be mended."""
    fitted, groups = dict(dataset.splits), []
    for split in splits:
        rows: list[Example | None] = []
        for example in dataset.split(split):
            if example.path not in keys:
                rows.append(example)
                continue
            key = next(iter(keys[example.path].values()))
            size_wh = features_.entries[key].size_wh
            better, found = mending.fit_or_leave_out(example, size_wh)
            rows.append(better)
            groups.append(found)
        fitted[split] = [row for row in rows if row]
    return replace(dataset, splits=fitted), mending.each_once(groups)
