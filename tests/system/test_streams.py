"""stdout and stderr closed, of other encodings, and no home folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from midlevel import errors
from midlevel.system import streams

ROOT = Path(__file__).parents[2]
STUB = (  # midlevel, with the backbone that the tests train on
    f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'tests')!r}]\n"
    "from midlevel.__main__ import main\n"
    "import stub; stub.table.BACKBONES.update(stub.SPECS); main()"
)
WITH_KERAS = STUB.replace(
    "stub.table.BACKBONES.update(stub.SPECS)",
    "import pytest; stub.register(pytest.MonkeyPatch())",
)


def call(*arguments, shell="", code=STUB, **environment):
    """What a shell runs: `midlevel` with these arguments, then `shell`."""
    command = ["sh", "-c", f'"$@" {shell}', "sh", sys.executable, "-c", code]
    return subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        env={**os.environ, "PYTHONUTF8": "0", **environment},
    )


@pytest.fixture
def data(tmp_path):
    """A data set with a class and a file that Latin-1 does not know."""
    place = tmp_path / "data"
    photograph = (ROOT / "tests" / "data" / "cat.jpg").read_bytes()
    for name in ("cup", "狐"):
        (place / name).mkdir(parents=True)
        (place / name / "a.jpg").write_bytes(photograph)
        (place / name / "лис.jpg").write_bytes(b"no photograph")
    return place


# === Closed ===


@pytest.mark.parametrize(
    "shell, arguments, code",
    [
        (">&-", "doctor", 0),
        ("2>&-", "doctor", 0),
        ("<&- >&- 2>&-", "doctor", 0),
        (">&- 2>&-", "nonsense", 2),
        (">&-", "--version", 0),
    ],
)
def test_closed_streams_change_nothing_but_what_is_seen(shell, arguments, code):
    done = call(arguments, shell=shell)
    assert done.returncode == code and done.stderr == b""
    assert (done.stdout != b"") == (shell == "2>&-")


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["2>&-", ">&- 2>&-"])
def test_what_libraries_write_to_stderr_is_not_in_the_output(
    trained, toy_voc, tmp_path, shell
):
    output = tmp_path / "out.jsonl"
    done = call(
        *("predict", toy_voc / "JPEGImages", "--model", trained.folder),
        *("--engine", "tensorflow", "--output", output),
        shell=shell,
        code=WITH_KERAS,
    )
    assert done.returncode == 0
    records = [json.loads(line) for line in output.read_bytes().splitlines()]
    assert len(records) == 16


def test_data_for_a_closed_stdout_is_refused_in_one_line(data):
    done = call("check", data, "--json", "-q", shell=">&-")
    assert done.returncode == 2
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("midlevel: stdout: cannot be written: it is closed.")


def test_a_program_without_stdout_is_told_too(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(errors.MidlevelError, match="it is closed"), streams.data():
        pass


# === Encodings ===


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_json_is_utf_8_whatever_the_terminal(data, encoding):
    done = call("check", data, "--json", PYTHONIOENCODING=encoding)
    assert done.returncode == 3 and b"Traceback" not in done.stderr
    found = json.loads(done.stdout.decode("utf-8"))
    assert found["classes"] == ["cup", "狐"] and "狐" in done.stdout.decode("utf-8")
    assert found["problems"][0]["file"].endswith("лис.jpg")


def test_what_people_read_is_in_their_encoding(data):
    done = call("check", data, PYTHONIOENCODING="latin-1")
    assert done.returncode == 3 and b"\\u72d0" in done.stdout


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_records_on_stdout_are_utf_8_whatever_the_terminal(trained, data, form):
    done = call(
        *("predict", data, "--model", trained.folder, "--output", "-"),
        *("--format", form),
        PYTHONIOENCODING="latin-1",
    )
    assert done.returncode == 0, done.stderr
    assert "狐/лис.jpg" in done.stdout.decode("utf-8")


def test_stdout_is_as_it_was_afterwards(capsys):
    before = sys.stdout.encoding, sys.stdout.errors
    sys.stdout.reconfigure(encoding="latin-1", errors="strict")
    with streams.data() as stdout:
        assert stdout.encoding == "utf-8"
    assert (sys.stdout.encoding, sys.stdout.errors) == ("latin-1", "strict")
    sys.stdout.reconfigure(encoding=before[0], errors=before[1])


# === No home folder ===

HOMELESS = (
    "import os, pwd\nos.environ.pop('HOME', None)\n"
    "def unknown(number):\n    raise KeyError(number)\n"
    "pwd.getpwuid = unknown\n"
)


def homeless(place, *arguments, code=STUB, **environment):
    command = [sys.executable, "-c", HOMELESS + code, *map(str, arguments)]
    kept = {k: v for k, v in os.environ.items() if k != "MIDLEVEL_CACHE_DIR"}
    return subprocess.run(
        command,
        cwd=place,
        capture_output=True,
        text=True,
        env={**kept, "KERAS_HOME": str(place / "keras"), **environment},
    )


@pytest.mark.slow
def test_without_a_home_folder_training_says_what_to_set(toy_voc, tmp_path):
    options = ("--set=backbone.name=stub", "-q")
    done = homeless(tmp_path, "train", toy_voc, *options, code=WITH_KERAS)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    line = done.stderr.splitlines()[-1]
    assert line.startswith("midlevel: There is no home folder") and (
        "Set MIDLEVEL_CACHE_DIR" in line
    )


def test_without_a_home_folder_doctor_says_what_to_set(tmp_path):
    done = homeless(tmp_path, "doctor")
    assert done.returncode == 3 and done.stderr == ""
    assert "mend  features" in done.stdout
    assert "-> set MIDLEVEL_CACHE_DIR to another folder" in done.stdout
    done = homeless(tmp_path, "doctor", MIDLEVEL_CACHE_DIR=str(tmp_path))
    assert done.returncode == 0, done.stdout
