"""The table of formats: data alone, so that a wrong name is refused before any work."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

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
        has_fixed_size: whether whole images must be of one size.
        batch: how many windows or images it takes at a time; None: any number.
        extra: of midlevel's extras the one with the packages; empty: none is needed.
        to_write, to_run: these packages, as they are imported.
    """

    name: str
    title: str
    module: str
    ending: str
    tolerance: float = 1e-4
    has_fixed_size: bool = False
    batch: int | None = None
    extra: str = ""
    to_write: tuple[str, ...] = ()
    to_run: tuple[str, ...] = ()

    @property
    def room(self) -> ModuleType:
        """The module that writes and loads it."""
        return importlib.import_module(f"midlevel.exports.{self.module}")


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
    # It computes sizes in float32, which lays other windows over photographs of 5 to 4.
    Format("openvino", "OpenVINO", "openvino", ".xml", has_fixed_size=True),
    Format(
        "litert",
        "LiteRT",
        "litert",
        ".tflite",
        has_fixed_size=True,
        batch=1,
        extra="litert",
        to_run=("ai_edge_litert",),
    ),
)
NAMES = tuple(form.name for form in TABLE)


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


def require(chosen: Sequence[Format], verify: bool):
    """Refuse before any work what cannot be written, or verified, on this machine.

    Raises:
        errors.MissingDependency: TensorFlow or a package is not installed.
    """
    runtime.load_keras()  # before the others, which would load it less quietly
    for form in chosen:
        for package in form.to_write + (form.to_run if verify else ()):
            runtime.load(package, package, form.extra)
