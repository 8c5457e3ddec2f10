"""Fill the feature store: every view of every photograph that is not in it yet."""

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from midlevel.features import batch, store
from midlevel.features.batch import Failure
from midlevel.images import augment
from midlevel.images.pixels import Photograph
from midlevel.networks.backbones import Backbone
from midlevel.system import threads
from midlevel.system.progress import Progress

SAMPLED = 8  # photographs that the estimate of the size looks at
NO_BOXES = np.empty((0, 4), np.float32)
Row = tuple[tuple[int, int], np.ndarray]  # size_wh, `Pooled.rows`


class HasRows(Protocol):
    """What is stored of a photograph."""

    @property
    def rows(self) -> np.ndarray:
        """A row for each thing that has a vector, `(n, channels)`."""


class RowExtractor(Protocol):
    """What turns photographs into rows, `extractor.Extractor` for one."""

    @property
    def backbone(self) -> Backbone:
        """The network, which says how many photographs go together."""

    @property
    def method(self) -> str:
        """See `Extractor`."""

    @property
    def unit(self) -> str:
        """What most rows are of."""

    @property
    def rows_of_whole(self) -> int:
        """How many rows are of something else; they stand last."""

    def of_bytes(self, data: bytes, name: str | Path) -> Photograph:
        """See `Extractor.of_bytes`."""

    def row_count(self, size_wh: tuple[int, int]) -> int:
        """How many rows a photograph of that size has."""

    def many(self, photographs: Sequence[Photograph]) -> Sequence[HasRows]:
        """The rows of each photograph."""


@dataclass(frozen=True)
class Result:
    """What extraction found.

    Attributes:
        keys: for each photograph that could be read, its key in the store by view.
        failures: for each that could not, a line that names it.
    """

    keys: dict[Path, dict[str, str]]
    failures: list[str]


@dataclass
class Job:
    """A photograph some of whose views are not in the store: their keys by view."""

    path: Path
    views: dict[str, str]


def extract(
    paths: list[Path],
    views: list[str],
    extractor: RowExtractor,
    features: store.FeatureStore,
    progress: Progress,
    name: str = "features",
) -> Result:
    """Make sure the store holds the features of `views` of the photographs at `paths`.

    A photograph is decoded once, whatever the number of its views.

    Raises:
        errors.MidlevelError: the store cannot be written. What was finished stays.
    """
    keys, failures, jobs = _look_up(paths, views, features, progress, name)
    missing = sum(len(job.views) for job in jobs)
    done = sum(map(len, keys.values())) - missing
    if not jobs:
        if done:
            progress.say(f"{name}: all {done} are in the store, nothing to do")
        return Result(keys, failures)
    _announce(jobs, missing, done, extractor, features, progress, name)
    begun = time.monotonic()
    with progress.task(name, missing) as advance:
        unreadable = _fill(jobs, extractor, features, advance)
    count = missing - sum(len(job.views) for job, _ in unreadable)
    progress.say(f"{name}: {count} computed in {time.monotonic() - begun:.0f} s")
    return Result(keys, failures + _take_out(keys, unreadable))


def _fill(
    jobs: list[Job],
    extractor: RowExtractor,
    features: store.FeatureStore,
    advance: Callable[[int], None],
) -> list[tuple[Job, str]]:
    """Compute and store; returns the jobs that could not be read, and why."""
    engine = extractor.backbone.engine
    unreadable: list[tuple[Job, str]] = []
    together = engine.together if extractor.method == "dense" else 1
    work = functools.partial(_compute, extractor=extractor)
    try:
        groups = threads.groups(jobs, together)
        for group in threads.in_order(groups, work, engine.workers):
            for job, found in group:
                advance(len(job.views))
                if isinstance(found, Failure):
                    unreadable.append((job, found.reason))
                    continue
                for key, row in zip(job.views.values(), found, strict=True):
                    features.add(key, *row)
    finally:
        features.flush()
    return unreadable


def _compute(
    jobs: list[Job], extractor: RowExtractor
) -> list[tuple[Job, list[Row] | Failure]]:
    """Each job with the rows of its views, or why there are none."""
    found = [(job, _views(job, extractor)) for job in jobs]
    seen = [views for _, views in found if not isinstance(views, Failure)]
    vectors = iter(extractor.many([view for views in seen for view in views]))
    return [
        (job, views)
        if isinstance(views, Failure)
        else (job, [(view.size_wh, next(vectors).rows) for view in views])
        for job, views in found
    ]


def _views(job: Job, extractor: RowExtractor) -> list[Photograph] | Failure:
    """Each view of a photograph, which is decoded once; or why it cannot be."""
    photograph = batch.read(job.path, extractor.of_bytes)
    if isinstance(photograph, Failure):
        return photograph
    changed = (
        augment.view(photograph.pixels, NO_BOXES, view, store.content_of(key))[0]
        for view, key in job.views.items()
    )
    return [Photograph(pixels, photograph.size_wh) for pixels in changed]


def _look_up(
    paths: list[Path],
    views: list[str],
    features: store.FeatureStore,
    progress: Progress,
    name: str,
) -> tuple[dict[Path, dict[str, str]], list[str], list[Job]]:
    """Keys by photograph, failures, and the jobs still to do."""
    keys: dict[Path, dict[str, str]] = {}
    failures: list[str] = []
    jobs: dict[tuple[str, ...], Job] = {}
    with progress.task(f"reading {name}", len(paths)) as advance:
        for path in dict.fromkeys(paths):
            advance()
            file = batch.opened(path)
            if isinstance(file, Failure):
                failures.append(file.reason)
                continue
            keys[path] = {view: store.content_key(file.data, view) for view in views}
            missing = {v: k for v, k in keys[path].items() if k not in features}
            if missing:  # by key: a copy of a photograph is not computed again
                jobs.setdefault(tuple(missing.values()), Job(path, missing))
    while features.notes:  # on what is damaged, or another version's
        progress.say(features.notes.pop(0))
    return keys, failures, list(jobs.values())


def _take_out(
    keys: dict[Path, dict[str, str]], unreadable: list[tuple[Job, str]]
) -> list[str]:
    """Take photographs out of `keys` that cannot be decoded, copies of them too."""
    reasons = {key: why for job, why in unreadable for key in job.views.values()}
    failures = []
    for path, by_view in list(keys.items()):
        why = next((reasons[k] for k in by_view.values() if k in reasons), None)
        if why:
            del keys[path]
            is_itself = why.startswith(f"{path}:")
            failures.append(why if is_itself else f"{path}: a copy of {why}")
    return failures


def _announce(
    jobs: list[Job],
    missing: int,
    done: int,
    extractor: RowExtractor,
    features: store.FeatureStore,
    progress: Progress,
    name: str,
) -> None:
    """Say what will be written, judging by a few of the photographs."""
    some = jobs[:: max(1, len(jobs) // SAMPLED)][:SAMPLED]
    found = [batch.read(job.path, extractor.of_bytes) for job in some]
    sizes = [one.size_wh for one in found if isinstance(one, Photograph)]
    if not sizes:
        return
    rows = round(np.mean([extractor.row_count(size_wh) for size_wh in sizes]))
    units = rows - extractor.rows_of_whole
    size = rows * extractor.backbone.spec.channels * 2 * missing
    progress.say(
        f"{name}: {missing} to compute, {done} in the store; about {units} "
        f"{extractor.unit} each, {size / 1e9:.2f} GB in {features.folder}"
    )
    store.check_space(features.folder, size)
