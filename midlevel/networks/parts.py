"""What a Keras file of midlevel may be made of; anything else is not loaded.

Keras refuses lambdas by itself, but takes any class that it can find by name.
"""

import json
import zipfile
from pathlib import Path

# Module: classes. A head with further parts adds them here, and nowhere else.
PARTS: dict[str, tuple[str, ...]] = {
    "keras.layers": (
        *("InputLayer", "Dense", "Dropout"),
        *("UnitNormalization", "Rescaling"),  # normalised features
        "Concatenate",  # old and new units
    ),
    "midlevel.networks.l2_scale": ("L2Scale",),
    # what `heads.build` does to features before these
    "keras.src.ops.numpy": (
        *("Absolute", "Add", "Multiply", "Sign", "Sqrt", "Subtract"),
        *(
            "Concatenate",
            "Prod",
        ),  # and once did to scores, where it knows no background
    ),
    "midlevel.networks.score_layers": ("WithNone", "OfTasks"),
    "keras.initializers": ("GlorotUniform", "HeNormal", "Zeros"),
    "keras.optimizers": ("Adam", "SGD"),  # of checkpoints
    "keras.optimizers.schedules": ("CosineDecay",),
    "keras": ("DTypePolicy",),
    "keras.src.models.functional": ("Functional",),
    "": ("__keras_tensor__",),  # a constant's place in the graph
}
LARGEST = 1_000_000  # bytes of a head's description


def check(path: Path) -> None:
    """Refuse what is not one of `PARTS` before Keras looks for its class.

    Raises:
        ValueError: the file has another part, or its description is none.
        OSError, KeyError, zipfile.BadZipFile: it is no `.keras` file.
    """
    with zipfile.ZipFile(path) as file, file.open("config.json") as part:
        waiting = [json.loads(part.read(LARGEST))]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict) and "class_name" in item and not _is_known(item):
            name = f"{item.get('module') or ''}.{item['class_name']}"
            raise ValueError(f"it has a part that no head has, {name[:80]!r}")
        if isinstance(item, dict | list):
            waiting += item.values() if isinstance(item, dict) else item


def _is_known(item: dict) -> bool:
    """Whether a class is in the table, by the name that Keras goes by.

    Keras looks for the registered name before it looks for module and class.
    """
    module, name = item.get("module") or "", item["class_name"]
    registered = item.get("registered_name")
    own = f"midlevel>{name}" if str(module).startswith("midlevel.") else name
    return name in PARTS.get(str(module), ()) and registered in (None, own)
