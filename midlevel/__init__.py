"""midlevel teaches an ImageNet network new classes from boxed photographs.

    run = midlevel.train("photographs/", settings={"data.classes": ["cat", "dog"]})
    model = midlevel.load(run.folder)
    model.predict("holiday/")

Importing midlevel is quick: TensorFlow is loaded by the first call that needs it.
"""

import importlib
from typing import TYPE_CHECKING

from midlevel.errors import MidlevelError as MidlevelError
from midlevel.images import limits as _limits  # noqa: F401 - before OpenCV is loaded

if TYPE_CHECKING:
    from midlevel.api import advise as advise
    from midlevel.api import check as check
    from midlevel.api import compare as compare
    from midlevel.api import evaluate as evaluate
    from midlevel.api import explain as explain
    from midlevel.api import export as export
    from midlevel.api import load as load
    from midlevel.api import load_keras as load_keras
    from midlevel.api import predict as predict
    from midlevel.api import report as report
    from midlevel.api import serve as serve
    from midlevel.api import train as train
    from midlevel.api import units as units
    from midlevel.api import windows as windows
    from midlevel.prediction.model import Model as Model
    from midlevel.prediction.records import Record as Record
    from midlevel.prediction.records import Records as Records
    from midlevel.runs import Run as Run
    from midlevel.settings.config import Config as Config
    from midlevel.system.progress import Progress as Progress

    __version__: str

_PLACES = {
    "Config": "midlevel.settings.config",
    "Model": "midlevel.prediction.model",
    "Progress": "midlevel.system.progress",
    "Record": "midlevel.prediction.records",
    "Records": "midlevel.prediction.records",
    "Run": "midlevel.runs",
    "advise": "midlevel.api",
    "check": "midlevel.api",
    "compare": "midlevel.api",
    "evaluate": "midlevel.api",
    "explain": "midlevel.api",
    "export": "midlevel.api",
    "load": "midlevel.api",
    "load_keras": "midlevel.api",
    "predict": "midlevel.api",
    "report": "midlevel.api",
    "serve": "midlevel.api",
    "train": "midlevel.api",
    "units": "midlevel.api",
    "windows": "midlevel.api",
}
__all__ = ["MidlevelError", "__version__", *_PLACES]

if not TYPE_CHECKING:  # a checker knows the names above, and refuses others

    def __getattr__(name: str) -> object:
        if name == "__version__":
            from importlib.metadata import version

            return version("midlevel")
        if name in _PLACES:
            return getattr(importlib.import_module(_PLACES[name]), name)
        raise AttributeError(f"module 'midlevel' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
