"""The commands of `python scripts/compare`."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click_parts import Group, file, folder, new_file

from compare import asked, curve, effort, effort_table, settings, tables, tasks
from compare import picture as picture_
from midlevel import errors
from midlevel.system import files
from midlevel.system.progress import Progress


@click.group(cls=Group)
def main() -> None:
    """How accurate ways of learning are, on photographs that chose nothing.

    Runs choose on held-out photographs of split train, and are measured on split val.
    What is finished is kept in --output and not done again.
    """


def common(command: Callable[..., None]) -> Callable[..., None]:
    """The options of all commands."""
    options = (
        click.argument("data", type=folder),
        click.option(
            "--setting",
            "texts",
            multiple=True,
            metavar="'NAME: KEY=VALUE ...'",
            help="What to compare; the first is compared with.  [default: midlevel]",
        ),
        click.option(
            "--settings", "named", type=file, help="YAML of several, by name."
        ),
        click.option(
            "--experiment",
            "experiments",
            type=file,
            multiple=True,
            help="A file as of configs/experiments, by its name. May be given again.",
        ),
        click.option(
            "--set",
            "shared",
            multiple=True,
            metavar="KEY=VALUE",
            help="For all of them.",
        ),
        click.option("--seeds", type=click.IntRange(1), default=3, show_default=True),
        click.option(
            "--output",
            type=click.Path(file_okay=False, path_type=Path),
            required=True,
            metavar="DIR",
            help="All figures as JSON, and results: what is there is not done again.",
        ),
        click.option("--keep-runs", is_flag=True, help="Keep the trained runs too."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@main.command("settings")
@common
@click.option(
    "--tasks",
    "names",
    default="six",
    show_default=True,
    help=f"Of: {', '.join(tasks.TASKS)}.",
)
@click.option("--classes", metavar="A,B,C", help="In place of those of the tasks.")
def compare_settings(
    texts: Sequence[str],
    named: Path | None,
    experiments: Sequence[Path],
    names: str,
    classes: str | None,
    **options: Any,
) -> None:
    """Compare named settings on tasks of DATA, a folder laid out as PASCAL VOC."""
    chosen = {name: task(name, classes) for name in names.split(",")}
    place = placed(**options)
    compared = asked.named(texts, named, place.common, experiments)
    measured = settings.compare(place, chosen, compared)
    conclude(place, compared, measured, "settings.json")


@main.command("curve")
@common
@click.option(
    "--classes", default=",".join(tasks.SIX), show_default=True, metavar="A,B,C"
)
@click.option("--counts", default="5,10,20,50", show_default=True, help="A class.")
@click.option("--picture", type=new_file, help="Draw it; needs matplotlib.")
def compare_counts(
    texts: Sequence[str],
    named: Path | None,
    experiments: Sequence[Path],
    classes: str,
    counts: str,
    picture: Path | None,
    **options: Any,
) -> None:
    """From how many photographs: settings against linear models of whole photographs.

    For each number of photographs a class of DATA, a folder laid out as PASCAL VOC,
    all learn from the same, drawn by the seed, and are measured on all of split val. A
    linear model sees one vector a photograph, the mean of each level's map; its
    strength is chosen by cross-validation on the training photographs.
    """
    place, wanted = placed(**options), numbers(counts, curve.LEAST)
    compared = asked.named(texts, named, place.common, experiments)
    measured = curve.compare(place, classes.split(","), wanted, compared)
    found = conclude(place, compared, measured, "curve.json")
    if picture:
        picture_.draw(found, picture)


@main.command("effort")
@common
@click.option(
    "--classes",
    default=",".join(tasks.TASKS["animals"].classes),
    show_default=True,
    metavar="A,B,C",
)
@click.option("--boxes", default="0,10,25,50,100", show_default=True, help="Per cent.")
@click.option("--picture", type=new_file, help="Draw it; needs matplotlib.")
def compare_boxes(
    texts: Sequence[str],
    named: Path | None,
    experiments: Sequence[Path],
    classes: str,
    boxes: str,
    picture: Path | None,
    **options: Any,
) -> None:
    """What boxes buy: labels on all photographs, boxes on a share of them.

    Of DATA, a folder laid out as PASCAL VOC, all of split train teach by their labels,
    and those that the seed draws by their boxes too: those of 10 % are among those of
    25 %. All are measured on split val: what is there, and where.
    """
    place, shares = placed(**options), numbers(boxes, 0, 100, "--boxes")
    compared = asked.named(texts, named, place.common, experiments)
    measured = effort.compare(place, classes.split(","), shares, compared)
    found = conclude(place, compared, measured, "effort.json", effort_table.as_text)
    if picture:
        picture_.draw_effort(found, picture)


@main.command("markdown")
@click.argument("found", type=file)
def in_markdown(found: Path) -> None:
    """The tables of FOUND, a JSON file of `settings` or `curve`, as docs have them."""
    click.echo(tables.as_markdown(json.loads(found.read_text(encoding="utf-8"))))


def numbers(
    text: str, least: int, most: float = math.inf, option: str = "--counts"
) -> list[int]:
    """
    >>> numbers("5,10", 5)
    [5, 10]
    """
    parts = text.split(",")
    if not all(part.isdecimal() and least <= int(part) <= most for part in parts):
        limit = "" if most == math.inf else f" to {most}"
        raise errors.MidlevelError(
            f"{option}: expected numbers from {least}{limit}, as 5,10,20. Received: "
            f"{text}."
        )
    return [int(part) for part in parts]


def task(name: str, classes: str | None) -> tasks.Task:
    """A task by its name, with other classes if they are named."""
    if name not in tasks.TASKS:
        raise errors.MidlevelError(
            f"--tasks: expected some of {', '.join(tasks.TASKS)}. Received: {name}."
        )
    found = tasks.TASKS[name]
    return replace(found, classes=tuple(classes.split(","))) if classes else found


def placed(
    data: Path, output: Path, shared: Sequence[str], seeds: int, keep_runs: bool
) -> settings.Place:
    """Where results are kept, and what all have in common."""
    common = asked.settings(shared)
    return settings.Place(data, output, common, seeds, keep_runs, Progress())


def conclude(
    place: settings.Place,
    compared: dict[str, asked.Settings],
    measured: dict[str, Any],
    name: str,
    as_text: Callable[[dict[str, Any]], str] = tables.as_text,
) -> dict[str, Any]:
    """Say what was measured, and write it into the output folder."""
    found = {
        "data": str(place.data),
        "seeds": place.seeds,
        "protocol": asked.PROTOCOL,
        "common": place.common,
        "settings": compared,
        "tasks": measured,
    }
    text = json.dumps(found, indent=2, ensure_ascii=False)
    files.write_text(place.output / name, f"{text}\n")
    click.echo(as_text(found))
    return found
