"""The files of a journal, and how they are read; see `journal`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from midlevel.prediction import records

TIED = (
    "schema",
    "fingerprint",
    "regions",
    "root",
)  # what all records of a file have in common


def beside(output: Path, what: str) -> Path:
    """The file of a journal that goes with its output."""
    return output.with_name(f"{output.name}.{what}")


def lock(output: Path) -> Path:
    """The file that is locked while the output is written."""
    return output.with_name(f".{output.name}.lock")


def abouts(output: Path) -> tuple[Path, Path]:
    """What is said of the output, and of the part."""
    return beside(output, "meta.json"), beside(output, "part.json")


def size(path: Path) -> int:
    """Bytes of a file; 0 where there is none."""
    return path.stat().st_size if path.exists() else 0


def read(about: Path) -> dict[str, Any]:
    """What is said of records; nothing where it cannot be read."""
    try:
        found = json.loads(about.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def tied(about: Path, meta: Mapping[str, Any], names: Sequence[str] = TIED) -> bool:
    """Whether the records that `about` tells of are of the same model."""
    before = read(about)
    return all(before.get(name) == meta.get(name) for name in names)


def encoded(content: Mapping[str, Any], indent: int | None = None) -> bytes:
    """JSON in UTF-8; bytes of a file's name that are no text come as escapes."""
    text = json.dumps(content, ensure_ascii=False, indent=indent) + "\n"
    return text.encode("utf-8", "backslashreplace")


def parsed(line: bytes) -> records.Record | None:
    """The record in a line; None if it is cut off, or something else."""
    try:
        record = json.loads(line) if line.endswith(b"\n") else None
        return record if record and {"file", "failure"} <= set(record) else None
    except (ValueError, TypeError):
        return None
