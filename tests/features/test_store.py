import errno
import json
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import numpy as np
import platformdirs
import pytest
import steps
from hypothesis import given
from hypothesis import strategies as st

from midlevel import errors
from midlevel.features import chunks, store
from midlevel.features.store import FeatureStore

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


def test_a_full_chunk_is_written_without_being_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "CHUNK_BYTES", 3 * 4 * 2 * 2)  # two images
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


def test_an_interruption_leaves_no_half_chunk(tmp_path, monkeypatch):
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


def index_of(folder):
    (index,) = folder.rglob("*.json")
    return index


def flip(path, place):
    """Turn one bit of a file."""
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)


def opened(folder):
    return FeatureStore(folder, "f" * 64)


@pytest.mark.parametrize(
    "spoil, why",
    [
        (lambda index: index.with_suffix(".npy").unlink(), "npy is missing"),
        (lambda index: index.with_suffix(".npy").write_bytes(b""), "has 0 bytes of"),
        (lambda index: index.write_bytes(index.read_bytes()[:20]), "is no index"),
        (lambda index: index.write_bytes(b""), "is no index"),
        (lambda index: index.write_bytes(b"\xff\x00"), "is no index"),
        (lambda index: index.write_text("[]"), "is no index"),
        (lambda index: index.write_text('{"version": 3}'), "is no index"),
    ],
)
def test_a_chunk_damaged_at_a_glance_is_said_and_gone(tmp_path, spoil, why):
    filled(tmp_path)
    spoil(index_of(tmp_path))
    made = opened(tmp_path)
    assert made.entries == {} and files(tmp_path) == []
    (note,) = made.notes
    assert note.startswith(f"{made.folder}") and why in note
    assert note.endswith("; is deleted and computed again")


@pytest.mark.parametrize("place", [7, 30, 60, 127, 128, 150, -1])
def test_a_flipped_bit_of_features_is_found_when_they_are_first_asked_for(
    tmp_path, place
):
    filled(tmp_path)
    flip(index_of(tmp_path).with_suffix(".npy"), place)
    made = opened(tmp_path)
    assert made.notes == []
    assert "a" not in made and "b" not in made
    (note,) = made.notes
    assert "is damaged (its checksum is another); is deleted" in note
    assert files(tmp_path) == []
    made.add("a", (40, 30), features())
    made.flush()
    np.testing.assert_array_equal(made.load("a"), features())


def test_a_flipped_bit_anywhere_in_an_index_is_found(tmp_path):
    filled(tmp_path)
    index = index_of(tmp_path)
    content, data = index.read_bytes(), index.with_suffix(".npy").read_bytes()
    for place in range(len(content)):
        index.write_bytes(content)
        index.with_suffix(".npy").write_bytes(data)
        flip(index, place)
        made = opened(tmp_path)
        for name in "ab":  # a key that changed is another key
            assert name not in made, content[place:]
        assert made.notes


def test_a_sound_chunk_is_read_once(tmp_path, monkeypatch):
    filled(tmp_path)
    real, calls = chunks.verify, []
    monkeypatch.setattr(chunks, "verify", lambda *a: calls.append(a) or real(*a))
    made = opened(tmp_path)
    assert not calls
    assert all(name in made for name in "abab") and len(calls) == 1
    assert "a" in filled(tmp_path / "other") and len(calls) == 1  # it wrote it


@pytest.mark.parametrize("version", [1, 2, 99])  # 2 has windows alone
def test_a_chunk_of_another_version_is_said_and_left_alone(tmp_path, version):
    filled(tmp_path)
    index = index_of(tmp_path)
    index.write_text(json.dumps({"version": version, "images": 7}))
    made = opened(tmp_path)
    assert made.entries == {} and files(tmp_path) == [".json", ".npy"]
    (note,) = made.notes
    assert f"{made.folder}: {index.stem}.* of another version of midlevel; " in note
    assert "computed again where needed; delete to free 0 MB" in note
    again = filled(tmp_path)
    assert "a" in again and "a" in opened(tmp_path)


def test_a_damaged_chunk_that_another_process_mended_is_taken(tmp_path):
    filled(tmp_path)
    flip(index_of(tmp_path).with_suffix(".npy"), -1)
    late = opened(tmp_path)
    filled(tmp_path)
    filled(tmp_path)
    assert "a" in late and late.notes == []
    np.testing.assert_array_equal(late.load("b"), features(start=10))


# === Several processes ===


@pytest.mark.slow
def test_killed_at_any_step_a_store_is_gone_on_with(tmp_path):
    folders = [tmp_path / str(number) for number in range(60)]
    for folder in folders:
        filled(folder, "a")
    count = steps.kill(
        "import test_store\nimport sys, test_store\n"
        "test_store.filled(test_store.Path(sys.argv[1]), 'bc')",
        folders,
    )
    assert 10 < count < 60
    seen = set()
    for folder in folders[:count]:
        made = opened(folder)
        assert "a" in made and made.notes == []
        seen.add("b" in made)
        assert ("b" in made) == ("c" in made)
        filled(folder, "bc")
        made = opened(folder)
        assert all(name in made for name in "abc")
        assert files(folder) == [".json"] * 2 + [".npy"] * 2
    assert seen == {True, False}


def write_many(folder, numbers):
    made = FeatureStore(Path(folder), "f" * 64)
    for number in numbers:
        made.add(str(number), (40, 30), features(start=number))
        if number % 3 == 0:
            made.flush()
    made.flush()


def test_two_processes_may_write_one_store_at_once(tmp_path):
    code = "import sys; sys.path[:0] = [sys.argv[1], sys.argv[1] + '/..']\n"
    code += "import test_store\n"
    code += "test_store.write_many(sys.argv[2], range(*map(int, sys.argv[3:])))"
    command = [
        sys.executable,
        "-c",
        code,
        str(Path(__file__).parent),
        str(tmp_path),
    ]
    spans = [("0", "60"), ("0", "60"), ("30", "90")]
    processes = [subprocess.Popen([*command, *span]) for span in spans]
    assert [process.wait() for process in processes] == [0, 0, 0]
    made = opened(tmp_path)
    for number in range(90):
        assert str(number) in made
        np.testing.assert_array_equal(made.load(str(number)), features(start=number))
    assert made.notes == [] and not list(made.folder.glob(".*"))


def test_what_a_killed_process_left_is_taken_away_by_the_next_that_writes(tmp_path):
    folder = opened(tmp_path).folder
    (folder / ".12-0a1b2c3d-e.npy").touch()
    (folder / "e.npy").touch()  # its .json was still to come
    opened(tmp_path)
    assert len(list(folder.iterdir())) == 2  # who only reads changes nothing
    filled(tmp_path)
    assert files(tmp_path) == [".json", ".npy"]


def test_a_store_that_holds_everything_is_only_read(tmp_path, monkeypatch):
    filled(tmp_path)

    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    for name in ("whole", "locked", "sweep"):
        monkeypatch.setattr(store.files, name, refuse)
    made = opened(tmp_path)
    assert "a" in made
    np.testing.assert_array_equal(made.load("a"), features())
    flip(index_of(tmp_path).with_suffix(".npy"), -1)
    made = opened(tmp_path)
    assert "a" not in made and "is another); is computed again" in made.notes[0]
    made.add("a", (40, 30), features())
    with pytest.raises(errors.MidlevelError, match="Read-only .* Set features"):
        made.flush()


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


def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    tmp_path, monkeypatch
):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(store.tempfile, "TemporaryFile", refuse)
    with pytest.raises(errors.MidlevelError, match="Read-only .* Set features.store"):
        store.check_space(tmp_path, 1)


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


def test_what_another_process_is_writing_is_not_read(tmp_path):
    made = FeatureStore(tmp_path, "f")
    (made.folder / ".123-a.json").write_text("not yet whole")
    assert FeatureStore(tmp_path, "f").entries == {}
