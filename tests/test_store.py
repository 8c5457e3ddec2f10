import errno
import json
import os
import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midlevel import errors, store
from midlevel.store import FeatureStore

Usage = namedtuple("Usage", "total used free")


def features(rows=3, start=0):
    return (np.arange(rows * 4).reshape(rows, 4) + start).astype(np.float32)


def filled(folder, names="ab"):
    """A store with three rows for each name, written."""
    made = FeatureStore(folder, "f" * 64)
    for i, name in enumerate(names):
        made.add(name, (40 + i, 30), features(start=10 * i))
    made.flush()
    return made


def files(folder):
    return sorted(path.suffix for path in folder.rglob("*") if path.is_file())


# === Round trips ===


@pytest.mark.parametrize("again", [False, True])
def test_features_come_back_as_they_went_in(tmp_path, again):
    made = filled(tmp_path)
    if again:
        made = FeatureStore(tmp_path, "f" * 64)
    for i, name in enumerate("ab"):
        assert name in made and made.entries[name].size_wh == (40 + i, 30)
        np.testing.assert_array_equal(made.load(name), features(start=10 * i))
    assert made.load("a").dtype == np.float16
    assert "c" not in made


@given(st.lists(st.floats(width=16, allow_nan=False), min_size=4, max_size=4))
def test_half_precision_numbers_are_kept_and_larger_ones_limited(values):
    folder = Path(os.environ["MIDLEVEL_CACHE_DIR"])
    made = FeatureStore(folder, "f")
    key = f"{len(list(folder.rglob('*.npy')))}"
    made.add(key, (1, 1), np.array([values]))
    made.flush()
    limited = np.clip(values, -store.FLOAT16_MAX, store.FLOAT16_MAX)
    np.testing.assert_array_equal(made.load(key)[0], limited)


def test_too_large_numbers_become_the_largest(tmp_path):
    made = FeatureStore(tmp_path, "f")
    made.add("a", (1, 1), np.array([[1e9, -1e9, np.inf, 1]], np.float32))
    made.flush()
    most = store.FLOAT16_MAX
    assert made.load("a").tolist() == [[most, -most, most, 1]]


@pytest.mark.parametrize("names", ["a", "aa"])
def test_the_same_features_added_twice_are_there_once(tmp_path, names):
    made = FeatureStore(tmp_path, "f" * 64)
    for _ in range(2 if names == "a" else 1):
        for name in names:
            made.add(name, (40, 30), features())
        made.flush()
    assert files(tmp_path) == [".json", ".npy"]
    np.testing.assert_array_equal(made.load("a"), features())
    assert list(FeatureStore(tmp_path, "f" * 64).entries) == ["a"]


def test_flushing_nothing_writes_nothing(tmp_path):
    FeatureStore(tmp_path, "f").flush()
    assert files(tmp_path) == []


def test_a_full_shard_is_written_without_being_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "SHARD_BYTES", 3 * 4 * 2 * 2)  # two images
    made = FeatureStore(tmp_path, "f")
    for name in "abc":
        made.add(name, (1, 1), features())
    assert list(made.entries) == ["a", "b"]
    made.flush()
    assert sorted(FeatureStore(tmp_path, "f").entries) == ["a", "b", "c"]
    assert files(tmp_path) == [".json"] * 2 + [".npy"] * 2


def test_other_fingerprints_are_other_stores(tmp_path):
    filled(tmp_path)
    assert "a" not in FeatureStore(tmp_path, "e" * 64)


# === What is half there is not there ===


def test_features_are_not_there_before_they_are_written(tmp_path):
    made = FeatureStore(tmp_path, "f")
    made.add("a", (1, 1), features())
    assert "a" not in made and "a" not in FeatureStore(tmp_path, "f")


def test_an_interruption_leaves_no_half_shard(tmp_path, monkeypatch):
    made = FeatureStore(tmp_path, "f")
    made.add("a", (1, 1), features())
    real = store.files.write_text

    def interrupt(path, text):
        raise KeyboardInterrupt

    monkeypatch.setattr(store.files, "write_text", interrupt)
    with pytest.raises(KeyboardInterrupt):
        made.flush()
    again = FeatureStore(tmp_path, "f")
    assert "a" not in again

    monkeypatch.setattr(store.files, "write_text", real)
    again.add("a", (1, 1), features(start=5))
    again.flush()
    np.testing.assert_array_equal(again.load("a"), features(start=5))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda index: index.with_suffix(".npy").unlink(),
        lambda index: index.write_bytes(index.read_bytes()[:20]),
        lambda index: index.write_bytes(b""),
        lambda index: index.write_bytes(b"\xff\x00"),
        lambda index: index.write_text(json.dumps({"version": 99, "images": []})),
    ],
    ids=["features gone", "index cut", "index empty", "index noise", "other version"],
)
def test_a_damaged_shard_is_computed_again(tmp_path, spoil):
    filled(tmp_path)
    (index,) = tmp_path.rglob("*.json")
    spoil(index)
    assert FeatureStore(tmp_path, "f" * 64).entries == {}


# === Places and errors ===


def test_the_default_folder_is_named_by_the_environment(monkeypatch):
    monkeypatch.setenv("MIDLEVEL_CACHE_DIR", "/somewhere")
    assert store.default_folder() == Path("/somewhere/features")
    monkeypatch.delenv("MIDLEVEL_CACHE_DIR")
    assert platformdirs.user_cache_dir("midlevel") in str(store.default_folder())


def test_a_key_depends_on_content_and_view():
    keys = {store.content_key(d, v) for d in (b"a", b"b") for v in ("x", "y")}
    assert len(keys) == 4 and store.content_key(b"a", "x") in keys


def test_too_little_space_is_refused_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 1_000_000_000))
    store.check_space(tmp_path / "not" / "there", 900_000_000)
    message = r"need 1\.0 GB, 1\.0 GB are free\. Set features\.store or .* fewer views"
    with pytest.raises(errors.MidlevelError, match=message):
        store.check_space(tmp_path / "not" / "there", 960_000_000)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "Permission denied"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError("800 requested and 4 written"), "800 requested and 4 written"),
    ],
)
def test_a_store_that_cannot_be_written_says_what_to_do(
    tmp_path, monkeypatch, error, why
):
    made = FeatureStore(tmp_path, "f")
    made.add("a", (1, 1), features())

    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(np, "save", refuse)
    with pytest.raises(
        errors.MidlevelError, match=f"written: {why}. Set features.store"
    ):
        made.flush()
    monkeypatch.undo()
    made.flush()  # nothing was lost
    assert "a" in made and files(tmp_path) == [".json", ".npy"]


def test_a_folder_that_cannot_be_made_says_what_to_do(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(errors.MidlevelError, match="file/f: cannot be written"):
        FeatureStore(tmp_path / "file", "f")


@pytest.mark.parametrize("damage", [b"", b"junk", b"\x93NUMPY\x01\x00"])
def test_a_damaged_shard_is_as_if_it_were_not_there(tmp_path, damage):
    made = FeatureStore(tmp_path, "f")
    made.add("a", (1, 1), features())
    made.flush()
    next(tmp_path.rglob("*.npy")).write_bytes(damage)
    assert "a" not in FeatureStore(tmp_path, "f")


@pytest.mark.parametrize("text", ["[]", '{"version": 1}', "{"])
def test_a_damaged_index_is_as_if_it_were_not_there(tmp_path, text):
    made = FeatureStore(tmp_path, "f")
    made.add("a", (1, 1), features())
    made.flush()
    next(tmp_path.rglob("*.json")).write_text(text)
    assert "a" not in FeatureStore(tmp_path, "f")


def test_what_another_process_is_writing_is_not_read(tmp_path):
    made = FeatureStore(tmp_path, "f")
    (made.folder / ".123-a.json").write_text("not yet whole")
    assert FeatureStore(tmp_path, "f").entries == {}
