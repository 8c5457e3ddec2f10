"""From a folder and settings to photographs whose features are in the store."""

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from midlevel import errors
from midlevel.datasets import Dataset, Example, mending, summary
from midlevel.features import extraction, store
from midlevel.features.extractor import Extractor, Pooled
from midlevel.features.store import FeatureStore
from midlevel.images import augment
from midlevel.method.windows import Plan
from midlevel.settings.config import Config
from midlevel.system.progress import Progress

if TYPE_CHECKING:
    from midlevel.features.trunk_maps import TailMaps


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
        return self._pooled.windows

    @property
    def whole(self) -> np.ndarray:
        """A row for each level, float16 `(levels, channels)`, see `Pooled`."""
        return self._pooled.whole

    @property
    def _pooled(self) -> Pooled:
        rows = self._store.load(self.key)
        return Pooled.of_rows(rows, self._extractor.rows_of_whole)


@dataclass(frozen=True)
class Prepared:
    """Photographs ready to be learned from or scored.

    Attributes:
        dataset: what was read.
        extractor: what made the features.
        store: where they are.
        failures: a line on everything that cannot be used, or only in part.
        maps: of the training photographs at the cut, where a tail learns.
    """

    dataset: Dataset
    extractor: Extractor
    store: FeatureStore
    failures: list[str]
    _keys: dict[Path, dict[str, str]] = field(repr=False)  # by photograph, then view
    maps: "TailMaps | None" = None

    @property
    def left_out(self) -> list[str]:
        """A line on everything that was wrong in the data, used in part or not."""
        return [*map(str, self.dataset.problems), *self.failures]

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

    def views_by_photograph(self, split: str, names: Sequence[str]) -> list[list[View]]:
        """The same, those of a photograph together."""
        readable = self.readable(split)
        return [[self._view(one, name) for name in names] for one in readable]

    def _view(self, example: Example, name: str) -> View:
        key = self._keys[example.path][name]
        entry = self.store.entries[key]
        size_wh, count = (
            entry.size_wh,
            entry.count - self.extractor.rows_of_whole,
        )
        return View(name, size_wh, count, key, example, self.extractor, self.store)


def views_by_split(config: Config, learned: Sequence[str]) -> dict[str, list[str]]:
    """The views of both splits: each has the photographs as they are, to be scored.

    Args:
        learned: the views of the split to learn from.
    """
    views = {config.data.train: list(learned), config.data.val: []}
    for names in views.values():
        if augment.ORIGINAL not in names:
            names.append(augment.ORIGINAL)
    return views


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
    features = FeatureStore(place, extractor.stored_as)
    keys: dict[Path, dict[str, str]] = {}
    failures: list[str] = []
    for split, names in views.items():
        paths = [example.path for example in dataset.split(split)]
        title = f"features of {split}"
        found = extraction.extract(
            paths, list(names), extractor, features, progress, title
        )
        for path, by_view in found.keys.items():
            keys.setdefault(path, {}).update(by_view)
        failures += found.failures
    failures = [summary.left_out(reason) for reason in dict.fromkeys(failures)]

    def size_of(path: Path) -> tuple[int, int] | None:
        key = next(iter(keys.get(path, {}).values()), None)
        return features.entries[key].size_wh if key else None

    dataset, problems = mending.fit_splits(dataset, views, size_of)
    failures += map(str, problems)
    summary.say_problems(failures, progress, strict)
    return Prepared(dataset, extractor, features, failures, keys)
