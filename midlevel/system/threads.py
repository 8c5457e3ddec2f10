"""Work on many things at once, in order, with few of them in memory."""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Job = TypeVar("Job")
Done = TypeVar("Done")


def in_order(
    jobs: Iterable[Job], work: Callable[[Job], Done], workers: int
) -> Iterator[Done]:
    """`work(job)` of each of `jobs`, in their order, done by `workers` threads.

    At most twice as many jobs as workers are under way or wait to be taken, however
    many there are. Numpy, OpenCV and the engines let other threads run meanwhile.
    """
    waiting: deque[Future[Done]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="midlevel")
    try:
        for job in jobs:
            waiting.append(pool.submit(work, job))
            if len(waiting) >= 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def groups(items: Iterable[Job], size: int) -> Iterator[list[Job]]:
    """`items` in lists of `size`; the last may be shorter.

    >>> list(groups("abcde", 2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    items = iter(items)
    while group := list(itertools.islice(items, size)):
        yield group
