"""The model of the whole photograph on disk: `whole.npz`, two arrays and no code."""

import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from midlevel import errors
from midlevel.method.whole import WholeModel
from midlevel.system import files

UNREADABLE = (
    *(OSError, ValueError, KeyError, TypeError, EOFError, MemoryError),
    *(NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error),
)
ADVICE = "Restore it, or train again."


def keep(path: Path, model: WholeModel) -> None:
    """Write a model, whole or not at all."""
    with files.whole(path) as waiting:
        np.savez(
            waiting,
            weights=np.asarray(model.weights, np.float32),
            intercepts=np.asarray(model.intercepts, np.float32),
        )


def read(path: Path, shape: tuple[int, int]) -> WholeModel:
    """The model that `keep` wrote; no code in the file is run.

    Args:
        shape: of its weights, `(levels * channels, classes)`.

    Raises:
        errors.MidlevelError: the file is missing, damaged, or of another shape.
    """
    try:
        with path.open("rb") as file:
            weights, intercepts = _arrays(file)
    except FileNotFoundError as error:
        raise errors.MidlevelError(
            f"{path}: is missing, and run.json says that the run has a model of the "
            f"whole photograph. {ADVICE}"
        ) from error
    except UNREADABLE as error:
        why = " ".join(str(error).split())[:300].rstrip(".")
        raise errors.MidlevelError(
            f"{path}: cannot be read as a model of the whole photograph: {why}. "
            f"{ADVICE}"
        ) from error
    _check(path, "weights", weights, shape)
    _check(path, "intercepts", intercepts, shape[1:])
    return WholeModel(weights, intercepts)


def _arrays(file: BinaryIO) -> tuple[np.ndarray, np.ndarray]:
    if not zipfile.is_zipfile(file):  # numpy would take it for a pickle, and say so
        raise zipfile.BadZipFile("it is no archive of arrays")
    file.seek(0)
    with np.load(file, allow_pickle=False) as found:
        return found["weights"], found["intercepts"]


def _check(path: Path, name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    """Refuse what is not float32, of that shape, and finite."""
    if array.dtype != np.float32 or array.shape != shape:
        raise errors.MidlevelError(
            f"{path}: expected {name} float32 {shape}, for the levels, channels and "
            f"classes of the run. Received: {array.dtype} {array.shape}. {ADVICE}"
        )
    if not np.isfinite(array).all():
        raise errors.MidlevelError(
            f"{path}: {name}: expected finite numbers, received others. {ADVICE}"
        )
