"""`exports.json`: the files of an export, what they take, how far off they are.

{"schema": "midlevel-exports/1", "run": name of its folder, "model": fingerprint,
 "versions": of what wrote it, "files": [{"file", "format", "bytes",
 "precision": of the weights, "takes": {"name", "dtype", "shape"}, "gives": the same,
 "tolerance", "largest_difference": null if not verified, "cost_of_size":
 {"largest", "mean", "labels"} as `verification.costs` has it, or null,
 "verified_on": names of photographs}]}
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midlevel import errors, runs
from midlevel.exports.formats import Format
from midlevel.prediction.model import Model
from midlevel.system import files, text

FILE = "exports.json"
SCHEMA = "midlevel-exports/1"
ADVICE = "Name another --output."


@dataclass(frozen=True)
class Verified:
    """What was found of a file in its own runtime.

    Attributes:
        worst: the largest difference of a score from the run's; None: not verified.
        cost: of the one size of image that the file takes; None where it takes any.
        photographs: names of those that it was found on.
    """

    worst: float | None
    cost: dict[str, float] | None
    photographs: list[str]


def add(
    folder: Path,
    model: Model,
    form: Format,
    name: str,
    network: Any,
    verified: Verified,
) -> None:
    """Say of a file what was found; other files of the same model stay.

    Args:
        network: the Keras model that became the file.
    """
    (taken,), (given,) = network.inputs, network.outputs
    entry = {
        "file": name,
        "format": form.name,
        "bytes": size(folder / name),
        "precision": form.precision,
        "takes": {
            "name": taken.name,
            "dtype": taken.dtype,
            "shape": [form.batch, *taken.shape[1:]],
        },
        "gives": {
            "name": "scores",
            "dtype": given.dtype,
            "shape": [form.batch, *given.shape[1:]],
        },
        "tolerance": form.tolerance,
        "largest_difference": verified.worst,
        "cost_of_size": verified.cost,
        "verified_on": verified.photographs,
    }
    others = [row for row in read(folder, model)["files"] if row["file"] != name]
    content = {**_about(model), "files": [*others, entry]}
    with files.explained(folder / FILE, ADVICE):
        files.write_text(folder / FILE, text.as_json(content))


def read(folder: Path, model: Model) -> dict[str, Any]:
    """What `add` wrote of this model; without files if there is nothing of it."""
    try:
        content = json.loads(files.read_text(folder / FILE))
        if (content["schema"], content["model"]) == (SCHEMA, model.fingerprint):
            there = [row for row in content["files"] if (folder / row["file"]).exists()]
            return {**content, "files": there}
    except (OSError, ValueError, KeyError, TypeError):
        pass  # none, or somebody else's
    return {**_about(model), "files": []}


def check_own(folder: Path, model: Model) -> None:
    """Refuse a folder with files of another model: labels.json would be wrong for them.

    Raises:
        errors.MidlevelError: there are such.
    """
    try:
        content = json.loads(files.read_text(folder / FILE))
        is_other = content["model"] != model.fingerprint
        there = [r["file"] for r in content["files"] if (folder / r["file"]).exists()]
    except (OSError, ValueError, KeyError, TypeError):
        return
    if is_other and there:
        raise errors.MidlevelError(
            f"{folder}: holds {there[0]} of another model. Name another --output, or "
            f"delete what {FILE} lists."
        )


def size(path: Path) -> int:
    """Bytes of a file with what belongs to it, or of a folder."""
    if path.is_dir():
        return sum(part.stat().st_size for part in path.rglob("*") if part.is_file())
    weights = path.with_suffix(".bin") if path.suffix == ".xml" else path
    return sum(part.stat().st_size for part in {path, weights})


def _about(model: Model) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "run": model.run.folder.resolve().name,
        "model": model.fingerprint,
        "versions": runs.environment()["versions"],
    }
