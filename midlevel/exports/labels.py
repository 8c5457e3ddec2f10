"""What the numbers of an exported model mean: `labels.json`, and the same inside files.

Formats that hold texts by name get each entry of it as JSON under its name.
"""

import json
import zipfile
from pathlib import Path

from midlevel.prediction.model import Model

FILE = "labels.json"


def of(model: Model) -> dict:
    """The content of `labels.json`.

    Returns:
        `classes`, the columns of image scores; `window_scores`, the columns of window
        scores; `thresholds`, the probability from which each class is said to be
        present; `k`, the exponent of the image score.
    """
    return {
        "classes": list(model.classes),
        "thresholds": model.thresholds,
        "k": model.k,
        "window_scores": ["background", *model.classes],
    }


def as_json(labels: dict) -> str:
    """The text of `labels.json`."""
    return json.dumps(labels, indent=2, ensure_ascii=False) + "\n"


def as_texts(labels: dict) -> dict[str, str]:
    """Each entry as JSON, for formats that hold texts by name."""
    return {
        name: json.dumps(value, ensure_ascii=False) for name, value in labels.items()
    }


def put_into_zip(path: Path, labels: dict):
    """Add `labels.json` to a zip archive; to any other file, an archive at its end."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(FILE, as_json(labels))
