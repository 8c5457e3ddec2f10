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
    PACKAGED_FINGERPRINT,
    Spec,
    find,
)

__all__ = ["BACKBONES", "DEFAULT", "NAMES", "Backbone", "Spec", "build", "find"]
__all__ += ["PACKAGED_FINGERPRINT", "fingerprint_of", "keras_model", "store"]
