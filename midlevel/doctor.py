"""`midlevel doctor`: is everything here that midlevel needs, and what to do if not.

It loads neither TensorFlow nor OpenVINO unless it is asked to be thorough, and nothing
that needs a working OpenCV.
"""

import importlib
import importlib.util
import os
import platform
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

from rich.text import Text

from midlevel import errors
from midlevel.features import store
from midlevel.networks.backbones import table
from midlevel.networks.engines import gpu
from midlevel.system import files, machine, terminal

FINE, NOTE, MEND = "fine", "note", "mend"
COLOURS = {FINE: "green", NOTE: "yellow", MEND: "red"}
SCHEMA = "midlevel-doctor/1"
OPENCV = "opencv-python-headless"
USED = ("imdecodeWithMetadata", "resize", "imencode")  # of OpenCV
LEAST_FREE = 2e9  # bytes of disk, for features of about a thousand photographs
LEAST_MEMORY = 2e9  # bytes; training on the demo set takes about 1.5e9
TENSORFLOW = ("tensorflow", "tensorflow-cpu")
INSTALL = 'pip install "midlevel[cpu]", or "midlevel[gpu]" with an NVIDIA GPU'


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what.
        state: `fine`; `note`, which limits what midlevel can do; or `mend`.
        text: what was found.
        advice: what to do, where something can be done.
    """

    name: str
    state: str
    text: str
    advice: str = ""


def examine() -> list[Finding]:
    """Everything that can be seen without loading an engine."""
    return [
        _midlevel(),
        *_missing_packages(),
        _opencv(),
        _openvino(),
        _tensorflow(),
        _engine(),
        _machine(),
        _cache(),
        _packaged_weights(),
        _other_weights(),
        _heic(),
    ]


def tried() -> list[Finding]:
    """What running a network on each engine shows; takes seconds."""
    from midlevel.networks.engines import self_test  # it loads both

    findings = []
    for outcome in self_test.run():
        is_fine = outcome.map is not None and not outcome.advice
        state = FINE if is_fine else MEND
        if outcome.is_missing and not version(*TENSORFLOW):
            state = NOTE
        name = f"trial {outcome.engine}".strip()
        findings.append(Finding(name, state, outcome.text, outcome.advice))
    return findings


def is_well(findings: list[Finding]) -> bool:
    """Whether nothing needs mending."""
    return all(finding.state != MEND for finding in findings)


def as_json(findings: list[Finding]) -> dict:
    """The same for programs."""
    rows = [asdict(finding) for finding in findings]
    return {"schema": SCHEMA, "well": is_well(findings), "findings": rows}


def as_table(findings: list[Finding]) -> str:
    """The same for people."""
    rows: list[tuple[str | Text, str, str]] = []
    for finding in findings:
        state = terminal.text(finding.state, COLOURS[finding.state])
        rows.append((state, finding.name, finding.text))
        if finding.advice:
            rows.append(("", "", f"-> {finding.advice}"))
    count = sum(finding.state == MEND for finding in findings)
    end = f"To mend: {count}." if count else "All is well."
    return terminal.shown(terminal.table("<<~", rows), "", end)


# === Packages ===


def version(*names: str) -> str:
    """Of the first of these distributions that is installed, else nothing."""
    for name in names:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return ""


def _midlevel() -> Finding:
    place = Path(__file__).parent
    text = f"{version('midlevel')} in {place}, Python {platform.python_version()}"
    return Finding("midlevel", FINE, f"{text}, {platform.platform(terse=True)}")


def _missing_packages() -> Iterator[Finding]:
    """What midlevel requires and does not have; OpenCV has its own finding."""
    try:
        required = metadata.requires("midlevel") or []
    except metadata.PackageNotFoundError:  # run from its source alone
        required = []
    plain = (line for line in required if "extra ==" not in line)
    names = [re.split(r"[^\w.-]", line)[0] for line in plain]
    gone = [name for name in names if not version(name) and name != OPENCV]
    for name in gone:
        yield Finding(name, MEND, "is not installed", f"pip install {name}")


def _opencv() -> Finding:
    names = (dist.metadata["Name"] or "" for dist in metadata.distributions())
    found = sorted({n for n in names if n.lower().startswith("opencv-")})
    anew = f"pip uninstall -y {' '.join(found)}; pip install {OPENCV}"
    if len(found) > 1:
        text = f"{len(found)} packages write the same folder: {', '.join(found)}"
        return Finding("OpenCV", MEND, text, anew)
    try:
        cv2 = importlib.import_module("cv2")
    except ImportError as error:
        return Finding("OpenCV", MEND, f"cannot be imported: {error}", anew)
    gone = [name for name in USED if not hasattr(cv2, name)]
    if gone:
        place = next(iter(getattr(cv2, "__path__", ["cv2"])))
        text = f"{place} is hollow or too old: it has no {gone[0]}"
        return Finding("OpenCV", MEND, f"{text}; another OpenCV was removed?", anew)
    return Finding("OpenCV", FINE, f"{cv2.__version__} ({', '.join(found) or 'own'})")


def _openvino() -> Finding:
    if importlib.util.find_spec("openvino") is None:
        return Finding("OpenVINO", MEND, "is not installed", "pip install openvino")
    text = f"{version('openvino')}; its reports to its makers are off"
    return Finding("OpenVINO", FINE, text)


def _tensorflow() -> Finding:
    gone = [n for n in ("tensorflow", "keras") if importlib.util.find_spec(n) is None]
    if gone:
        text = (
            f"no {' and no '.join(gone)}: predict and evaluate do without; train and "
        )
        return Finding("TensorFlow", NOTE, f"{text}export need both", INSTALL)
    text = f"{version(*TENSORFLOW)}, Keras {version('keras')}"
    return Finding("TensorFlow", FINE, text)


# === Machine ===


def _engine() -> Finding:
    """What `auto` takes; that a GPU can be used only TensorFlow itself can tell."""
    cpu = "auto takes OpenVINO on the CPU, f32"
    if not gpu.driver_has_one():
        return Finding("engine", FINE, f"{cpu}: NVIDIA's driver shows no GPU")
    if importlib.util.find_spec("tensorflow") is None:
        text = f"{cpu}: there is a GPU, and no TensorFlow"
        return Finding("engine", NOTE, text, 'pip install "midlevel[gpu]"')
    if not version("tensorflow"):
        text = f"{cpu}: there is a GPU, and tensorflow-cpu cannot use it"
        advice = 'pip uninstall -y tensorflow-cpu; pip install "midlevel[gpu]"'
        return Finding("engine", NOTE, text, advice)
    text = "auto takes TensorFlow on the GPU, f32, if it can use it"
    return Finding("engine", FINE, text, "midlevel doctor --thorough tries")


def _machine() -> Finding:
    memory = machine.memory_of_machine()
    text = f"{machine.cores()} cores of {os.cpu_count()}, {memory / 1e9:.1f} GB memory"
    if memory < LEAST_MEMORY:
        advice = f"give it {LEAST_MEMORY / 1e9:.0f} GB, or train elsewhere"
        return Finding("machine", NOTE, f"{text}: too little to train", advice)
    return Finding("machine", FINE, text)


def _cache() -> Finding:
    """The place of features, and room for more."""
    advice = "set MIDLEVEL_CACHE_DIR to another folder"
    try:
        folder = store.default_folder()
    except errors.MidlevelError:
        return Finding("features", MEND, "there is no home folder for them", advice)
    try:
        place = next(p for p in (folder, *folder.parents) if p.exists())
        size = sum(map(_size, folder.rglob("*")))
        free = shutil.disk_usage(place).free
    except OSError as error:
        text = f"{folder}: cannot be reached: {error.strerror or error}"
        return Finding("features", MEND, text, advice)
    text = f"{folder}: {size / 1e9:.2f} GB, {free / 1e9:.1f} GB free"
    if not (place.is_dir() and os.access(place, os.W_OK)):
        return Finding("features", MEND, f"{text}; cannot be written", advice)
    if free < LEAST_FREE:
        text += f"; about {free / 1e6:,.0f} photographs"
        advice = f"delete {folder}, which is computed again, or {advice}"
        return Finding("features", MEND, text, advice)
    return Finding("features", FINE, text)


def _size(path: Path) -> int:
    """Bytes of a file; none if it is a folder, or has gone meanwhile."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0


# === Weights ===


def _packaged_weights() -> Finding:
    name, found = "weights", [spec for spec in table.SPECS if spec.packaged]
    advice = "install midlevel again; in a git checkout, restore the file"
    for packaged in (spec.packaged for spec in found if spec.packaged):
        if not packaged.file.is_file():
            return Finding(name, MEND, f"{packaged.file} is missing", advice)
        if files.digest(packaged.file) != packaged.sha256:
            return Finding(name, MEND, f"{packaged.file} is damaged", advice)
    names = ", ".join(spec.name for spec in found)
    return Finding(name, FINE, f"{names}: packaged; need no download")


def _other_weights() -> Finding:
    """Those that Keras has downloaded; midlevel asks for one where it is named."""
    home = os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")  # as Keras
    folder = Path(home) / "models"
    here = [spec.name for spec in table.SPECS if _has_weights(folder, spec)]
    text = f"of other backbones in {folder}: {', '.join(here) or 'none'}"
    return Finding("downloads", FINE, f"{text}; others are fetched when named")


def _has_weights(folder: Path, spec: table.Spec) -> bool:
    """Whether the file of a network of keras.applications is there, by its name."""
    key, is_whole = spec.application.lower(), spec.name == "vgg16_fc7"
    names = [path.stem.lower().replace("_", "") for path in folder.glob("*.h5")]
    ours = (n for n in names if re.match(f"(weights)?{key}(?!v)", n))
    return bool(key) and any(("notop" not in name) == is_whole for name in ours)


def _heic() -> Finding:
    if importlib.util.find_spec("pillow_heif") is None:
        text = "no pillow-heif: HEIC photographs of phones cannot be read"
        return Finding("HEIC", NOTE, text, 'pip install "midlevel[heic]"')
    return Finding("HEIC", FINE, f"pillow-heif {version('pillow-heif')}")
