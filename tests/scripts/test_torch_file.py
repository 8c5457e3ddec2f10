"""scripts/data/torch_file.py: arrays of PyTorch's files, and none of their code."""

import collections
import importlib.util
import pathlib
import pickle
import struct

import numpy as np
import pytest

PATH = pathlib.Path(__file__).parents[2] / "scripts" / "data" / "torch_file.py"
VALUES = np.arange(6, dtype="<f4")


class FloatStorage:
    """Stands for PyTorch's class of this name."""


@pytest.fixture
def torch_file():
    spec = importlib.util.spec_from_file_location("torch_file", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Tensor:
    """Pickles as PyTorch's tensors do: by a function, and a storage known elsewhere."""

    def __init__(self, function, shape, steps):
        self.function, self.shape, self.steps = function, shape, steps

    def __reduce__(self):
        storage = Storage()
        return self.function, (storage, 0, self.shape, self.steps, False, {})


class Storage:
    pass


class Writer(pickle.Pickler):
    def persistent_id(self, thing):
        if isinstance(thing, Storage):
            return ("storage", FloatStorage, "7", "cpu", len(VALUES), None)
        return None


def _rebuild_tensor_v2(*arguments):
    """Stands for PyTorch's function of this name."""


def write(path, torch_file, state):
    """A file in the old layout; the classes' module is said to be PyTorch's."""
    with open(path, "wb") as file:
        for part in (torch_file.MAGIC, 1001, {}):
            pickle.dump(part, file, protocol=2)
        Writer(file, protocol=2).dump(state)
        pickle.dump(["7"], file, protocol=2)
        file.write(struct.pack("<q", len(VALUES)) + VALUES.tobytes())
    here = __name__.encode()
    content = path.read_bytes()
    for name, module in ((b"FloatStorage", b"torch"), (b"_rebuild", b"torch._utils")):
        content = content.replace(
            b"c" + here + b"\n" + name, b"c" + module + b"\n" + name
        )
    path.write_bytes(content)


def test_arrays_are_read_in_their_own_order(tmp_path, torch_file):
    tensor = Tensor(_rebuild_tensor_v2, (3, 2), (1, 3))  # columns lie together
    state = collections.OrderedDict(weight=tensor)
    write(tmp_path / "a.pth", torch_file, state)
    found = torch_file.read(tmp_path / "a.pth")
    np.testing.assert_array_equal(found["weight"], VALUES.reshape(2, 3).T)


def test_a_file_with_anything_else_runs_nothing(tmp_path, torch_file):
    tensor = Tensor(print, (3, 2), (1, 3))
    write(tmp_path / "a.pth", torch_file, {"weight": tensor})
    with pytest.raises(pickle.UnpicklingError, match="tensors alone; found .*print"):
        torch_file.read(tmp_path / "a.pth")


def test_a_later_layout_is_refused(tmp_path, torch_file):
    (tmp_path / "a.pth").write_bytes(pickle.dumps(1))
    with pytest.raises(ValueError, match="expected a file of PyTorch before 1.6"):
        torch_file.read(tmp_path / "a.pth")
