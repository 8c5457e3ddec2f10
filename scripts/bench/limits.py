"""The machine's limit: how fast it multiplies matrices, and nothing else."""

import functools
import time
from collections.abc import Callable

import numpy as np

from midlevel.networks import engines
from midlevel.networks.engines import gpu, precisions
from midlevel.system import runtime

SIDE, TIMES = 2048, 5  # of one product on a CPU; products in a measurement
GPU_SIDE, GPU_TIMES = 8192, 20


def find() -> dict[tuple[str, str], list[tuple[str, Callable]]]:
    """Of each device and precision the libraries: a name, and what gives FLOP/s."""
    exact = [("numpy", numpy_rate()), ("OpenVINO", openvino_rate("f32"))]
    found = {("CPU", "f32"): exact}
    if precisions.has_bf16():
        found["CPU", "bf16"] = [("OpenVINO", openvino_rate("bf16"))]
    if gpu.usable():
        for precision in engines.PRECISIONS:
            found["GPU", precision] = [("TensorFlow", tensorflow_rate(precision))]
    return found


def measure(libraries: dict) -> dict[tuple[str, str], dict[str, float]]:
    """FLOP/s of each library now, by device and precision."""
    return {
        kind: {name: rate() for name, rate in some} for kind, some in libraries.items()
    }


def numpy_rate() -> Callable[[], float]:
    """Measures numpy's product of float32 matrices."""
    a, b = np.ones((2, SIDE, SIDE), np.float32)
    return functools.partial(_rate, functools.partial(np.matmul, a, b))


def openvino_rate(precision: str) -> Callable[[], float]:
    """Measures OpenVINO's MatMul with a constant matrix."""
    import openvino as ov
    from openvino import opset13 as ops

    from midlevel.networks.engines import openvino

    matrix = np.ones((SIDE, SIDE), np.float32)
    given = ops.parameter([SIDE, SIDE], ov.Type.f32)
    product = ops.matmul(given, ops.constant(matrix), False, False)
    network = openvino.OpenVINONetwork(ov.Model([product], [given]), precision)
    return functools.partial(_rate, functools.partial(network, matrix))


def _rate(multiply: Callable) -> float:
    multiply()
    begun = time.perf_counter()
    for _ in range(TIMES):
        multiply()
    return 2 * SIDE**3 * TIMES / (time.perf_counter() - begun)


def tensorflow_rate(precision: str) -> Callable[[], float]:
    """Measures TensorFlow's product on the GPU, without copies to and from it.

    f32 is without TensorFloat-32, as in midlevel.
    """
    runtime.load_keras()
    import tensorflow as tf

    kind = {"f32": tf.float32, "bf16": tf.bfloat16, "f16": tf.float16}[precision]
    matrix = tf.random.normal((GPU_SIDE, GPU_SIDE), stddev=GPU_SIDE**-0.5)
    matrix = tf.cast(matrix, kind)  # keeps the size of what it is multiplied with
    multiply = tf.function(lambda x: tf.linalg.matmul(x, matrix))

    def rate() -> float:
        multiply(matrix)[0, 0].numpy()
        result, begun = matrix, time.perf_counter()
        for _ in range(GPU_TIMES):
            result = multiply(result)
        result[0, 0].numpy()  # waits for all of them
        return 2 * GPU_SIDE**3 * GPU_TIMES / (time.perf_counter() - begun)

    return rate
