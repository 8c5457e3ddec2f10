"""Frozen backbones: images -> maps. `build(name)` makes one of `BACKBONES`.

Importing this package does not import TensorFlow.
"""

from midlevel.networks.backbones.backbone import (
    Backbone,
    build,
    fingerprint_of,
    keras_model,
    store,
)
from midlevel.networks.backbones.table import (
    BACKBONES,
    DEFAULT,
    NAMES,
    Spec,
    find,
)

__all__ = ["BACKBONES", "DEFAULT", "NAMES", "Backbone", "Spec", "build", "find"]
__all__ += ["fingerprint_of", "keras_model", "store"]
