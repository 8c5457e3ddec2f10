"""Frozen backbones: image -> map. `build(name)` makes one of `BACKBONES`.

Importing this package does not import TensorFlow; `build` and `Backbone` do, when
first used.
"""

from midlevel import runtime
from midlevel.backbones.table import BACKBONES, DEFAULT, NAMES, Spec, find

__all__ = ["BACKBONES", "DEFAULT", "NAMES", "Backbone", "Spec", "build", "find"]


def __getattr__(name: str):
    if name in ("Backbone", "build"):
        runtime.load_keras()
        from midlevel.backbones import network

        return getattr(network, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
