"""Files from strangers run no code and reach no other files; nothing is sent."""

import ast
import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import formats
import helpers
import pytest

import midlevel
from midlevel import datasets, errors, runs
from midlevel.networks import heads
from midlevel.settings import config
from midlevel.system import runtime

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "midlevel").rglob("*.py"))
CAT = ("cat", (2, 2, 12, 12), False)

# === Nothing is sent ===

# The whole way with a stub; ends with 9 where anything looks for a host or another
# machine, on what is no CI server, and with 8 where the test itself has no teeth.
WATCHED = """
import os, socket, sys
for name in ("CI", "TF_BUILD", "JENKINS_URL", "NO_ALBUMENTATIONS_UPDATE"):
    os.environ.pop(name, None)
def refuse(*arguments, **_):
    sys.stderr.write(f"the network was asked for: {arguments}\\n")
    sys.stderr.flush()
    os._exit(9)
connect = socket.socket.connect
def checked(self, address):
    return refuse(address) if self.family != socket.AF_UNIX else connect(self, address)
for name in ("getaddrinfo", "gethostbyname", "create_connection"):
    setattr(socket, name, refuse)
socket.socket.connect = socket.socket.connect_ex = checked
socket.socket.sendto = refuse
sys.path.insert(0, os.environ["TESTS"])
if sys.argv[1] == "self-test":
    import urllib.request
    urllib.request.urlopen("http://127.0.0.1:9/")
    os._exit(8)
import pathlib
import midlevel, pytest, stub
from midlevel.datasets import checking
from midlevel.settings import config
data, here = sys.argv[2], pathlib.Path(sys.argv[3])
with pytest.MonkeyPatch.context() as patch:
    stub.register(patch)
    patch.setattr("midlevel.exports.VERIFIED_ON", 1)
    assert not checking.check(data, config.load(), stub.QUIET).problems
    views = ["original", "mirror", "colour"]
    run = stub.train(data, here / "run", training__epochs=1, features__views=views)
    model = midlevel.load(run.folder)
    assert len(model.predict(data)) == 16
    midlevel.evaluate(model, progress=stub.QUIET)
    assert midlevel.export(model, here / "exported", progress=stub.QUIET)
"""


@functools.cache
def can_unshare() -> bool:
    """Whether this user may have a network of its own, with nobody on it."""
    try:
        return not subprocess.run(["unshare", "-rn", "true"]).returncode
    except OSError:
        return False


def watched(tmp_path, *arguments, alone=()):
    home = tmp_path / "home"
    home.mkdir()
    env = {"HOME": str(home), "TESTS": str(ROOT / "tests"), "CUDA_VISIBLE_DEVICES": ""}
    env |= {"MIDLEVEL_CACHE_DIR": str(tmp_path / "cache")}
    return subprocess.run(
        [*alone, sys.executable, "-c", WATCHED, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **env},
    )


def test_the_watch_sees_a_connection(tmp_path):
    done = watched(tmp_path, "self-test")
    assert done.returncode == 9 and "127.0.0.1" in done.stderr


@pytest.mark.slow
@pytest.mark.tf
def test_nothing_is_sent_and_no_network_is_needed(toy_voc, tmp_path):
    """Python's sockets are watched; native code has no network, where that can be."""
    alone = ["unshare", "-rn"] if can_unshare() else []
    done = watched(tmp_path, "run", toy_voc, tmp_path, alone=alone)
    assert done.returncode == 0, done.stderr
    left = {path.parent.name for path in (tmp_path / "home").rglob("*.*")}
    left -= {"home", ".keras", "matplotlib"}
    assert not left, "somebody writes down who this is"


@pytest.mark.slow
def test_native_code_does_not_try_either(toy_voc, tmp_path):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    calls = ["-e", "trace=connect,sendto,sendmsg"]
    alone = ["strace", "-f", "-qq", "-o", str(tmp_path / "calls"), *calls]
    done = watched(tmp_path, "run", toy_voc, tmp_path, alone=alone)
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "calls").read_text().splitlines()
    assert not [line for line in lines if "AF_INET" in line]


def test_a_network_of_ones_own_has_nobody_on_it():
    if not can_unshare():
        pytest.skip("this user may not have a network of its own")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket; socket.create_connection(('127.0.0.1', {port}), 1)"
        alone = ["unshare", "-rn", sys.executable, "-c", code]
        assert subprocess.run(alone, capture_output=True).returncode == 1
        assert subprocess.run(alone[2:], capture_output=True).returncode == 0


# === No code in files ===

RUNS_CODE = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib"}
RUNS_CODE |= {"shelve", "marshal", "torch", "imp", "runpy"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_METHODS = {
    *("yaml.load", "yaml.full_load", "yaml.unsafe_load", "yaml.load_all", "os.system"),
    *("torch.load", "os.popen", "config.enable_unsafe_deserialization"),
}


def faults(tree):
    """What a module does that could run what is in a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if top(a.name) in RUNS_CODE)
        elif isinstance(node, ast.ImportFrom) and top(node.module or "") in RUNS_CODE:
            yield node.module
        elif isinstance(node, ast.Call):
            yield from _call_faults(node)


def _call_faults(node):
    name = ast.unparse(node.func)
    last_two = ".".join(name.split(".")[-2:])
    if name in FORBIDDEN_CALLS or last_two in FORBIDDEN_METHODS:
        yield name
    given = {k.arg: ast.unparse(k.value) for k in node.keywords}
    if given.get("allow_pickle", "False") != "False":
        yield "allow_pickle"
    if last_two in ("np.load", "numpy.load") and "allow_pickle" not in given:
        yield name
    if name.endswith("load_model") and given.get("safe_mode", "True") != "True":
        yield name
    if given.get("shell", "False") != "False":
        yield "shell"


def top(name):
    return name.partition(".")[0]


@pytest.mark.parametrize(
    "code",
    [
        *("import pickle", "from joblib import load", "import marshal as m"),
        *("np.load(x, allow_pickle=True)", "numpy.load(x)", "yaml.load(x)"),
        *(
            "import torch",
            "eval(x)",
            "load_model(x, safe_mode=False)",
            "run(x, shell=1)",
        ),
    ],
)
def test_the_search_for_what_runs_code_finds_it(code):
    assert list(faults(ast.parse(code)))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_module_runs_what_is_in_a_file(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert list(faults(tree)) == []
    parsers = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "xml.etree.ElementTree"
        for alias in node.names
    }
    assert parsers <= {"Element", "ParseError", "TreeBuilder"}  # defusedxml reads


# === Models from strangers ===


@pytest.fixture(scope="module")
def head_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("head") / "head.keras"
    heads.build(4, 2, [3]).save(path)
    return path


def changed(source, to, change):
    """`source` with another description of its layers."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(to, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, change(data) if name == "config.json" else data)
    return to


def part(**changes):
    """Puts another layer in the place of the last."""

    def change(data):
        content = json.loads(data)
        content["config"]["layers"][-1].update(changes)
        return json.dumps(content)

    return change


LAMBDA = {"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}


@pytest.mark.tf
@pytest.mark.parametrize(
    "change",
    [
        part(class_name="Lambda", config={"name": "fcb", "function": LAMBDA}),
        part(class_name="Own", module="somebody", registered_name="somebody>Own"),
        part(class_name="system", module="os", registered_name=None),
        part(class_name="get_file", module="keras.utils", registered_name=None),
        part(class_name="TFSMLayer", config={"filepath": "/tmp"}),
        part(class_name="StringLookup", config={"vocabulary": "/etc/passwd"}),
        part(class_name=["a"]),
        part(config=LAMBDA),
        lambda data: b"[" * 200_000,
        lambda data: b"{}",
        lambda data: b"null",
        lambda data: b"\xff",
        lambda data: b" " * 2_000_000 + data,
    ],
)
def test_a_head_with_parts_that_no_head_has_is_refused(head_file, tmp_path, change):
    path = changed(head_file, tmp_path / "head.keras", change)
    with pytest.raises(errors.MidlevelError, match="head.keras: cannot be read as a K"):
        heads.load(path)
    assert heads.load(changed(head_file, path, lambda data: data)).name == "head"


@pytest.mark.tf
def test_a_real_lambda_and_a_real_custom_layer_are_refused(tmp_path):
    keras = runtime.load_keras()

    class Own(keras.layers.Layer):
        def call(self, x):
            return x

    for layer in (keras.layers.Lambda(lambda x: x), Own()):
        inputs = keras.Input((4,))
        keras.Model(inputs, layer(inputs)).save(tmp_path / "head.keras")
        with pytest.raises(errors.MidlevelError, match="a part that no head has") as e:
            heads.load(tmp_path / "head.keras")
        assert "\n" not in str(e.value)


@pytest.fixture
def stranger(trained, tmp_path):
    """A copy of a run, to be tampered with."""
    shutil.copytree(trained.folder, tmp_path / "run")
    return tmp_path / "run"


def laughs(last):
    """Aliases that would fill the memory, were they written out."""
    rows = ["x0: &x0 [lol, lol]"]
    for i in range(1, 12):
        rows.append(f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 10)}]")
    return "\n".join([*rows, f"{last}x11"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "!!python/object/apply:os.system ['touch {flag}']",
            "could not determine a co",
        ),
        ("seed: !!python/object/new:os.system ['touch {flag}']", "could not determine"),
        ("seed: !!python/name:os.system", "could not determine a constructor"),
        ("[" * 5000, "config.yaml: is not YAML: it is nested too deeply"),
        ("{a: " * 5000, "config.yaml: is not YAML: it is nested too deeply"),
        ("seed: 2020-99-99", "config.yaml: is not YAML: month must be in"),
        ("data: {classes: " + "x" * 5000 + "}", "data.classes"),
        ("- a\n- b", "expected sections"),
        ("\0", "is not YAML"),
        (laughs("seed: *"), "no such setting"),
        (laughs("data:\n  classes: *"), "data.classes"),
    ],
)
def test_hostile_settings_are_refused_and_nothing_runs(
    stranger, tmp_path, text, message
):
    flag = tmp_path / "flag"
    (stranger / "config.yaml").write_text(text.replace("{flag}", str(flag)))
    with pytest.raises(errors.MidlevelError, match=message) as error:
        midlevel.load(stranger)
    assert not flag.exists() and len(str(error.value)) < 4000


@pytest.mark.parametrize(
    "change",
    [
        {"classes": 5},
        {"classes": []},
        {"classes": [1, 2, 3]},
        {"classes": None},
        {"aggregation": "x"},
        {"aggregation": {"how": "power", "by": 1e999}},
        {"aggregation": {"how": "power", "by": 0.5}},
        {"aggregation": {"how": "__import__", "by": 2.0}},
        {"aggregation": None},
        {"thresholds": [0.5]},
        {"thresholds": {"disc": {}}},
        {"thresholds": {"disc": 0.5}},
        {"data": {"a": 1}},
        {"features_fingerprint": None},
    ],
)
def test_a_record_that_is_not_trainings_is_refused(stranger, change):
    record = json.loads((stranger / "run.json").read_text())
    (stranger / "run.json").write_text(json.dumps({**record, **change}))
    with pytest.raises(errors.MidlevelError, match="again|trained with"):
        midlevel.load(stranger)


@pytest.mark.parametrize("text", ["[" * 200_000, "null", "[]", "\udcff", '"a"'])
def test_a_record_that_is_no_record_is_refused(stranger, text):
    (stranger / "run.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(errors.MidlevelError, match="run of midlevel train|schema"):
        runs.Run(stranger).record  # noqa: B018
    with pytest.raises(errors.MidlevelError):
        midlevel.load(stranger)


def test_settings_on_the_command_line_make_plain_values_only():
    with pytest.raises(errors.MidlevelError, match="the value is not YAML"):
        config.parse_setting("seed=!!python/object/apply:os.system [ls]")
    with pytest.raises(errors.MidlevelError, match="the value is not YAML"):
        config.parse_setting("seed=" + "[" * 5000)


# === XML from strangers ===

LAUGHS = "".join(
    f"<!ENTITY l{i} '{f'&l{i - 1};' * 10}'>" if i else "<!ENTITY l0 'lol'>"
    for i in range(10)
)
QUADRATIC = f"<!DOCTYPE a [<!ENTITY q '{'q' * 100_000}'>]>"
DTDS = {
    "billion laughs": f"<!DOCTYPE a [{LAUGHS}]><annotation>&l9;</annotation>",
    "quadratic": f"{QUADRATIC}<annotation>{'&q;' * 10_000}</annotation>",
    "file": "<!DOCTYPE a [<!ENTITY f SYSTEM 'file:///etc/passwd'>]>"
    "<annotation><object><name>&f;</name></object></annotation>",
    "network": "<!DOCTYPE a [<!ENTITY f SYSTEM 'http://127.0.0.1:9/'>]>"
    "<annotation>&f;</annotation>",
    "parameter": "<!DOCTYPE a [<!ENTITY % p SYSTEM 'file:///etc/passwd'> %p;]>"
    "<annotation/>",
    "unparsed": "<!DOCTYPE a [<!NOTATION n SYSTEM 'x'><!ENTITY f SYSTEM 'x' NDATA n>]>"
    "<annotation/>",
}


def voc_with(folder, text):
    """A good photograph, and one with this annotation."""
    image = helpers.noise((20, 16))
    made = {"good": (image, [CAT]), "a": (image, [CAT])}
    helpers.write_voc(folder, made)
    (folder / "Annotations" / "a.xml").write_text(text)
    return folder


@pytest.mark.parametrize("trick", DTDS)
def test_entities_are_refused_unread(tmp_path, trick):
    found = datasets.read(voc_with(tmp_path, DTDS[trick]))
    assert [row.path.stem for row in found.split("train")] == ["good"]
    (problem,) = found.problems
    assert problem.text.startswith("refused as unsafe XML: ")
    assert "root:" not in problem.text


def test_the_document_type_of_an_annotation_is_not_fetched(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise AssertionError(arguments)

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    text = helpers.annotation("a.jpg", [CAT])
    dtd = "<!DOCTYPE annotation SYSTEM 'http://127.0.0.1:9/voc.dtd'>"
    (tmp_path / "voc.dtd").write_text("<!ENTITY x 'y'>")
    for start in (dtd, "<!DOCTYPE annotation SYSTEM '../voc.dtd'>"):
        found = datasets.read(voc_with(tmp_path, start + text))
        assert len(found.split("train")) + len(found.problems) == 2


def test_deep_xml_is_read_or_refused(tmp_path):
    deep = f"<annotation>{'<a>' * 50_000}{'</a>' * 50_000}</annotation>"
    assert len(datasets.read(voc_with(tmp_path, deep)).split("train")) == 2


# === Files of others ===


def names_outside(form, folder, stated):
    """A data set in `folder` whose second photograph is `stated`."""
    formats.photographs(folder, "good.jpg")
    if form == "coco":
        shown = [{"id": 1, "file_name": "good.jpg"}, {"id": 2, "file_name": stated}]
        boxes = [
            {"image_id": i, "category_id": 1, "bbox": [1, 1, 9, 9]} for i in (1, 2)
        ]
        names = [{"id": 1, "name": "cat"}]
        whole = {"images": shown, "annotations": boxes, "categories": names}
        (folder / "train.json").write_text(json.dumps(whole))
    if form == "csv":
        (folder / "train.csv").write_text(
            f"good.jpg,1,1,9,9,cat\n{stated},1,1,9,9,cat\n"
        )
    if form == "yolo":
        (folder / "good.txt").write_text("0 0.5 0.5 0.5 0.5\n")
        (folder / "list.txt").write_text(f"good.jpg\n{stated}\n")
        (folder / "data.yaml").write_text("{train: list.txt, names: [cat]}")
    if form == "voc":
        for name, file in (("good", "good.jpg"), ("b", stated)):
            text = helpers.annotation(file, [CAT])
            (folder / f"{name}.xml").write_text(text)
    return folder


@pytest.mark.parametrize("form", ["voc", "coco", "yolo", "csv"])
@pytest.mark.parametrize(
    "stated", ["../secret.jpg", "x/../../secret.jpg", "{absolute}", "..\\secret.jpg"]
)
def test_a_photograph_outside_the_folder_is_never_taken(tmp_path, form, stated):
    formats.photographs(tmp_path, "secret.jpg")
    stated = stated.replace("{absolute}", str(tmp_path / "secret.jpg"))
    found = datasets.read(names_outside(form, tmp_path / "set", stated))
    assert found.format == form
    assert [row.path.name for row in found.split("train")] == ["good.jpg"]
    (problem,) = found.problems
    assert problem.fate == "left out"


@pytest.mark.parametrize("stated", ["..", "../other", "{absolute}", "../../"])
def test_yolos_splits_and_path_stay_inside_the_folder(tmp_path, stated):
    formats.photographs(tmp_path / "other", "secret.jpg")
    stated = stated.replace("{absolute}", str(tmp_path / "other"))
    folder = names_outside("yolo", tmp_path / "set", "good.jpg")
    for text in (
        f"{{train: list.txt, val: '{stated}', names: [cat]}}",
        f"{{path: '{stated}', train: list.txt, names: [cat]}}",
    ):
        (folder / "data.yaml").write_text(text)
        found = datasets.read(folder)
        files = {row.path.name for rows in found.splits.values() for row in rows}
        assert files == {"good.jpg"}


@pytest.mark.parametrize("form", ["voc", "coco", "yolo", "csv", "folders"])
def test_links_are_followed_as_whoever_made_the_folder_wants(tmp_path, form):
    """Photographs often lie on another disk; a link is not made by a name in a file."""
    formats.photographs(tmp_path, "elsewhere.jpg")
    if form == "folders":
        folder = formats.photographs(tmp_path / "set", "cat/a.jpg", "dog/b.jpg")
        (folder / "cat" / "linked.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    else:
        folder = names_outside(form, tmp_path / "set", "linked.jpg")
        (folder / "linked.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    found = datasets.read(folder)
    assert "linked.jpg" in {row.path.name for row in found.split("train")}
    assert not found.problems


def test_links_in_a_circle_end(tmp_path):
    folder = formats.photographs(tmp_path / "set", "cat/a.jpg", "dog/b.jpg")
    (folder / "cat" / "up").symlink_to(folder)
    (folder / "dog" / "self.jpg").symlink_to(folder / "dog" / "self.jpg")
    assert len(datasets.read(folder).split("train")) == 2
