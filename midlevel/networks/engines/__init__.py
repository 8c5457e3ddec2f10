"""Engines: what runs a frozen network on this machine.

Two of them behind one small interface: OpenVINO (CPU) and TensorFlow (CPU and GPU).
Importing this package imports neither.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from midlevel.networks.engines import gpu, precisions
from midlevel.system import machine

if TYPE_CHECKING:
    import keras
    import numpy as np

Chosen = Literal["openvino", "tensorflow"]
EngineName = Literal["auto", "openvino", "tensorflow"]
Precision = Literal["f32", "bf16", "f16"]
NAMES: tuple[str, ...] = get_args(EngineName)
PRECISIONS = precisions.PRECISIONS
CPU_PIXELS = 200_000  # of one call: more gains nothing and takes memory
GPU_PIXELS = 4_000_000
MOST_STREAMS = 8  # each takes some hundred MB


class Network(Protocol):
    """A frozen network. Several threads may call it at once.

    Attributes:
        fingerprint: what was noted when it was stored; empty if it never was.
    """

    fingerprint: str

    def __call__(self, batch: "np.ndarray") -> "np.ndarray":
        """What the network makes of `(n, ...)`: float32 `(n, ...)`."""


@dataclass(frozen=True)
class Engine:
    """An engine, chosen for this machine.

    Attributes:
        name: `openvino` or `tensorflow`.
        precision: of the arithmetic: `f32`, `bf16` or `f16`.
        device: `CPU` or `GPU`.
        why: what decided, for the user.
    """

    name: Chosen
    precision: str = "f32"
    device: Literal["CPU", "GPU"] = "CPU"
    why: str = ""

    def __str__(self) -> str:
        title = {"openvino": "OpenVINO", "tensorflow": "TensorFlow"}[self.name]
        return f"{title} on the {self.device}, {self.precision} ({self.why})"

    @property
    def streams(self) -> int:
        """Networks that run at a time, each on its share of the cores.

        One core each: the cores of one network wait for each other after every layer.
        """
        return min(machine.cores(), MOST_STREAMS) if self.device == "CPU" else 1

    @property
    def workers(self) -> int:
        """Threads that keep it busy: while one computes, another decodes and writes."""
        return self.streams + 1 if self.device == "CPU" else min(8, machine.cores())

    @property
    def together(self) -> int:
        """Photographs that a worker takes at a time; their windows share the head."""
        return 2 if self.device == "CPU" else 16

    @property
    def pixels(self) -> int:
        """Pixels that one call of a network takes; a larger image goes alone."""
        return CPU_PIXELS if self.device == "CPU" else GPU_PIXELS

    def network(
        self,
        build: "Callable[[], keras.Model]",
        dtype: str,
        stored: Path | None = None,
    ) -> Network:
        """The Keras model that `build` makes, ready to run.

        Args:
            dtype: of what it takes, `uint8` or `float32`.
            stored: the same network as `openvino.save` wrote it; OpenVINO reads this
                where it exists, and `build` is not called.
        """
        if self.name == "tensorflow":
            from midlevel.networks.engines import tensorflow

            return tensorflow.TensorFlowNetwork(build(), dtype, self.precision)
        from midlevel.networks.engines import openvino

        if stored is not None and stored.exists():
            graph = openvino.read(stored)
        else:
            graph = openvino.convert(build(), dtype)
        return openvino.OpenVINONetwork(graph, self.precision, self.streams)


def choose(name: EngineName | str = "auto", precision: str = "f32") -> Engine:
    """The engine to use here; `auto` is TensorFlow with a GPU, else OpenVINO.

    Raises:
        errors.MidlevelError: the engine does not compute in that precision here.
    """
    has_gpu = name != "openvino" and gpu.usable()
    device: Literal["CPU", "GPU"] = "GPU" if has_gpu else "CPU"
    why = "a GPU was found" if has_gpu else "no GPU was found"
    if name != "auto":
        why = "as asked" if name == "openvino" else f"as asked; {why}"
    is_tensorflow = has_gpu if name == "auto" else name == "tensorflow"
    chosen: Chosen = "tensorflow" if is_tensorflow else "openvino"
    precisions.check(chosen, precision, device)
    return Engine(chosen, precision, device, why)
