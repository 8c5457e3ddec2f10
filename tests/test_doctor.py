import dataclasses
import importlib.util
import json
import os
import subprocess
import sys
from importlib import metadata
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from midlevel import doctor, errors
from midlevel.commands.cli import cli
from midlevel.doctor import FINE, MEND, NOTE
from midlevel.features import store
from midlevel.networks.backbones import table
from midlevel.networks.engines import gpu
from midlevel.system import machine


def called(*arguments):
    return CliRunner().invoke(cli, ["doctor", *arguments])


@pytest.fixture
def without(monkeypatch):
    """Makes packages look as if they were not installed."""
    find, version = importlib.util.find_spec, metadata.version

    def hide(*names):
        def hidden_version(name):
            if name in names:
                raise metadata.PackageNotFoundError(name)
            return version(name)

        hidden = lambda name, *more: None if name in names else find(name, *more)  # noqa: E731
        monkeypatch.setattr(importlib.util, "find_spec", hidden)
        monkeypatch.setattr(metadata, "version", hidden_version)

    return hide


# === All of it ===


def test_here_all_is_well_and_json_says_the_same():
    done = called()
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith("\n\nAll is well.\n") and done.stderr == ""
    names = {line.split()[1] for line in done.stdout.splitlines()[:-2]}
    assert {"midlevel", "OpenCV", "OpenVINO", "TensorFlow", "engine", "HEIC"} <= names
    found = json.loads(called("--json").stdout)
    assert (found["schema"], found["well"]) == ("midlevel-doctor/1", True)
    findings = [doctor.Finding(**row) for row in found["findings"]]
    assert findings == doctor.examine()
    assert {finding.state for finding in findings} <= {FINE, NOTE}


def test_what_is_to_mend_leaves_with_3_and_notes_do_not(without):
    without("pillow_heif", "pillow-heif")
    assert called().exit_code == 0
    without("click")
    done = called()
    assert done.exit_code == 3 and done.stdout.endswith("\nTo mend: 1.\n")
    assert "mend  click " in done.stdout and "-> pip install click\n" in done.stdout
    assert json.loads(called("--json").stdout)["well"] is False


def test_neither_engine_is_loaded_unless_asked():
    code = (
        "import sys\nfrom midlevel.commands.cli import cli\n"
        "cli(['doctor'], standalone_mode=False)\n"
        "found = {'tensorflow', 'keras', 'openvino'} & set(sys.modules)\n"
        "sys.exit(str(found) if found else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_thorough_doctor_runs_the_backbone_on_each_engine():
    done = called("--thorough")
    assert done.exit_code == 0, done.output
    assert "trial openvino    CPU, f32: 224 x 224 pixels in " in done.stdout
    assert "the engines differ by at most " in done.stdout


# === OpenCV ===


def with_hollow_opencv(folder, *arguments):
    """`midlevel` with what is left of a folder that two packages shared."""
    (folder / "cv2" / "data").mkdir(parents=True)
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    code = f"""
import importlib.machinery, sys
class Hollow:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "cv2":
            return importlib.machinery.PathFinder.find_spec(name, [{str(folder)!r}])
sys.meta_path.insert(0, Hollow)
from midlevel.__main__ import main
sys.argv[1:] = {list(arguments)!r}
main()
"""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def test_a_hollow_opencv_is_named_by_the_command(tmp_path):
    done = with_hollow_opencv(tmp_path, "doctor")
    assert done.returncode == 3, done.stderr
    assert f"mend  OpenCV      {tmp_path / 'cv2'} is hollow" in done.stdout
    assert "pip install opencv-python-headless" in done.stdout


def test_other_commands_send_to_doctor_for_a_hollow_opencv(tmp_path):
    done = with_hollow_opencv(tmp_path, "check", str(tmp_path))
    assert done.returncode == errors.MissingDependency.exit_code
    assert done.stderr.count("\n") == 1 and "hollow" in done.stderr
    assert "midlevel doctor" in done.stderr


def test_two_opencvs_are_named_with_how_to_have_one(monkeypatch):
    names = ("opencv-python", "numpy", "opencv-python-headless")
    both = [SimpleNamespace(metadata={"Name": name}) for name in names]
    monkeypatch.setattr(metadata, "distributions", lambda: both)
    found = doctor._opencv()
    assert found.state == MEND and "opencv-python, opencv-python-headless" in found.text
    assert found.advice == (
        "pip uninstall -y opencv-python opencv-python-headless; "
        "pip install opencv-python-headless"
    )


def test_no_opencv_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    found = doctor._opencv()
    assert found.state == MEND and "cannot be imported" in found.text


# === Engines ===


def test_without_tensorflow_one_can_predict_and_it_is_said(without):
    without("tensorflow", "tensorflow-cpu", "keras")
    found = doctor._tensorflow()
    assert found.state == NOTE and "no tensorflow and no keras" in found.text
    assert "predict and evaluate do without" in found.text
    assert 'pip install "midlevel[cpu]"' in found.advice


@pytest.mark.parametrize(
    ("hidden", "state", "text"),
    [
        ((), FINE, "auto takes TensorFlow on the GPU"),
        (("tensorflow", "tensorflow-cpu"), NOTE, "there is a GPU, and no TensorFlow"),
    ],
)
def test_a_gpu_is_said_with_what_can_use_it(monkeypatch, without, hidden, state, text):
    monkeypatch.setattr(gpu, "driver_has_one", lambda: True)
    monkeypatch.setattr(doctor, "version", lambda *_: "2.21.0")
    without(*hidden)
    found = doctor._engine()
    assert found.state == state and text in found.text


def test_a_gpu_with_tensorflow_for_cpus_is_said(monkeypatch):
    monkeypatch.setattr(gpu, "driver_has_one", lambda: True)
    monkeypatch.setattr(doctor, "version", lambda name: "")
    found = doctor._engine()
    assert found.state == NOTE and "tensorflow-cpu cannot use it" in found.text


# === Machine, features, weights ===


def test_little_memory_is_a_note(monkeypatch):
    monkeypatch.setattr(machine, "memory_of_machine", lambda: 5 * 10**8)
    found = doctor._machine()
    assert found.state == NOTE and "0.5 GB memory: too little to train" in found.text


def test_the_folder_of_features_is_measured(monkeypatch):
    folder = store.default_folder()
    assert f"{folder}: 0.00 GB, " in doctor._cache().text and not folder.exists()
    (folder / "some").mkdir(parents=True)
    (folder / "some" / "chunk.npy").write_bytes(bytes(20_000_000))
    assert f"{folder}: 0.02 GB, " in doctor._cache().text
    full = SimpleNamespace(free=1.5e9)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: full)
    found = doctor._cache()
    assert found.state == MEND and "1.5 GB free; about 1,500 photographs" in found.text
    monkeypatch.setattr(doctor.os, "access", lambda *_: False)
    found = doctor._cache()
    assert found.state == MEND and "cannot be written" in found.text
    assert "MIDLEVEL_CACHE_DIR" in found.advice


@pytest.mark.parametrize(("content", "text"), [(b"x", "damaged"), (None, "missing")])
def test_damaged_or_missing_weights_are_to_mend(monkeypatch, tmp_path, content, text):
    path = tmp_path / "some.weights.h5"
    if content:
        path.write_bytes(content)
    other = dataclasses.replace(table.LITE2, file=path)
    spec = dataclasses.replace(table.find("efficientnet_lite2"), packaged=other)
    monkeypatch.setattr(table, "SPECS", (*table.SPECS, spec))
    found = doctor._packaged_weights()
    assert found.state == MEND and found.text == f"{path} is {text}"


def test_downloaded_weights_are_known_by_their_names(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert f"in {tmp_path / 'models'}: none;" in doctor._other_weights().text
    (tmp_path / "models").mkdir()
    for name in (  # as keras.applications calls them
        "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
        "weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5",
        "efficientnetb0_notop.h5",
        "resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5",  # not of the table
        "convnext_tiny_notop.h5",
        "vgg16_weights_tf_dim_ordering_tf_kernels.h5",
    ):
        (tmp_path / "models" / name).touch()
    names = (
        "mobilenet_v2, mobilenet_v3_large, efficientnet_b0, convnext_tiny, vgg16_fc7"
    )
    assert f": {names}; " in doctor._other_weights().text
