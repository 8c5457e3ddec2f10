"""midlevel teaches an ImageNet network new classes from boxed photographs.

    run = midlevel.train("photographs/", settings={"data.classes": ["cat", "dog"]})
    model = midlevel.load(run.folder)
    model.predict("holiday/")

Importing midlevel is quick: TensorFlow is loaded by the first call that needs it. Once
midlevel is imported, Keras can load the models it exports.
"""

import importlib

import wrapt

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
    "report": "midlevel.pages.report.report_page",
    "train": "midlevel.api",
}
__all__ = ["MidlevelError", "__version__", *_PLACES]


def __getattr__(name: str):
    if name == "__version__":
        from importlib.metadata import version

        return version("midlevel")
    if name in _PLACES:
        return getattr(importlib.import_module(_PLACES[name]), name)
    raise AttributeError(f"module 'midlevel' has no attribute {name!r}")


def __dir__():
    return __all__


@wrapt.when_imported("keras")
def _register_layers(keras):
    """Make the layers of exported models known to Keras, whenever it is imported."""
    if keras.config.backend() == "tensorflow":  # midlevel's layers need no other
        importlib.import_module("midlevel.networks.export_layers")
