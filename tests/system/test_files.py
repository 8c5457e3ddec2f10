import errno
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from midlevel import errors
from midlevel.system import files


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="power cut"), files.whole(path) as waiting:
        waiting.write_text("ne")
        raise RuntimeError("power cut")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]


def test_what_waits_keeps_the_ending_and_is_found_by_no_pattern(tmp_path):
    with files.whole(tmp_path / "epoch-001.keras") as waiting:
        waiting.write_text("new")
        assert waiting.suffix == ".keras"
        assert not list(tmp_path.glob("epoch-*.keras"))
        assert not (tmp_path / "epoch-001.keras").exists()
    assert os.listdir(tmp_path) == ["epoch-001.keras"]


def test_two_who_write_one_file_do_not_meet(tmp_path):
    path = tmp_path / "a"
    with files.whole(path) as first, files.whole(path) as second:
        assert first != second
        first.write_text("1")
        second.write_text("2")
    assert path.read_text() == "1" and os.listdir(tmp_path) == ["a"]


def test_text_is_utf_8(tmp_path):
    files.write_text(tmp_path / "a", "é")
    assert (tmp_path / "a").read_bytes() == b"\xc3\xa9"


def test_what_nobody_wrote_to_for_an_hour_is_swept_away(tmp_path):
    old = time.time() - files.LEFT_OVER - 1
    for name in (".12-ab-x.npy", ".12-ab-y.json", ".hidden", "x.npy"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (old, old))
    with files.whole(tmp_path / "new.npy") as waiting:
        waiting.touch()
        files.sweep(tmp_path, "*.npy")
        assert waiting.exists()
    assert sorted(os.listdir(tmp_path)) == [".12-ab-y.json", ".hidden", "new.npy"] + [
        "x.npy"
    ]
    files.sweep(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [".hidden", "new.npy", "x.npy"]


# === Errors ===


def test_what_the_system_refuses_is_explained(tmp_path):
    with (
        pytest.raises(errors.MidlevelError, match="here: cannot be written: why. Do."),
        files.explained("here", "Do."),
    ):
        raise OSError(errno.EIO, "why")


def test_a_reader_that_has_gone_is_not(tmp_path):
    with pytest.raises(BrokenPipeError), files.explained("here", "Do."):
        raise BrokenPipeError


# === Locks ===


def test_a_lock_is_for_one_at_a_time_and_leaves_nothing(tmp_path):
    path = tmp_path / "lock"
    with files.locked(path):
        with (
            pytest.raises(errors.MidlevelError, match="another process is writing"),
            files.locked(path),
        ):
            pass
        assert path.exists()
    assert not path.exists()
    with files.locked(path) as is_held:
        assert is_held


def test_who_waits_comes_after(tmp_path):
    path, order = tmp_path / "lock", []

    def second():
        with files.locked(path, wait=True):
            order.append("second")

    with files.locked(path):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.05)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_counting_under_a_lock_many_processes_lose_nothing(tmp_path):
    code = (
        "import pathlib, sys\nfrom midlevel.system import files\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "for _ in range(200):\n"
        "    with files.locked(folder / 'lock', wait=True):\n"
        "        n = int((folder / 'n').read_text())\n"
        "        (folder / 'n').write_text(str(n + 1))\n"
    )
    (tmp_path / "n").write_text("0")
    command = [sys.executable, "-c", code, str(tmp_path)]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert (tmp_path / "n").read_text() == "600"


def test_a_killed_process_holds_nothing(tmp_path):
    code = (
        "import os, pathlib, signal, sys\nfrom midlevel.system import files\n"
        "with files.locked(pathlib.Path(sys.argv[1])):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "lock"
    done = subprocess.run([sys.executable, "-c", code, str(path)])
    assert done.returncode == -signal.SIGKILL and path.exists()
    with files.locked(path) as is_held:
        assert is_held
    assert not path.exists()


def test_a_child_that_was_forked_meanwhile_keeps_no_lock(tmp_path):
    with files.locked(tmp_path / "lock"):
        child = os.fork()
        if not child:
            time.sleep(60)
            os._exit(0)
    try:
        with files.locked(tmp_path / "lock") as is_held:
            assert is_held
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@pytest.mark.parametrize("number", files.NO_LOCKS)
def test_where_a_file_system_knows_no_locks_there_is_none(
    tmp_path, monkeypatch, number
):
    def unknown(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", unknown)
    with files.locked(tmp_path / "lock") as is_held:
        assert not is_held
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_where_nothing_can_be_written_that_is_said(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError), files.locked(tmp_path / "lock"):
        pass


def test_a_place_that_is_no_folder_is_the_systems_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError), files.locked(tmp_path / "file" / "lock"):
        pass
