"""Load what is large or breaks: late, quietly, with a clear word if it is missing."""

import contextlib
import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from types import ModuleType
from typing import cast

from midlevel import errors
from midlevel.system import loading


def load_keras() -> ModuleType:
    """The `keras` module on TensorFlow; imports both on the first call (seconds).

    What else the machine says of Keras' backend, in KERAS_BACKEND or keras.json, is for
    other programs. TensorFloat-32, which GPUs take for float32 without being asked, is
    turned off.

    Raises:
        errors.MissingDependency: TensorFlow is not installed.
        errors.MidlevelError: Keras is loaded already, with another backend.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "tensorflow"
    try:
        with native_messages_kept_back(while_loading="tensorflow"):
            import keras
            import tensorflow  # keras would load it, and less quietly
    except ImportError as error:
        raise errors.MissingDependency(
            f"TensorFlow cannot be imported ({error}). Install it with midlevel: "
            'pip install "midlevel[cpu]", or "midlevel[gpu]" with an NVIDIA GPU.'
        ) from error
    if keras.backend.backend() != "tensorflow":
        raise errors.MidlevelError(
            "midlevel needs Keras on TensorFlow, and Keras is loaded already on "
            f"{keras.backend.backend()}. Set KERAS_BACKEND=tensorflow before Keras is "
            "imported, or use midlevel in a process of its own."
        )
    tensorflow.config.experimental.enable_tensor_float_32_execution(False)
    return keras


def load(module: str, package: str, extra: str = "cpu") -> ModuleType:
    """A module that some work needs and labelling does not.

    Args:
        extra: the extra of midlevel that brings it; empty where none does.

    Raises:
        errors.MissingDependency: it cannot be imported.
    """
    gpu = ', or "midlevel[gpu]" with an NVIDIA GPU' if extra == "cpu" else ""
    how = f'it with midlevel: pip install "midlevel[{extra}]"{gpu}.'
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise errors.MissingDependency(
            f"{package} cannot be imported ({error}). Install "
            f"{how if extra else f'it: pip install {package}.'}"
        ) from error


def load_opencv() -> ModuleType:
    """The `cv2` module.

    Raises:
        errors.MissingDependency: OpenCV cannot be imported, or is hollow: of two
            packages of it, which share a folder, one was removed.
    """
    try:
        import cv2
    except ImportError as error:
        raise errors.MissingDependency(
            f"OpenCV cannot be imported ({error}). `midlevel doctor` says what to do."
        ) from error
    if not hasattr(cv2, "imdecode"):
        raise errors.MissingDependency(
            "OpenCV is hollow: its folder is there, and its code is not. `midlevel "
            "doctor` says what to do."
        )
    return cv2


def load_openvino() -> ModuleType:
    """The `openvino` module, kept from reporting its use.

    OpenVINO sends an event to Google Analytics whenever it is imported, through the
    package `openvino_telemetry`, and does without where that is missing. None in
    `sys.modules` is Python's way of saying that it is.

    Raises:
        errors.MissingDependency: OpenVINO cannot be imported.
    """
    nothing = cast(ModuleType, None)
    sys.modules.setdefault("openvino_telemetry", nothing)
    try:
        import openvino
    except ImportError as error:
        raise errors.MissingDependency(
            f"OpenVINO cannot be imported ({error}). Install it again: pip install "
            "openvino."
        ) from error
    return openvino


@contextlib.contextmanager
def native_messages_kept_back(while_loading: str = "") -> Iterator[None]:
    """Hold back what C++ code prints on stderr while it starts; show it on failure.

    TensorFlow's first lines come before its own log level is obeyed.

    Args:
        while_loading: a module; nothing is held back where it is loaded already.
    """
    if while_loading in sys.modules:
        yield
        return
    if while_loading:
        loading.say(while_loading)
    try:
        kept = os.dup(2)
    except OSError:  # a service has none
        yield
        return
    if sys.stderr is not None:
        sys.stderr.flush()
    with tempfile.TemporaryFile() as buffer:
        os.dup2(buffer.fileno(), 2)
        try:
            yield
        except BaseException:
            buffer.seek(0)
            os.write(kept, buffer.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
