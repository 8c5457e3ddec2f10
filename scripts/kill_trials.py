"""What `kill.py` kills, and what each command makes in the end."""

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from midlevel.features import chunks

EPOCHS = 12
NEVER = "\0"  # said
SETTINGS = {
    "windows.pyramid": "single",
    "head.hidden": [128],
    "image_loss.epochs": EPOCHS,
    "training.patience": EPOCHS,
    "report": False,  # a run is finished before, and not taken up again for it
}


@dataclass
class Trial:
    """One command to kill.

    Attributes:
        command: with its arguments.
        begins: what it says on stderr when the work begins.
        ends: what it says when that work is done; it is not killed later.
        made: gives what the command made, by name, to compare.
        clear: takes away what it made, for the next round.
    """

    name: str
    command: list[str]
    begins: str
    ends: str
    made: Callable[[], dict]
    clear: Callable[[], None]
    kills: int = 0
    rounds: int = 0
    fell: dict[str, int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    seconds: float = 0.0


# === What the commands make ===


def features(store: Path) -> dict:
    """A checksum of the rows of every view, by key."""
    found = {}
    for index in sorted(store.rglob("[!.]*.json")):
        chunk, start = chunks.sound(index), 0
        if chunk is None:
            found[index.name] = "damaged"
            continue
        rows = chunks.np.load(chunks.data_of(index), mmap_mode="r")
        for key, size_wh, count in chunk.views:
            digest = hashlib.sha256(rows[start : start + count]).hexdigest()
            found[key] = size_wh, digest
            start += count
    return found


def trained(folder: Path) -> dict:
    """Weights, scores and thresholds; not the times and the command."""
    record = json.loads((folder / "run.json").read_text())
    metrics = json.loads((folder / "metrics.json").read_text())
    with zipfile.ZipFile(folder / "head.keras") as head:
        weights = hashlib.sha256(head.read("model.weights.h5")).hexdigest()
    whole = ("head.bin", "backbone.bin", "history.csv", "split.csv", "config.yaml")
    digests = {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in whole}
    del metrics["timings"], record["engine"]
    files = sorted(path.name for path in folder.iterdir())
    return {"head.keras": weights, **digests, **metrics, **record, "files": files}


def trials(data: Path, place: Path, settings: dict, command: list[str]) -> list[Trial]:
    """The three commands, on the data set `data` and the photographs in `place`."""
    options = [f"--set={key}={json.dumps(value)}" for key, value in settings.items()]
    photographs, output = place / "photographs", place / "out" / "predictions.jsonl"
    model = place / "runs" / "model"

    def train(name, store, **more):
        more = [f"--set={k.replace('__', '.')}={v}" for k, v in more.items()]
        where = [
            "--run",
            str(place / "runs" / name),
            "--set",
            f"features.store={store}",
        ]
        return [*command, "train", str(data), *where, *options, *more]

    def clear(*folders):
        return lambda: [remove(folder) for folder in folders]

    return [
        Trial(
            "extract",
            train("extract", place / "store", image_loss__epochs=1),
            "to compute",
            "windows to learn",
            lambda: features(place / "store"),
            clear(place / "store"),  # the run, which has not begun to learn, goes on
        ),
        Trial(
            "train",
            train("model", place / "kept"),
            "run: ",
            NEVER,
            lambda: trained(model),
            clear(model),
        ),
        Trial(
            "predict",
            [*command, "predict", str(photographs), "--model", str(model)]
            + ["--output", str(output)],
            "engine: ",
            NEVER,
            lambda: {
                **{str(i): line for i, line in enumerate(lines(output))},
                "files": sorted(path.name for path in output.parent.iterdir()),
            },
            clear(output.parent),
        ),
    ]


def remove(folder: Path):
    """Delete a folder with what is in it, if it is there."""
    shutil.rmtree(folder, ignore_errors=True)


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)
