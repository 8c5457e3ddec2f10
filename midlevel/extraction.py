"""Fill the feature store: every view of every photograph that is not in it yet."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from midlevel import augment, errors, images, store
from midlevel.features import Extractor
from midlevel.progress import Progress

SAMPLED = 8  # photographs that the estimate of the size looks at
AHEAD = 4  # photographs decoded while the network works; bounds memory


@dataclass(frozen=True)
class Result:
    """What extraction found.

    Attributes:
        keys: for each photograph that could be read, its key in the store by view.
        failures: for each that could not, a line that names it.
    """

    keys: dict[Path, dict[str, str]]
    failures: list[str]


def extract(
    paths: list[Path],
    views: list[str],
    extractor: Extractor,
    features: store.FeatureStore,
    progress: Progress,
    name: str = "features",
) -> Result:
    """Make sure the store holds the features of `views` of the photographs at `paths`.

    Raises:
        errors.MidlevelError: the store cannot be written. What was finished stays.
    """
    keys, failures, missing = _look_up(paths, views, features, progress, name)
    done = sum(map(len, keys.values())) - len(missing)
    if done and not missing:
        progress.say(f"{name}: all {done} are in the store, nothing to do")
    if missing:
        _announce(missing, done, extractor, features, progress, name)
    unreadable, begun = {}, time.monotonic()
    try:
        with progress.task(name, len(missing)) as advance:
            for job, pixels in ahead(missing, _decode):
                if isinstance(pixels, errors.ImageError):
                    unreadable[job[2]] = str(pixels)
                else:
                    size = images.size_wh(pixels)
                    features.add(job[2], size, extractor(pixels))
                advance()
    finally:
        features.flush()
    if missing:
        count, seconds = len(missing) - len(unreadable), time.monotonic() - begun
        progress.say(f"{name}: {count} computed in {seconds:.0f} s")
    failures += _take_out(keys, unreadable)
    return Result(keys, failures)


def ahead(jobs: Iterable, work: Callable, depth: int = AHEAD) -> Iterator[tuple]:
    """`(job, work(job))` in order, `depth` jobs worked on beforehand in threads."""
    with ThreadPoolExecutor(2) as pool:
        waiting = deque()
        for job in jobs:
            waiting.append((job, pool.submit(work, job)))
            if len(waiting) > depth:
                first, future = waiting.popleft()
                yield first, future.result()
        for first, future in waiting:
            yield first, future.result()


def _look_up(paths, views, features, progress, name):
    """Keys by photograph, failures, and the jobs `(path, view, key)` still to do."""
    keys, failures, missing = {}, [], []
    with progress.task(f"reading {name}", len(paths)) as advance:
        for path in dict.fromkeys(paths):
            advance()
            try:
                data = images.read_bytes(path)
            except errors.ImageError as error:
                failures.append(str(error))
                continue
            keys[path] = {view: store.content_key(data, view) for view in views}
            missing += [
                (path, v, k) for v, k in keys[path].items() if k not in features
            ]
    unique = {key: (path, view, key) for path, view, key in missing}
    return keys, failures, list(unique.values())


def _take_out(keys, unreadable) -> list[str]:
    """Take photographs out of `keys` that cannot be decoded, copies of them too."""
    failures = []
    for path, by_view in list(keys.items()):
        why = next((unreadable[k] for k in by_view.values() if k in unreadable), None)
        if why:
            del keys[path]
            is_itself = why.startswith(f"{path}:")
            failures.append(why if is_itself else f"{path}: a copy of {why}")
    return failures


def _decode(job) -> np.ndarray | errors.ImageError:
    path, view, key = job
    try:
        image = images.read(path)
    except errors.ImageError as error:
        return error
    seed = key.partition(":")[0]
    return augment.view(image, np.empty((0, 4)), view, seed)[0]


def _announce(missing, done, extractor, features, progress, name):
    """Say what will be written, judging by a few of the photographs."""
    few = missing[:: max(1, len(missing) // SAMPLED)][:SAMPLED]
    readable = [
        pixels for pixels in map(_decode, few) if isinstance(pixels, np.ndarray)
    ]
    if not readable:
        return
    counts = [len(extractor.plan(images.size_wh(pixels))) for pixels in readable]
    windows = round(np.mean(counts))
    size = windows * extractor.backbone.channels * 2 * len(missing)
    progress.say(
        f"{name}: {len(missing)} to compute, {done} in the store; about {windows} "
        f"windows each, {size / 1e9:.2f} GB in {features.folder}"
    )
    store.check_space(features.folder, size)
