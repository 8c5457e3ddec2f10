"""All rows in turns on the same photographs: from files to image scores."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench import child, limits, runners, stopwatch, work
from bench.ways import Way
from midlevel import runs
from midlevel.images import pixels
from midlevel.system.progress import Progress

WINDOWS = 500  # "about 500" for an image (the paper, section 3.2)


@dataclass
class Row:
    """A way, what it has to do, and what each turn measured.

    Attributes:
        windows: of all its photographs together.
        naive_windows: what the naive way has on the same photographs.
        flops: floating-point operations, two for each multiply-add.
        first: seconds of the first pass over its photographs, which is not counted.
        seconds: of each turn.
        stages: of each turn the seconds by stage, in one thread.
    """

    way: Way
    images: int
    windows: int
    naive_windows: int
    flops: float
    first: float = 0.0
    seconds: list[float] = field(default_factory=list)
    stages: list[dict[str, float]] = field(default_factory=list)

    @property
    def is_crops(self) -> bool:
        """Whether the work is in proportion to the windows."""
        return self.way.method != "maps"

    def seconds_of(self, stages: Sequence[str]) -> np.ndarray:
        """Seconds of some stages together, of each turn."""
        return np.array([sum(turn.get(s, 0) for s in stages) for turn in self.stages])


def measure(
    chosen: list[Way],
    run: runs.Run,
    paths: Sequence[Path],
    naive_count: int,
    turns: int,
    progress: Progress,
) -> dict:
    """`rows`, and `limits` in FLOP/s by device and precision.

    Args:
        naive_count: photographs of the ways that cut windows out, which are slow.
    """
    counter = work.Counter(run)
    ready = []
    for way in chosen:
        progress.say(f"preparing {way.name}")
        ready.append(prepare(way, run, given(way, paths, naive_count), counter))
    libraries, rates = limits.find(), []
    for turn in range(turns):
        progress.say(f"turn {turn + 1} of {turns}")
        rates.append(limits.measure(libraries))
        for row, runner, some in ready[:: 1 if turn % 2 == 0 else -1]:
            row.seconds.append(timed(runner, some))
            row.stages.append(dict(runner.watched(some).seconds))
    return conclude([row for row, _, _ in ready], rates)


def given(way: Way, paths: Sequence[Path], naive_count: int) -> Sequence[Path]:
    """The photographs that a way is given."""
    return paths if way.method == "maps" else paths[:naive_count]


def prepare(way: Way, run: runs.Run, paths: Sequence[Path], counter: work.Counter):
    """The way's row, what runs it, warmed up, and its photographs."""
    row = count(way, [pixels.size_wh(pixels.read(path)) for path in paths], counter)
    runner = runners.build(way, run)
    row.first = timed(runner, paths)
    if way.method == "maps":  # where it is done part by part it may use other networks
        runner.watched(paths)
    return row, runner, paths


def count(way: Way, sizes_wh: list[tuple[int, int]], counter: work.Counter) -> Row:
    """The row of a way, not yet measured."""
    own, naive = (
        sum(len(counter.plan(pyramid, size)) for size in sizes_wh)
        for pyramid in (way.pyramid, "paper")
    )
    flops = 2.0 * sum(counter(way, size) for size in sizes_wh)
    return Row(way, len(sizes_wh), own, naive, flops)


def timed(runner, paths: Sequence[Path]) -> float:
    """Seconds for all the photographs."""
    begun = time.perf_counter()
    runner(paths)
    return time.perf_counter() - begun


def conclude(rows: list[Row], rates: list[dict]) -> dict:
    """What the turns say together; medians over turns.

    Args:
        rates: of each turn what `limits.measure` gave.
    """
    best = {  # of the libraries, in each turn
        kind: np.array([max(turn[kind].values()) for turn in rates])
        for kind in rates[0]
    }
    naive = next((row for row in rows if row.way.method == "naive"), None)
    return {
        "rows": [
            figures(row, naive, best[row.way.device, row.way.precision]) for row in rows
        ],
        "limits": [
            {
                "device": device,
                "precision": precision,
                "flops": median(fastest),
                "turns": [turn[device, precision] for turn in rates],
            }
            for (device, precision), fastest in best.items()
        ],
    }


def figures(row: Row, naive: Row | None, limit: np.ndarray) -> dict:
    """The figures of a row.

    Args:
        limit: FLOP/s of the row's device and precision, of each turn.
    """
    seconds, network = np.array(row.seconds), row.seconds_of(stopwatch.NETWORKS)
    alone = row.seconds_of(stopwatch.STAGES)
    ratios = times_naive(row, naive) if naive else {}
    return {
        "name": row.way.name,
        **vars(row.way),
        "images": row.images,
        "windows": row.windows,
        "gflop_per_image": row.flops / row.images / 1e9,
        "seconds_per_image": median(seconds / row.images),
        "images_per_s": median(row.images / seconds),
        "windows_per_s": median(row.windows / seconds),
        **{name: median(of_turns) for name, of_turns in ratios.items()},
        "share_of_limit": median(row.flops / seconds / limit),
        "network_share_of_limit": median(row.flops / network / limit),
        "not_network": median(1 - network / alone),
        "ms_by_stage": {
            stage: median(row.seconds_of([stage]) / row.images * 1e3)
            for stage in stopwatch.STAGES
        },
        "first_seconds_per_image": row.first / row.images,
        "turns": {"seconds": row.seconds, **{k: v.tolist() for k, v in ratios.items()}},
    }


def times_naive(row: Row, naive: Row) -> dict[str, np.ndarray]:
    """How many times as fast as the naive way in the same turn.

    `times_naive_500`: an image of five hundred windows, as the paper has them; for
    ways that cut windows out, the row's own time is that of five hundred too.
    `times_naive`: the same photographs with all windows of the paper's pyramid.
    """
    of_window = np.array(naive.seconds) / naive.windows
    seconds = np.array(row.seconds)
    unit = row.windows / WINDOWS if row.is_crops else row.images
    return {
        "times_naive_500": of_window * WINDOWS / (seconds / unit),
        "times_naive": of_window * row.naive_windows / seconds,
    }


def median(values: np.ndarray) -> float:
    """As a number that JSON knows."""
    return float(np.median(values))


def memory(run: runs.Run, chosen: list[Way], paths, naive_count, progress) -> dict:
    """Peak memory of each way in MB, in a process of its own, by name."""
    peaks = {}
    for way in chosen:
        progress.say(f"memory of {way.name}")
        files = [str(path) for path in given(way, paths, naive_count)]
        found = child.call("one_row", run=str(run.folder), way=vars(way), files=files)
        peaks[way.name] = found
    return peaks


def accuracy(rows: list[dict], measured: dict) -> None:
    """Give each row the mAP of its way in the output of compare_paths.py --json."""
    by_way = {one["way"]: one["mAP"]["area"] for one in measured["ways"]}
    known = {"method", "pyramid", "engine", "precision"}
    for row in rows:
        way = Way(**{name: row[name] for name in known})
        if way.measured_as in by_way:
            row["mAP"] = by_way[way.measured_as]
