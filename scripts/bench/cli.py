"""The commands of `python scripts/bench`."""

import json
import sys
import tempfile
from pathlib import Path

import click
from click_parts import Group, file, folder, new_file

from bench import child, machine, ways
from midlevel.images import sources
from midlevel.system.progress import Progress

json_option = click.option("--json", "output", type=new_file, help="Write all figures.")
backbone_option = click.option(
    "--backbone", default="efficientnet_lite0", show_default=True
)


def count_option(name: str, default: int | None, text: str):
    kind = click.IntRange(1)
    return click.option(name, type=kind, default=default, show_default=True, help=text)


@click.group(cls=Group)
def main():
    """How fast midlevel is, what that takes, and how it grows.

    For Linux and macOS. Machines are noisy: what is compared is run in turns, and
    ratios are of one turn.
    """


@main.command()
@click.argument("photographs", type=folder)
@count_option("--count", 12, "Photographs.")
@count_option("--naive-count", 2, "Photographs for rows that cut windows out.")
@count_option("--turns", 5, "Of all rows.")
@count_option("--classes", 20, "Of the head.")
@backbone_option
@click.option("--rows", default="*", show_default=True, help="Such as naive,single-*.")
@click.option("--memory", is_flag=True, help="Peak memory of each row.")
@click.option("--stages", is_flag=True, help="A table of what takes how long.")
@click.option("--accuracy", type=file, help="JSON of compare_paths.py: its mAP.")
@json_option
def predict(photographs, count, rows, accuracy, stages, output, **options):
    """From files to image scores, in every way there is, in turns.

    Rows: naive (Keras' predict on crops), crops (a TensorFlow graph, larger batches),
    and PYRAMID-ENGINE-PRECISION, midlevel's own way.
    """
    from bench import predict, tables

    known, left_out = ways.at_hand()
    chosen, paths = ways.chosen(known, rows), sources.find(photographs)[:count]
    measured_on = machine.describe()
    found = _predict(paths, chosen, **options)
    if accuracy:
        predict.accuracy(found["rows"], json.loads(accuracy.read_text()))
    found = {"machine": machine.done(measured_on), "left_out": left_out, **found}
    write(found, output)
    click.echo(tables.of_predict(found, stages))


def _predict(paths, chosen, naive_count, turns, classes, backbone, memory) -> dict:
    from bench import predict

    progress, peaks = Progress(), {}
    with tempfile.TemporaryDirectory() as place:
        run = prepared(Path(place, "run"), backbone, classes)
        if memory:  # first: later this process may have taken the GPU's memory
            peaks = predict.memory(run, chosen, paths, naive_count, progress)
        found = predict.measure(chosen, run, paths, naive_count, turns, progress)
    for row in found["rows"]:
        row.update(peaks.get(row["name"], {}))
    return found


def prepared(folder: Path, backbone: str, classes: int):
    """A run made in a process of its own."""
    from midlevel import runs

    child.call("prepare", folder=str(folder), backbone=backbone, classes=classes)
    return runs.Run(folder)


def write(found: dict, output: Path | None):
    """All figures as JSON, if that is wanted."""
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")


@main.command()
@click.argument("data", type=folder)
@click.option("--classes", required=True, metavar="A,B,C", help="Names of boxes.")
@count_option("--count", None, "Photographs of split train.  [default: all]")
@count_option("--batches", 20, "Of the usual recipe that are timed.")
@backbone_option
@json_option
def train(data, classes, count, batches, backbone, output):
    """`midlevel train` against the usual Keras recipe on the same windows.

    The recipe has the frozen backbone inside the training loop, so that every epoch
    cuts every window from its photograph and runs it through the network. A part of it
    is timed and scaled to the number of windows that midlevel's head learned from.
    """
    from bench import train

    settings = {"data.classes": classes.split(","), "backbone.name": backbone}
    measured_on = machine.describe()
    found = train.compare(data, settings, count, batches, Progress())
    found = {"machine": machine.done(measured_on), **found}
    write(found, output)
    click.echo(train.as_text(found))


@main.command()
@click.argument("photographs", type=folder)
@click.option("--counts", default="100,1000,10000", show_default=True)
@click.option("--sizes", default="0.5,2,6,12,24", show_default=True, help="Megapixels.")
@click.option("--classes", default="10,100,1000", show_default=True)
@click.option("--pyramid", default="single", show_default=True)
@count_option("--size-count", 24, "Photographs of each size.")
@count_option("--class-count", 100, "Photographs for each number of classes.")
@backbone_option
@json_option
def scale(photographs, pyramid, backbone, output, **options):
    """Time and memory of `midlevel predict` as the work grows.

    More photographs (those of the folder again and again), larger ones (the first one,
    resized), more classes; each in a process of its own.
    """
    from bench import scale

    measured_on = machine.describe()
    with tempfile.TemporaryDirectory() as place:
        cases = scale.cases(photographs, Path(place), **options)
        rows = scale.measure(cases, Path(place), pyramid, backbone, Progress())
    found = {"machine": machine.done(measured_on), "rows": rows}
    write(found, output)
    click.echo(scale.as_text(found))


@main.command()
@click.argument("accuracy", type=file)
@click.argument("measured", type=file)
@click.argument("output", type=new_file)
def frontier(accuracy, measured, output):
    """Draw mAP against images a second.

    ACCURACY is the JSON of compare_paths.py, MEASURED that of `predict`, OUTPUT an
    image file such as frontier.png. Needs matplotlib.
    """
    from bench import frontier

    frontier.draw(*(json.loads(f.read_text()) for f in (accuracy, measured)), output)
    click.echo(str(output))


@main.command("child", hidden=True)
@click.argument("task", type=click.Choice(list(child.TASKS)))
def do_task(task):
    """Do a task whose arguments are JSON on stdin; the last line is its result."""
    click.echo(json.dumps(child.TASKS[task](**json.load(sys.stdin))))
