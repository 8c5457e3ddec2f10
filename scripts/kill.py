"""Kills midlevel at random moments, and compares what it makes in the end.

`midlevel train` while it makes features (extract), `midlevel train` while it learns
(train), and `midlevel predict`, each as a process of its own that is killed by SIGKILL
with all it started, and begun again by the same command. When one comes to its end, its
artefacts are compared with those of an uninterrupted run, and the next round begins
from nothing, until there were as many kills as asked for.

    python scripts/kill.py voc-animals --classes cat,dog --kills 50

Three of four kills fall at a random moment of the work, the others while the command
starts. To keep it short: a few of the photographs, windows of the pyramid `single`, a
small head, and shards of 2 MB instead of 48, so that there are some to lose. With
`predict` the outputs of `--shard 0/3`, `1/3` and `2/3` are compared with the whole,
line for line. Leaves with 1 if anything differs.
"""

import contextlib
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import click
from compare_paths import choose, count_option, link

from midlevel import datasets, errors, shards

CODE = (
    "from midlevel import store\nfrom midlevel.__main__ import main\n"
    "store.SHARD_BYTES = 2_000_000\nmain()"
)
COMMAND = [sys.executable, "-c", CODE]
STARTING = 0.25  # share of kills that fall before the work begins
EPOCHS = 12
NEVER = "\0"  # said
SETTINGS = {
    "windows.pyramid": "single",
    "head.hidden": [128],
    "training.epochs": EPOCHS,
    "training.patience": EPOCHS,
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


class Process:
    """The command, running.

    Attributes:
        lines: what it has said so far.
        began: set when its work began.
    """

    def __init__(self, trial: Trial):
        self.started = time.monotonic()
        self.lines: list[str] = []
        self._code: int | None = None  # where its work ends before it does
        self.began, self._ended = threading.Event(), threading.Event()
        self._process = subprocess.Popen(
            trial.command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=[trial])
        self._reader.start()

    def _read(self, trial: Trial):
        with self._process.stderr as said:
            for line in said:
                self.lines.append(line.rstrip())
                if trial.begins in line:
                    self.began.set()
                if trial.ends in line:
                    os.killpg(self._process.pid, signal.SIGKILL)
                    self._code = 0
        self.began.set()
        self._ended.set()

    def has_ended(self, seconds: float | None = None) -> bool:
        """Whether its work came to its end in that time."""
        if not self._ended.wait(seconds):
            return False
        code = self._process.wait() if self._code is None else self._code
        if code:
            raise click.ClickException("\n".join(self.lines[-20:]))
        self.kill()
        return True

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()


def run(trial: Trial, kills: int, rng: random.Random):
    """Run uninterrupted, then killed again and again; notes what differs."""
    trial.clear()
    whole = Process(trial)
    whole.began.wait()
    start = time.monotonic() - whole.started
    whole.has_ended()
    work = time.monotonic() - whole.started - start
    expected = trial.made()
    begun = time.monotonic()
    trial.clear()
    while True:
        process = Process(trial)
        if trial.kills == kills:
            ended = process.has_ended()
        elif rng.random() < STARTING:
            ended = process.has_ended(rng.uniform(0, start))
        else:
            process.began.wait()
            ended = process.has_ended(rng.uniform(0, work))
        if ended:
            compare(trial, expected)
            if trial.kills == kills:
                break
            trial.clear()
        else:
            process.kill()
            trial.kills += 1
            where = stage(process)
            trial.fell[where] = trial.fell.get(where, 0) + 1
            click.echo(f"{trial.name}: kill {trial.kills} in {where}", err=True)
    trial.seconds = time.monotonic() - begun


def stage(process: Process) -> str:
    """Where a process was, by what it said last."""
    stages = {
        f"epoch {EPOCHS}:": "the end",
        "validation mAP": "the end",
        "epoch ": "an epoch",
        "windows to learn": "an epoch",
        "features of": "features",
        "run: ": "keeping the backbone",
        "engine: ": "scoring",
    }
    for line in reversed(process.lines):
        for begins, name in stages.items():
            if line.startswith(begins):
                return name
    return "starting"


def compare(trial: Trial, expected: dict):
    found = trial.made()
    trial.rounds += 1
    for name in expected.keys() | found.keys():
        if expected.get(name) != found.get(name):
            trial.differences.append(f"round {trial.rounds}: {name} differs")


# === What the commands make ===


def features(store: Path) -> dict:
    """A checksum of the rows of every view, by key."""
    found = {}
    for index in sorted(store.rglob("[!.]*.json")):
        shard, start = shards.sound(index), 0
        if shard is None:
            found[index.name] = "damaged"
            continue
        rows = shards.np.load(shards.data_of(index), mmap_mode="r")
        for key, size_wh, count in shard.views:
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
            train("extract", place / "store", training__epochs=1),
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
    if folder.exists():
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        folder.rmdir()


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def differing_shards(place: Path, command: list[str], parts: int = 3) -> list[str]:
    """What is not the same in the parts' outputs and the whole's."""
    found = {}
    for part in ["0/1", *(f"{i}/{parts}" for i in range(parts))]:
        output = place / "shards" / f"{part.replace('/', '-')}.jsonl"
        options = ["--model", str(place / "runs" / "model"), "--shard", part]
        options += ["--output", str(output), "-q"]
        source = str(place / "photographs")
        subprocess.run([*command, "predict", source, *options], check=True)
        found[part] = lines(output)
    whole = found.pop("0/1")
    joined = [line for some in found.values() for line in some]
    if len(joined) != len(whole):
        return [f"{len(joined)} lines in the shards, {len(whole)} in the whole"]
    pairs = enumerate(zip(joined, whole, strict=True), 1)
    return [f"line {number} differs" for number, (a, b) in pairs if a != b]


# === The script ===


def prepare(data: Path, place: Path, classes: list[str], count: int) -> Path:
    """A data set of few photographs; and some in a folder, one of which is none."""
    dataset = datasets.read(data, classes)
    splits = {"train": choose(dataset, "train", count)}
    splits["val"] = choose(dataset, "val", max(count // 3, len(classes)))
    link(data, place / "data", splits)
    (place / "photographs").mkdir()
    for path in choose(dataset, "val", min(3 * count, len(dataset.split("val")))):
        (place / "photographs" / path.name).symlink_to(path.resolve())
    (place / "photographs" / "broken.jpg").write_bytes(b"no photograph")
    return place / "data"


def kill_all(chosen: list[Trial], names: list[str], kills: int, seed: int):
    """The trials that `names` names; what they need of one another is made."""
    for trial in chosen:
        if trial.name in names:
            click.echo(f"{trial.name}: {' '.join(trial.command[3:6])} ...", err=True)
            run(trial, kills, random.Random(f"{seed} {trial.name}"))
        elif trial.name == "train" and "predict" in names:
            Process(trial).has_ended()


def as_table(chosen: list[Trial]) -> str:
    form = "{:8}  {:>5}  {:>6}  {:>7}  {:>11}  {}".format
    rows = [form("", "kills", "rounds", "seconds", "differences", "where they fell")]
    for trial in chosen:
        fell = ", ".join(f"{n} in {k}" for k, n in sorted(trial.fell.items()))
        numbers = (trial.kills, trial.rounds, round(trial.seconds))
        rows.append(form(trial.name, *numbers, len(trial.differences), fell))
    return "\n".join(rows)


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--classes", required=True, metavar="A,B,C", help="Names of boxes.")
@count_option("--kills", 1, 50, "For each command.")
@click.option("--what", default="extract,train,predict", show_default=True)
@count_option("--count", 2, 60, "Photographs to learn from.")
@click.option("--seed", type=int, default=0, show_default=True)
def main(data, classes, kills, what, count, seed):
    """Kill midlevel at random moments on DATA, a folder laid out as PASCAL VOC."""
    names = what.split(",")
    if unknown := set(names) - {"extract", "train", "predict"}:
        raise click.BadParameter(f"no command is called {', '.join(sorted(unknown))}")
    classes = classes.split(",")
    try:
        with tempfile.TemporaryDirectory() as place:
            subset = prepare(data, Path(place), classes, count)
            settings = {**SETTINGS, "data.classes": classes}
            chosen = trials(subset, Path(place), settings, COMMAND)
            kill_all(chosen, names, kills, seed)
            with_shards = "predict" in names
            different = differing_shards(Path(place), COMMAND) if with_shards else []
    except errors.MidlevelError as error:
        raise click.ClickException(str(error)) from error
    click.echo(as_table([trial for trial in chosen if trial.name in names]))
    if with_shards:
        click.echo(f"shards 0/3, 1/3, 2/3 and the whole: {len(different)} lines differ")
    found = [line for trial in chosen for line in trial.differences] + different
    click.echo("\n".join(found), nl=bool(found))
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
