import os
import subprocess
import sys

import pytest

from midlevel import errors
from midlevel.system import runtime

# Ends with 9 where anything looks for a host, and as on a machine that is no CI server.
WATCHED = """
import os, socket, sys, time
os.environ["HOME"] = {home!r}
for name in ("CI", "TF_BUILD", "JENKINS_URL"):
    os.environ.pop(name, None)
socket.getaddrinfo = lambda *_, **__: os._exit(9)
{load}
time.sleep(0.5)
sys.exit(0)
"""


def watched(load, home):
    code = WATCHED.format(load=load, home=str(home))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_openvino_is_kept_from_reporting_its_use(tmp_path):
    load = "from midlevel.system import runtime; runtime.load_openvino().Core()"
    done = watched(load, tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []  # nor does it write down who this is


@pytest.mark.parametrize(
    "package, load, message",
    [
        ("openvino", runtime.load_openvino, "OpenVINO .*pip install openvino"),
        ("keras", runtime.load_keras, r'TensorFlow .*pip install "midlevel\[cpu\]"'),
        ("tensorflow", runtime.load_keras, "TensorFlow cannot be imported"),
    ],
)
def test_what_is_not_installed_is_named_with_the_way_to_it(
    monkeypatch, package, load, message
):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(errors.MissingDependency, match=message):
        load()


@pytest.mark.tf
def test_keras_loaded_on_something_else_is_refused_in_one_line(monkeypatch):
    keras = runtime.load_keras()
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(errors.MidlevelError, match="loaded already on jax") as caught:
        runtime.load_keras()
    assert "KERAS_BACKEND=tensorflow" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_a_backend_left_set_for_others_is_of_no_concern(backend):
    load = "from midlevel.system import runtime; keras = runtime.load_keras()"
    code = f"{load}; assert keras.backend.backend() == 'tensorflow'"
    env = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env
    )
    assert done.returncode == 0, done.stderr


LOADING = (
    "import click, sys\nfrom midlevel.commands import exits, options\n"
    "group = exits.Commands()\n"
    "@group.command()\n@options.json_option\n@options.quiet_option\n"
    "def load(as_json, quiet):\n"
    "    from midlevel.system import runtime\n"
    "    for _ in range(2):\n"
    "        with runtime.native_messages_kept_back(while_loading='tensorflow'):\n"
    "            sys.modules.setdefault('tensorflow', click)\n"
    "group()"
)


@pytest.mark.parametrize(
    "options, said",
    [([], "loading TensorFlow ...\n"), (["-q"], ""), (["--json"], "")],
)
def test_a_command_says_once_that_tensorflow_is_loaded(options, said):
    command = [sys.executable, "-c", LOADING, "load", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", said)


def test_nobody_is_told_who_did_not_ask(capfd):
    with runtime.native_messages_kept_back(while_loading="nothing"):
        pass
    assert capfd.readouterr() == ("", "")
