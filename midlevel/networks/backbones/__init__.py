"""Frozen backbones: images -> maps. `build(name)` makes one of `BACKBONES`, `build_own`
one of a file that the user has.

Importing this package does not import TensorFlow.
"""

from midlevel.networks.backbones.backbone import (
    Backbone,
    as_far_as,
    build,
    build_own,
    fingerprint_of,
    keras_model,
    of_model,
    store,
    store_own,
)
from midlevel.networks.backbones.own import Facts
from midlevel.networks.backbones.table import (
    BACKBONES,
    DEFAULT,
    NAMES,
    Spec,
    find,
)

__all__ = ["BACKBONES", "DEFAULT", "NAMES", "Backbone", "Spec", "build", "find"]
__all__ += ["as_far_as", "fingerprint_of", "keras_model", "of_model", "store"]
__all__ += ["Facts", "build_own", "store_own"]
