"""What measured: the machine, its versions, and the memory of this process."""

import os
import platform
import resource
import sys
import threading
import time
from pathlib import Path

from midlevel import runs
from midlevel.networks.engines import gpu
from midlevel.networks.engines import machine as judge
from midlevel.system import machine as machine_
from midlevel.system import runtime

PROCESS = Path("/proc/self/status")
EVERY = 0.1  # seconds between two looks at the memory
KEPT = 50  # looks that are kept


def describe() -> dict:
    """Versions, command, processor, cores, GPU; how busy it is before."""
    return {
        **runs.environment(),
        "cpu": cpu_name(),
        "cores": machine_.cores(),
        "bf16": judge.has_bf16(),
        "gpu": gpu_name(),
        "load": [load()],
    }


def done(described: dict) -> dict:
    """`describe` of before, with how busy the machine is afterwards."""
    return {**described, "load": [*described["load"], load()]}


def in_words(found: dict) -> str:
    """`describe` in one line."""
    bf16 = "with" if found["bf16"] else "without"
    gpu_ = f"; {found['gpu']}" if found["gpu"] else ""
    busy = " to ".join(f"{one:.1f}" for one in found["load"])
    return f"{found['cpu']}, {found['cores']} cores, {bf16} bf16{gpu_}; load {busy}"


def cpu_name() -> str:
    """The processor, as the system calls it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor() or platform.machine()


def gpu_name() -> str:
    """The first GPU; empty if TensorFlow can use none."""
    if not gpu.usable():
        return ""
    runtime.load_keras()
    import tensorflow as tf

    first = tf.config.list_physical_devices("GPU")[0]
    return tf.config.experimental.get_device_details(first).get("device_name", "GPU")


def load() -> float:
    """Processes that wanted a core in the last minute: noise, if more than ours."""
    return os.getloadavg()[0]


def resident_mb() -> float:
    """Memory of this process now; 0 where the system does not tell."""
    return _told("VmRSS") or 0.0


def peak_mb() -> float:
    """The most memory that this process had.

    `ru_maxrss` would be the obvious source, but on Linux it begins with the peak of
    the process that started this one.
    """
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return _told("VmHWM") or peak / (1e6 if sys.platform == "darwin" else 1e3)


def gpu_peak_mb() -> float:
    """The most memory of the GPU that TensorFlow used; 0 where it is not loaded."""
    tf = sys.modules.get("tensorflow")
    if tf is None or not tf.config.list_physical_devices("GPU"):
        return 0.0
    return tf.config.experimental.get_memory_info("GPU:0")["peak"] / 1e6


def _told(name: str) -> float | None:
    if not PROCESS.exists():
        return None
    lines = (line.split() for line in PROCESS.read_text().splitlines())
    return next(int(line[1]) * 1024 / 1e6 for line in lines if line[0] == f"{name}:")


class Sampler:
    """Looks at the memory of this process while a block runs.

    Attributes:
        series: `(seconds, MB)`, at most some fifty, evenly.
        end: MB when the block ended.
    """

    def __enter__(self) -> "Sampler":
        self.series, self._over, self._begun = [], threading.Event(), time.monotonic()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.end = resident_mb()
        self._over.set()
        self._thread.join()
        self.series = thinned(self.series, KEPT)

    def _look(self):
        while not self._over.wait(EVERY):
            seconds = round(time.monotonic() - self._begun, 2)
            self.series.append((seconds, round(resident_mb(), 1)))


def thinned(series: list, kept: int) -> list:
    """At most `kept` entries of `series`, evenly, the last among them.

    >>> thinned(list(range(10)), 4)
    [0, 3, 6, 9]
    """
    step = max(1, -(-(len(series) - 1) // max(1, kept - 1)))
    return series[::-1][::step][::-1]
