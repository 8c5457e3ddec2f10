"""What is loaded when, and the rooms: their contract is in pyproject.toml."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import midlevel

ROOT = Path(__file__).parent.parent
PURE = ("boxes", "windows", "labels", "scores", "metrics", "pooling")
HEAVY = {"tensorflow", "keras", "h5py"}
ROOMS = 16  # at most, beside a few modules


def test_there_are_few_rooms():
    rooms = [path.parent for path in (ROOT / "midlevel").glob("*/__init__.py")]
    assert 10 < len(rooms) <= ROOMS


def test_the_contract_of_the_rooms_is_kept():
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_method_knows_numpy_alone():
    allowed = {"numpy", "midlevel", *sys.stdlib_module_names}
    for path in (ROOT / "midlevel" / "method").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                continue
            assert {name.partition(".")[0] for name in names} <= allowed, path


def loaded_by(code):
    """Modules in memory after `code`, in a fresh interpreter that sees no GPU."""
    code += "\nimport json, sys\n"
    code += "print(json.dumps([name for name in sorted(sys.modules)"
    code += " if sys.modules[name] is not None]))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_what_every_command_loads_is_little(option):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "midlevel", option],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "midlevel" in done.stdout, done.stderr
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "midlevel.commands.cli" in loaded
    assert not loaded & (HEAVY | {"cv2", "albumentations", "fastapi"})
    assert not loaded & {"asyncio", "filelock", "numpy", "pydantic", "rich"}


def test_importing_midlevel_and_what_is_pure_is_light():
    pure = ", ".join(f"midlevel.method.{name}" for name in PURE)
    loaded = loaded_by(f"import midlevel, {pure}")
    assert "midlevel.method.scores" in loaded
    assert not loaded & (HEAVY | {"cv2", "albumentations", "pydantic"})


def test_reading_data_and_settings_is_light():
    loaded = loaded_by(
        "import midlevel.datasets, midlevel.settings.config, midlevel.features.store"
    )
    assert "midlevel.datasets.loading" in loaded
    assert not loaded & (HEAVY | {"cv2", "albumentations"})


def test_choosing_an_engine_loads_none():
    loaded = loaded_by("from midlevel.networks import backbones, engines, heads")
    assert "midlevel.networks.engines.gpu" in loaded
    assert not loaded & (HEAVY | {"openvino", "albumentations"})


def test_photographs_are_scored_without_tensorflow(trained, toy_voc, tmp_path):
    output = tmp_path / "records.json"
    code = (
        "import json, pathlib, sys\n"
        f"sys.path.insert(0, {str(ROOT / 'tests')!r})\n"
        "import midlevel, stub\n"
        "stub.table.BACKBONES.update(stub.SPECS)\n"
        f"model = midlevel.load({str(trained.folder)!r})\n"
        f"found = model.predict({str(toy_voc / 'JPEGImages')!r})\n"
        f"pathlib.Path({str(output)!r}).write_text(json.dumps(found))"
    )
    loaded = loaded_by(code)
    assert {"openvino", "cv2", "midlevel.prediction.model"} <= loaded
    assert not loaded & (HEAVY | {"albumentations", "openvino_telemetry"})
    here = midlevel.load(trained.folder, engine="openvino")
    assert json.loads(output.read_text()) == here.predict(toy_voc / "JPEGImages")


@pytest.mark.slow
def test_measuring_from_stored_features_does_without_tensorflow_too(trained, tmp_path):
    code = (
        "import sys\n"
        f"sys.path.insert(0, {str(ROOT / 'tests')!r})\n"
        "import midlevel, stub\n"
        "stub.table.BACKBONES.update(stub.SPECS)\n"
        f"model = midlevel.load({str(trained.folder)!r})\n"
        "found = midlevel.evaluate(model, progress=stub.QUIET)\n"
        "assert found.images == 5 and 'matplotlib' not in sys.modules\n"
        "from midlevel.pages.report import report_page as reporting\n"
        f"reporting.report(model, {str(tmp_path / 'report.html')!r}, stub.QUIET)"
    )
    loaded = loaded_by(code)
    assert {"matplotlib", "sklearn"} <= loaded
    assert not loaded & (HEAVY | {"albumentations", "matplotlib.pyplot"})


@pytest.mark.slow
def test_explaining_does_without_tensorflow_too(trained, toy_voc, tmp_path):
    code = (
        "import sys\n"
        f"sys.path.insert(0, {str(ROOT / 'tests')!r})\n"
        "import midlevel, stub\n"
        "from midlevel.images import sources\n"
        "from midlevel.pages.explain import explain_page\n"
        "from midlevel.pages.windows import windows_page\n"
        "stub.table.BACKBONES.update(stub.SPECS)\n"
        f"model = midlevel.load({str(trained.folder)!r})\n"
        f"paths = sources.find([{str(toy_voc / 'JPEGImages')!r}])\n"
        f"place = {str(tmp_path)!r}\n"
        "quiet = stub.QUIET\n"
        "explain_page.make(model, paths, output=place + '/a', progress=quiet)\n"
        f"source = {str(toy_voc)!r}\n"
        "windows_page.make(source, model.config, output=place + '/b', progress=quiet)"
    )
    loaded = loaded_by(code)
    assert "midlevel.pages.explain.explain_page" in loaded
    assert not loaded & (HEAVY | {"albumentations"})
