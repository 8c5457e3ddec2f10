"""Read the arrays of a PyTorch file without PyTorch, and without running its code.

The layout is that of PyTorch before 1.6 (2020): five pickles in a row (a magic number,
a version, the machine, the state, the names of its storages), then each storage as the
number of its values in 8 bytes and the values. Later files are zip archives.
"""

import pickle
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
TYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}


class Place(NamedTuple):
    """Where a tensor lies: in a storage, from its first value."""

    storage: tuple
    first: int
    shape: tuple[int, ...]
    steps: tuple[int, ...]


class Reader(pickle.Unpickler):
    """Knows tensors of numbers and nothing else; no other class is ever looked up."""

    def find_class(self, module: str, name: str) -> Any:
        """One of the four that a file of numbers needs."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, first, shape, steps, *rest: Place(
                storage, first, shape, steps
            )
        if module == "torch" and name in TYPES:
            return name
        raise pickle.UnpicklingError(f"expected tensors alone; found {module}.{name}")

    def persistent_load(self, pid: Any) -> tuple:
        """A storage: `("storage", type, key, device, values, view)`."""
        return pid


def read(path: Path) -> dict[str, np.ndarray]:
    """Every array of the file by its name.

    Raises:
        ValueError: it is not in this layout.
        pickle.UnpicklingError: it holds something besides numbers.
    """
    with open(path, "rb") as file:
        if Reader(file).load() != MAGIC:
            raise ValueError(f"{path}: expected a file of PyTorch before 1.6.")
        Reader(file).load(), Reader(file).load()
        places = Reader(file).load()
        keys = Reader(file).load()
        types = {place.storage[2]: TYPES[place.storage[1]] for place in places.values()}
        storages = {key: values(file, types[key]) for key in keys}
    return {
        name: array(storages[place.storage[2]], place) for name, place in places.items()
    }


def values(file: Any, dtype: str) -> np.ndarray:
    """The storage that begins here."""
    (count,) = struct.unpack("<q", file.read(8))
    return np.frombuffer(file.read(count * np.dtype(dtype).itemsize), dtype)


def array(storage: np.ndarray, place: Place) -> np.ndarray:
    """A tensor of a storage; PyTorch counts steps in values, numpy in bytes."""
    steps = [step * storage.itemsize for step in place.steps]
    view = np.lib.stride_tricks.as_strided(storage[place.first :], place.shape, steps)
    return np.ascontiguousarray(view)
