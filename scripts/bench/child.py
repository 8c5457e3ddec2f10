"""Tasks in a process of their own: so that memory is theirs, and a GPU free again."""

import itertools
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import machine, runners
from bench.ways import Way
from midlevel import errors, runs
from midlevel.images import sources
from midlevel.prediction import predict
from midlevel.system.progress import Progress

WARM = 8  # photographs before the time and the memory count


def call(task: str, **arguments) -> dict:
    """What one of `TASKS` gives, done in a new process.

    Raises:
        errors.MidlevelError: it failed.
    """
    command = [sys.executable, str(Path(__file__).parent), "child", task]
    done = subprocess.run(
        command, input=json.dumps(arguments), capture_output=True, text=True
    )
    if done.returncode:
        told = done.stderr.strip().splitlines()[-3:]
        raise errors.MidlevelError(f"{task} failed: {' '.join(told)}")
    return json.loads(done.stdout.splitlines()[-1])


def prepare(folder: str, backbone: str, classes: int) -> dict:
    """A run to load, see `runners.prepare`."""
    runners.prepare(Path(folder), backbone, classes)
    return {}


def one_row(run: str, way: dict, files: list[str]) -> dict:
    """A way once over the photographs: its peak memory."""
    runner = runners.build(Way(**way), runs.Run(run))
    before = machine.resident_mb()
    runner([Path(file) for file in files])
    peak, gpu = machine.peak_mb(), machine.gpu_peak_mb()
    return {"peak_mb": peak, "before_mb": before, "gpu_peak_mb": gpu}


def many(run: str, pyramid: str, folder: str, count: int) -> dict:
    """`prediction.predict` of `count` photographs, those of `folder` again and again.

    Returns:
        `seconds` and memory in MB: `before`, `end`, `peak`, `series`.
    """
    started, model = time.perf_counter(), runners.load(runs.Run(run), pyramid)
    paths = list(itertools.islice(itertools.cycle(sources.find(folder)), count))
    list(model.stream(paths[:WARM]))
    begun, before = time.perf_counter(), machine.resident_mb()
    with tempfile.TemporaryDirectory() as place, machine.Sampler() as sampler:
        output = Path(place, "records.jsonl")
        done = predict.predict(model, paths, output, progress=Progress(quiet=True))
    return {
        "engine": str(model.extractor.backbone.engine),
        "images": count,
        "failed": done.failed,
        "seconds": time.perf_counter() - begun,
        "start_seconds": begun - started,
        "before_mb": before,
        "end_mb": sampler.end,
        "peak_mb": machine.peak_mb(),
        "series": sampler.series,
    }


TASKS = {"prepare": prepare, "one_row": one_row, "many": many}
