"""What the numbers of an exported model mean: `labels.json`, and the same inside files.

Formats that hold texts by name get each entry of it as JSON under its name.
"""

import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from midlevel import errors
from midlevel.prediction.model import Model
from midlevel.system import text

FILE = "labels.json"
PLAIN_FILE = "labels.txt"  # a class a line, as tools for phones read it


def of(model: Model) -> dict[str, Any]:
    """The content of `labels.json`.

    Returns:
        `classes`, the columns of image scores; `window_scores`, the columns of window
        scores; `thresholds`, the probability from which each class is said to be
        present; `aggregation`, of window scores to image scores; `k`, its exponent,
        null where it is no power mean.
    """
    return {
        "classes": list(model.classes),
        "thresholds": model.thresholds,
        "k": model.k,
        "aggregation": asdict(model.aggregation),
        "window_scores": list(model.columns),
    }


def as_lines(content: dict[str, Any]) -> str:
    """The text of `labels.txt`."""
    return "".join(errors.plain(name) + "\n" for name in content["classes"])


def as_texts(content: dict[str, Any]) -> dict[str, str]:
    """Each entry as JSON, for formats that hold texts by name."""
    return {
        name: json.dumps(value, ensure_ascii=False) for name, value in content.items()
    }


def put_into_zip(path: Path, content: dict[str, Any]) -> None:
    """Add `labels.json` to a zip archive; to any other file, an archive at its end."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(FILE, text.as_json(content))
