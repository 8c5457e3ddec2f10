"""Weights of a backbone: load a file, verify it, fill at random, fingerprint."""

import hashlib
import math
import textwrap
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from midlevel import errors
from midlevel.system import files

if TYPE_CHECKING:
    import keras

SUFFIXES = (".weights.h5", ".h5")  # Keras 3's layout, and that of keras.applications


def load(model: "keras.Model", path: str | Path) -> None:
    """Fill `model` from a Keras weights file: HDF5 arrays, no pickle, any float type.

    Raises `MidlevelError` if there is no such file, or it is not of this network.
    """
    path = Path(path)
    if not path.name.endswith(SUFFIXES):
        raise errors.MidlevelError(
            f"A weights file must end in one of {', '.join(SUFFIXES)}. Received: {path}"
        )
    if not path.is_file():
        raise errors.MidlevelError(f"There is no weights file {path}.")

    try:
        with warnings.catch_warnings():
            # Said some eighty times of a wrong file, before the error that counts.
            warnings.filterwarnings("ignore", message="Skipping nested container")
            model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise errors.MidlevelError(
            f"The weights file {path} does not fit {model.name}. Pass a file saved "
            "from the same backbone by model.save_weights(). Keras says: "
            + textwrap.shorten(str(error), 300)
        ) from error


def verify(path: Path, expected: str) -> None:
    """Raise `MidlevelError` unless the file's SHA-256 is `expected` (hexadecimal)."""
    if not path.is_file():
        raise errors.MidlevelError(
            f"The packaged weights file {path} is missing: reinstall midlevel."
        )
    received = files.digest(path)
    if received != expected:
        raise errors.MidlevelError(
            f"The packaged weights file {path} is damaged: reinstall midlevel, and in "
            "a git checkout restore the file. "
            f"Expected SHA-256 {expected}. Received: {received}"
        )


def randomise(model: "keras.Model", seed: int = 0) -> None:
    """Fill every kernel with He-normal noise, the same numbers on every call.

    Biases and normalisation keep their initial values. Source: He et al., ICCV 2015,
    section 2.2: standard deviation sqrt(2 / fan in) keeps ReLU maps at one scale.
    """
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if len(weight.shape) > 1:
            noise = rng.standard_normal(weight.shape, dtype=np.float32)
            weight.assign(noise * math.sqrt(2 / fan_in(weight.shape)))


def fan_in(shape: tuple[int, ...]) -> int:
    """Inputs of one output unit. Depthwise kernels, `(k, k, channels, 1)`, see k * k.

    >>> fan_in((3, 3, 64, 128)), fan_in((3, 3, 64, 1))
    (576, 9)
    """
    return math.prod(shape[:-2]) if shape[-1] == 1 else math.prod(shape[:-1])


def fingerprint(model: "keras.Model", name: str) -> str:
    """SHA-256 (hexadecimal) of `name` and of every weight's bytes, in order."""
    digest = hashlib.sha256(name.encode())
    for weight in model.weights:
        digest.update(np.ascontiguousarray(weight.numpy()).data)
    return digest.hexdigest()
