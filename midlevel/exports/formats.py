"""The table of formats: data alone, so that a wrong name is refused before any work."""

import dataclasses
import importlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from midlevel import errors
from midlevel.system import runtime, text

ALL = "all"


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        name: what users type.
        title: what people call it.
        module: of this package. Its `write(network, path, labels)` writes a Keras model
            with what its numbers mean; its `load(path)` gives a function of a batch, of
            the format's own runtime; its `EXAMPLE` shows a user how to run
            `image` + `ending` on `photograph.jpg`.
        ending: of the file's name.
        tolerance: largest difference of a score from the run's.
        precision: of the weights in the file, what `write` is told where it is not f32.
        has_fixed_size: whether whole images must be of one size.
        is_counted: whether sizes of levels are (`networks.counted_grids`), as the
            runtime has no float64; else whole images are of one size.
        batch: how many windows or images it takes at a time; None: any number.
        extra: of midlevel's extras the one with the packages; empty: none is needed.
        to_write, to_run: these packages, as they are imported.
    """

    name: str
    title: str
    module: str
    ending: str
    tolerance: float = 1e-4
    precision: str = "f32"
    has_fixed_size: bool = False
    is_counted: bool = False
    batch: int | None = None
    extra: str = ""
    to_write: tuple[str, ...] = ()
    to_run: tuple[str, ...] = ()

    @property
    def room(self) -> ModuleType:
        """The module that writes and loads it."""
        return importlib.import_module(f"midlevel.exports.{self.module}")

    def write(self, network: Any, path: Path, content: dict[str, Any]) -> None:
        """Write a Keras model, and what its numbers mean, to `path`."""
        options = {} if self.precision == "f32" else {"precision": self.precision}
        self.room.write(network, path, content, **options)


LITERT = Format(
    "litert",
    "LiteRT",
    "litert",
    ".tflite",
    has_fixed_size=True,
    batch=1,
    extra="litert",
    to_run=("ai_edge_litert",),
)
TABLE = (
    Format("keras", "Keras", "keras_file", ".keras"),
    Format("savedmodel", "TensorFlow's SavedModel", "savedmodel", ".savedmodel"),
    Format(
        "onnx",
        "ONNX Runtime",
        "onnx",
        ".onnx",
        extra="onnx",
        to_write=("onnx", "tf2onnx"),
        to_run=("onnxruntime",),
    ),
    Format("openvino", "OpenVINO", "openvino", ".xml", is_counted=True),
    # All three are written: which one a phone wants is known only there.
    LITERT,
    dataclasses.replace(LITERT, ending=".f16.tflite", precision="f16", tolerance=0.03),
    dataclasses.replace(
        LITERT, ending=".int8.tflite", precision="int8", tolerance=0.25
    ),
)
NAMES = tuple(dict.fromkeys(form.name for form in TABLE))


def find(names: Sequence[str]) -> list[Format]:
    """The formats of these names, in the table's order; `all` is every one.

    Raises:
        errors.MidlevelError: no format has one of the names, or none is given.
    """
    for name in names:
        if name not in (*NAMES, ALL):
            raise errors.MidlevelError(
                f"A format must be one of {', '.join(NAMES)}, {ALL}. Received: "
                f"{name}.{text.did_you_mean(name, NAMES)}"
            )
    if not names:
        raise errors.MidlevelError(f"Name a format: {', '.join(NAMES)} or {ALL}.")
    return [form for form in TABLE if form.name in names or ALL in names]


def check(names: Sequence[str], verify: bool = True) -> list[Format]:
    """The formats of these names, if this machine can write, and verify, them.

    Looks for packages alone: to import them takes half a minute.

    Raises:
        errors.MissingDependency: TensorFlow or a package is not installed.
        errors.MidlevelError: no format has one of the names, or none is given.
    """
    chosen = find(names)
    if not _is_there("tensorflow"):
        runtime.load_keras()
    for form in chosen:
        for package in form.to_write + (form.to_run if verify else ()):
            if not _is_there(package):
                runtime.load(package, package, form.extra)
    return chosen


def _is_there(package: str) -> bool:
    return importlib.util.find_spec(package) is not None
