"""The rules of docs/design: who may import what."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import midlevel

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "midlevel").rglob("*.py"))
PURE = ("boxes", "windows", "labels", "scores", "metrics", "pooling")
BARE = ("pipeline", "jpeg")
HEAVY = {"tensorflow", "keras", "h5py"}
HEAVY_ROOMS = {
    *("backbones.network", "backbones.weights", "backbones.efficientnet_lite"),
    *("engines.tensorflow", "engines.gpu"),
    *("exports.litert", "exports.savedmodel"),
    *("heads", "runtime"),
}


def name_of(path):
    return ".".join(path.relative_to(ROOT / "midlevel").with_suffix("").parts)


def imports(path, only_when_run=True):
    """Dotted names that a module imports, `midlevel.boxes` for `from midlevel import`.

    What stands under `if TYPE_CHECKING:` is never run.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    unrun = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for child in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if only_when_run and node in unrun:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def packages(path):
    return {name.partition(".")[0] for name in imports(path)}


def test_the_reader_of_imports_sees_what_it_should():
    seen = imports(ROOT / "midlevel" / "windows.py")
    assert {"numpy", "math", "midlevel.errors", "dataclasses.dataclass"} <= seen
    features = ROOT / "midlevel" / "features.py"
    assert "midlevel.backbones.Backbone" in imports(features, only_when_run=False)
    assert "midlevel.backbones.Backbone" not in imports(features)


@pytest.mark.parametrize("name", PURE)
def test_geometry_and_arithmetic_need_numpy_alone(name):
    path = ROOT / "midlevel" / f"{name}.py"
    foreign = packages(path) - set(sys.stdlib_module_names)
    assert foreign <= {"numpy", "midlevel"}
    ours = {i.split(".")[1] for i in imports(path) if i.startswith("midlevel.")}
    assert ours <= {"errors", *PURE}


@pytest.mark.parametrize("name", BARE)
def test_threads_and_headers_need_python_alone(name):
    path = ROOT / "midlevel" / f"{name}.py"
    assert packages(path) <= set(sys.stdlib_module_names)


@pytest.mark.parametrize(
    ("package", "owner"),
    [
        ("cv2", ["runtime"]),
        ("pillow_heif", ["decoding"]),
        ("albumentations", ["augment"]),
        ("openvino", ["runtime"]),
        ("fastapi", ["serving.app"]),
        ("uvicorn", ["serving.server"]),
        ("python_multipart", ["serving.uploads"]),
    ],
)
def test_few_modules_own_a_package(package, owner):
    assert [name_of(p) for p in MODULES if package in packages(p)] == owner


def test_tensorflow_stays_in_its_rooms():
    heavy = {name_of(path) for path in MODULES if packages(path) & HEAVY}
    assert heavy == HEAVY_ROOMS


@pytest.mark.parametrize(
    ("load", "owners"),
    [
        # It reports its use otherwise.
        ("runtime.load_openvino", ["engines.machine", "engines.openvino"]),
        ("runtime.load_opencv", ["decoding", "drawing", "images"]),
        ("onnxruntime", ["exports.formats", "exports.onnx"]),
        ("ai_edge_litert", ["exports.formats", "exports.litert"]),
        ('runtime.load("matplotlib', ["reports.curves"]),
        ('runtime.load("sklearn', ["calibration", "reports.baseline"]),
    ],
)
def test_few_modules_load_what_runtime_guards(load, owners):
    users = [
        name_of(path) for path in MODULES if load in path.read_text(encoding="utf-8")
    ]
    assert users == owners


def test_no_module_imports_what_imports_it():
    """Take away, again and again, the modules that need none of the others."""
    names = {name_of(path).removesuffix(".__init__") for path in MODULES}
    waiting = {}
    for path in MODULES:
        ours = {i.removeprefix("midlevel.") for i in imports(path)}
        needed = {i if i in names else i.rpartition(".")[0] for i in ours} & names
        name = name_of(path).removesuffix(".__init__")
        waiting[name] = {n for n in needed if n != name}
    while ready := {name for name, needed in waiting.items() if not needed}:
        waiting = {n: need - ready for n, need in waiting.items() if n not in ready}
    assert not waiting


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


def test_help_does_not_load_tensorflow():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "midlevel", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "Usage: midlevel" in done.stdout, done.stderr
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "midlevel.cli" in loaded
    assert not loaded & (HEAVY | {"cv2", "albumentations", "fastapi"})


def test_importing_midlevel_and_what_is_pure_is_light():
    pure = ", ".join(f"midlevel.{name}" for name in PURE)
    loaded = loaded_by(f"import midlevel, {pure}")
    assert "midlevel.scores" in loaded
    assert not loaded & (HEAVY | {"cv2", "albumentations", "pydantic"})


def test_reading_data_and_settings_does_not_load_tensorflow():
    loaded = loaded_by("import midlevel.datasets, midlevel.config, midlevel.store")
    assert "cv2" in loaded and not loaded & (HEAVY | {"albumentations"})


def test_choosing_an_engine_loads_none():
    loaded = loaded_by("import midlevel.engines, midlevel.backbones, midlevel.heads")
    assert "midlevel.engines.gpu" in loaded
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
    assert {"openvino", "cv2", "midlevel.model"} <= loaded
    assert not loaded & (HEAVY | {"albumentations", "openvino_telemetry"})
    here = midlevel.load(trained.folder, engine="openvino")
    assert json.loads(output.read_text()) == here.predict(toy_voc / "JPEGImages")


def test_measuring_from_stored_features_does_without_tensorflow_too(trained, tmp_path):
    code = (
        "import sys\n"
        f"sys.path.insert(0, {str(ROOT / 'tests')!r})\n"
        "import midlevel, stub\n"
        "stub.table.BACKBONES.update(stub.SPECS)\n"
        f"model = midlevel.load({str(trained.folder)!r})\n"
        "found = midlevel.evaluate(model, progress=stub.QUIET)\n"
        "assert found['images'] == 5 and 'matplotlib' not in sys.modules\n"
        "from midlevel.reports import reporting\n"
        f"reporting.report(model, {str(tmp_path / 'report.html')!r}, stub.QUIET)"
    )
    loaded = loaded_by(code)
    assert {"matplotlib", "sklearn"} <= loaded
    assert not loaded & (HEAVY | {"albumentations", "matplotlib.pyplot"})


def test_explaining_does_without_tensorflow_too(trained, toy_voc, tmp_path):
    code = (
        "import sys\n"
        f"sys.path.insert(0, {str(ROOT / 'tests')!r})\n"
        "import midlevel, stub\n"
        "from midlevel import sources\nfrom midlevel.looking import explain_page\n"
        "from midlevel.looking import windows_page\n"
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
    assert "midlevel.looking.explain_page" in loaded
    assert not loaded & (HEAVY | {"albumentations"})
