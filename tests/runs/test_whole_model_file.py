import io

import numpy as np
import pytest

from midlevel import errors
from midlevel.method.whole import WholeModel
from midlevel.runs import whole_model_file

MODEL = WholeModel(
    np.arange(8, dtype=np.float32).reshape(4, 2), np.array([1, -1], np.float32)
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "whole.npz"
    whole_model_file.keep(path, MODEL)
    return path


def test_a_model_comes_back_as_it_was_kept(path):
    found = whole_model_file.read(path, (4, 2))
    np.testing.assert_array_equal(found.weights, MODEL.weights)
    np.testing.assert_array_equal(found.intercepts, MODEL.intercepts)
    assert found.weights.dtype == found.intercepts.dtype == np.float32
    assert found.fingerprint == MODEL.fingerprint
    assert [file.name for file in path.parent.iterdir()] == ["whole.npz"]


def test_the_same_model_is_the_same_file(path):
    before = path.read_bytes()
    whole_model_file.keep(path, MODEL)
    assert path.read_bytes() == before


def test_what_cannot_be_written_leaves_what_was_there(path, monkeypatch):
    before = path.read_bytes()

    def full(file, **arrays):
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match="No space"):
        whole_model_file.keep(path, MODEL)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["whole.npz"]


def test_a_missing_file_is_told(path):
    path.unlink()
    message = f"{path}: is missing, and run.json says .* Restore it, or train again"
    with pytest.raises(errors.MidlevelError, match=message):
        whole_model_file.read(path, (4, 2))


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(npy()),
        lambda path: path.write_bytes(b"no archive"),
        lambda path: path.write_bytes(path.read_bytes()[:-40]),
        lambda path: path.write_bytes(flipped(path.read_bytes(), 150)),
        lambda path: np.savez(path, weights=MODEL.weights),
        lambda path: np.savez(path, weights=np.array([{}]), intercepts=np.zeros(2)),
    ],
)
def test_a_damaged_file_is_told(path, damage):
    damage(path)
    message = f"{path}: cannot be read as a model of the whole photograph: "
    with pytest.raises(errors.MidlevelError, match=message):
        whole_model_file.read(path, (4, 2))


def npy():
    """An array alone, as numpy writes it."""
    file = io.BytesIO()
    np.save(file, MODEL.weights)
    return file.getvalue()


def flipped(data, at):
    """With one byte another."""
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


@pytest.mark.parametrize("shape", [(6, 2), (4, 3), (2, 4)])
def test_a_model_of_other_levels_or_classes_is_told(path, shape):
    message = r"expected weights float32 \(.*Received: float32 \(4, 2\)"
    with pytest.raises(errors.MidlevelError, match=message):
        whole_model_file.read(path, shape)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("intercepts", np.zeros(3, np.float32), r"intercepts float32 \(2,\).*\(3,\)"),
        ("weights", np.zeros((4, 2)), r"Received: float64 \(4, 2\)"),
        ("weights", np.full((4, 2), np.nan, np.float32), "weights: expected finite"),
    ],
)
def test_arrays_that_are_none_of_a_model_are_told(path, name, array, message):
    arrays = {"weights": MODEL.weights, "intercepts": MODEL.intercepts, name: array}
    np.savez(path, **arrays)
    with pytest.raises(errors.MidlevelError, match=message):
        whole_model_file.read(path, (4, 2))
