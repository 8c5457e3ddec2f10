"""Kills midlevel at random moments, and compares what it makes in the end.

`midlevel train` while it makes features (extract), `midlevel train` while it learns
(train), and `midlevel predict`, each as a process of its own that is killed by SIGKILL
with all it started, and begun again by the same command. When one comes to its end, its
artefacts are compared with those of an uninterrupted run, and the next round begins
from nothing, until there were as many kills as asked for.

    python scripts/kill.py voc-animals --classes cat,dog --kills 50

Three of four kills fall at a random moment of the work, the others while the command
starts. To keep it short: a few of the photographs, windows of the pyramid `single`, a
small head, and chunks of the store of 2 MB instead of 48, so that there are some to
lose. With `predict` the outputs of `--shard 0/3`, `1/3` and `2/3` are compared with the
whole, line for line. Leaves with 1 if anything differs.
"""

import random
import subprocess
import sys
import tempfile
from pathlib import Path

import click
from compare_paths import count_option
from kill_process import Process, run
from kill_trials import SETTINGS, Trial, lines, trials
from subsets import choose, link

from midlevel import datasets, errors

CODE = (
    "from midlevel.features import store\nfrom midlevel.__main__ import main\n"
    "store.CHUNK_BYTES = 2_000_000\nmain()"
)
COMMAND = [sys.executable, "-c", CODE]


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
