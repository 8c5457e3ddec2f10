"""midlevel teaches an ImageNet network new classes from boxed photographs.

    run = midlevel.train("photographs/", settings={"data.classes": ["cat", "dog"]})
    model = midlevel.load(run.folder)
    model.predict("holiday/")

Importing midlevel is quick: TensorFlow is loaded by the first call that needs it.
"""

import importlib
from typing import Any

from midlevel.errors import MidlevelError
from midlevel.images import limits as _limits  # noqa: F401 - before OpenCV is loaded

_PLACES = {
    "Config": "midlevel.settings.config",
    "Model": "midlevel.prediction.model",
    "Progress": "midlevel.system.progress",
    "Run": "midlevel.runs",
    "evaluate": "midlevel.evaluation.evaluate",
    "export": "midlevel.exports",
    "load": "midlevel.prediction.model",
    "load_keras": "midlevel.exports.keras_file",
    "report": "midlevel.pages.report.report_page",
    "train": "midlevel.api",
}
__all__ = ["MidlevelError", "__version__", *_PLACES]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("midlevel")
    if name in _PLACES:
        return getattr(importlib.import_module(_PLACES[name]), name)
    raise AttributeError(f"module 'midlevel' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
