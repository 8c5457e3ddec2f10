"""OpenVINO: a network on the CPU, read from a file without TensorFlow.

A stored network is a pair of files, `.xml` and `.bin`, in OpenVINO's own format; the
`.xml` also holds what midlevel must know of it.
"""

import contextlib
import ctypes
import errno
import functools
import os
import queue
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from midlevel import errors
from midlevel.networks.engines import precisions
from midlevel.system import files, runtime

if TYPE_CHECKING:
    import keras
    import openvino as ov
else:
    ov = runtime.load_openvino()
# Tables that OpenVINO makes at their first use. Two threads that come to one first, at
# once, wait for each other for ever: one has the table's lock, one Python's.
ov.Type.u8.to_dtype()
ov.Tensor(np.zeros(1, np.uint8), shared_memory=True).data  # noqa: B018
# Code that OpenVINO keeps for sizes of images it has seen, in primitives: some eight
# sizes. Its default of 5000 takes half a gigabyte more on a folder of many sizes.
KEPT_PRIMITIVES = 500
TYPES = {"f32": ov.Type.f32, "bf16": ov.Type.bf16}


class OpenVINONetwork:
    """A frozen network that OpenVINO runs on the CPU.

    In a process forked after it was made it is compiled anew at its first call:
    OpenVINO's threads stay behind with the parent, and a call would wait for them.
    """

    def __init__(self, graph: "ov.Model", precision: str = "f32", streams: int = 1):
        """Take a graph.

        Args:
            precision: always said: OpenVINO by itself takes bf16 where a CPU has it,
                and results would depend on the machine.
            streams: calls that run at a time, each on its share of the cores.

        Raises:
            errors.MidlevelError: this machine does not compute in that precision.
        """
        precisions.check("openvino", precision, "CPU")
        self._graph, self._precision, self._streams = graph, precision, streams
        self.fingerprint = _note(graph, "fingerprint")
        self._begin()
        self._here()
        ALIVE.add(self)

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        with self._request() as request:
            batch = np.ascontiguousarray(batch)
            return request.infer([batch], share_inputs=True)[0]

    @contextlib.contextmanager
    def _request(self) -> Iterator["ov.InferRequest"]:
        """A request that no other thread has; there are as many as were needed."""
        try:
            request = self._idle.get_nowait()
        except queue.Empty:
            request = self._here().create_infer_request()
        try:
            yield request
        finally:
            self._idle.put(request)

    def _begin(self) -> None:
        """No request yet, and nothing compiled, in this process."""
        self._compiled: ov.CompiledModel | None = None
        self._idle: queue.SimpleQueue[ov.InferRequest] = queue.SimpleQueue()
        self._one_at_a_time = threading.Lock()

    def _here(self) -> "ov.CompiledModel":
        """The network, compiled in this process."""
        with self._one_at_a_time:
            if self._compiled is None:
                self._compiled = self._compile()
            return self._compiled

    def _compile(self) -> "ov.CompiledModel":
        settings = {
            "INFERENCE_PRECISION_HINT": TYPES[self._precision],
            "NUM_STREAMS": self._streams,
            "CPU_RUNTIME_CACHE_CAPACITY": KEPT_PRIMITIVES,
        }
        compiled = core().compile_model(self._graph, "CPU", settings)
        taken = compiled.get_property("INFERENCE_PRECISION_HINT")
        if taken != TYPES[self._precision]:
            raise errors.MidlevelError(
                f"This CPU computes in {taken.to_string()} where {self._precision} was "
                "asked for. Choose --precision f32."
            )
        return compiled

    def after_fork(self) -> None:
        """In a forked process: leave what was compiled, and begin anew.

        What is left is never freed: its end would wait for the parent's threads.
        """
        while not self._idle.empty():
            _keep_for_ever(self._idle.get_nowait())
        _keep_for_ever(self._compiled)
        self._begin()


ALIVE: weakref.WeakSet[OpenVINONetwork] = weakref.WeakSet()


def _after_fork() -> None:
    for network in list(ALIVE):
        network.after_fork()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_after_fork)


def _keep_for_ever(thing: object) -> None:
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


@functools.cache
def core() -> "ov.Core":
    """OpenVINO's one entrance."""
    return ov.Core()


def convert(model: "keras.Model", dtype: str) -> ov.Model:
    """The Keras model as a graph of OpenVINO, from `dtype` to float32."""
    from midlevel.networks.engines import tensorflow

    return ov.convert_model(tensorflow.freeze(model, dtype).graph)


def save(graph: ov.Model, path: Path, fingerprint: str = ""):
    """Write `path`, an `.xml`, and the `.bin` beside it, each whole or not at all.

    Args:
        fingerprint: of the weights before conversion.

    Raises:
        OSError: they cannot be written.
    """
    # The .xml, which is looked for, gets its name last: it is left last.
    with (
        files.whole(path) as text,
        files.whole(path.with_suffix(".bin")) as weights,
        _as_os_error(path),
    ):
        graph.set_rt_info(fingerprint, ["midlevel", "fingerprint"])
        ov.serialize(graph, text, weights)  # twice: now the weights have a checksum
        graph.set_rt_info(files.digest(weights), ["midlevel", "sha256"])
        ov.serialize(graph, text, weights)


@contextlib.contextmanager
def _as_os_error(path: Path):
    """OpenVINO says only RuntimeError where the disk is full."""
    try:
        yield
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise OSError(errno.EIO, f"cannot be written ({reason})", str(path)) from error


def read(path: Path) -> ov.Model:
    """The graph that `save` wrote.

    Raises:
        errors.MidlevelError: a file is missing or damaged.
    """
    weights = path.with_suffix(".bin")
    if not weights.exists():
        raise errors.MidlevelError(f"{weights}: is missing; {path.name} needs it.")
    try:
        graph = core().read_model(path, weights)
        is_whole = _note(graph, "sha256") == files.digest(weights)
    except (RuntimeError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise errors.MidlevelError(f"{path}: cannot be read: {reason}") from error
    if not is_whole:
        raise errors.MidlevelError(
            f"{weights}: is damaged: its checksum is not the one in {path.name}. "
            f"Restore both files; or delete {path.name}, and every start converts the "
            "Keras weights, which needs TensorFlow."
        )
    return graph


def _note(graph: ov.Model, name: str) -> str:
    place = ["midlevel", name]
    return graph.get_rt_info(place).astype(str) if graph.has_rt_info(place) else ""
