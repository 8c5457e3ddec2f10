"""Is there a GPU? Asked of the driver first: importing TensorFlow takes seconds."""

import ctypes
import functools
import importlib.util

from midlevel.system import runtime


@functools.cache
def usable() -> bool:
    """Whether TensorFlow is installed and can use a GPU.

    CUDA_VISIBLE_DEVICES counts. TensorFlow is imported only where the driver has one.
    """
    if importlib.util.find_spec("tensorflow") is None or not driver_has_one():
        return False
    runtime.load_keras()
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def driver_has_one() -> bool:
    """Whether NVIDIA's driver is there and shows this process a GPU."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    # CUDA's driver interface: both return 0 for success.
    fine = driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0
    return fine and count.value > 0
