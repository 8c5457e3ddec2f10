"""Tasks one after another: what an old task loses while a new one is learned.

The classes are two tasks. The first is learned from the training photographs that show
one of its classes. Then these are gone: the second is learned onto that run from the
others, in several ways. Both are measured on the whole validation split, in area mAP.

    python scripts/in_turn.py voc-animals --first person,dog,cat,horse \\
        --second sheep,cow,chair,sofa --seeds 3 --output runs/in_turn

On two cores a run takes two to four minutes once the features are there; runs that are
finished already are not trained again.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import subsets

import midlevel
from midlevel import datasets
from midlevel.runs import Run
from midlevel.system import terminal

ALONE, WIDER = {"growth.kind": "none"}, {"growth.kind": "wa"}
FINE = {"growth.learn": "fc7"}
WAYS: dict[str, dict[str, Any]] = {
    "new layers alone": ALONE,
    "fine-tuning": {**ALONE, **FINE, "tasks.keep": "none"},
    "without forgetting": {**ALONE, **FINE, "tasks.keep": "lwf"},
    "new units": WIDER,
    "new units and fine-tuning": {**WIDER, **FINE, "tasks.keep": "none"},
    "new units without forgetting": {**WIDER, **FINE, "tasks.keep": "lwf"},
}
TITLES = ["", "first before", "first after", "second", "all"]


@click.command(help=__doc__)
@click.argument("data", type=click.Path(exists=True, path_type=Path))
@click.option("--first", required=True, help="Classes, with commas between them.")
@click.option("--second", required=True, help="The same.")
@click.option("--seeds", default=1, show_default=True)
@click.option("--store", help="features.store")
@click.option("--ways", help="Some of the ways, with commas between them.")
@click.option("--output", default="runs/in_turn", type=click.Path(path_type=Path))
def main(
    data: Path,
    first: str,
    second: str,
    seeds: int,
    store: str | None,
    ways: str | None,
    output: Path,
) -> None:
    old, new = first.split(","), second.split(",")
    usual = {"features.store": store, "report": False}
    chosen = ways.split(",") if ways else list(WAYS)
    parts = split(data, old, new, output)
    rows: dict[str, list[list[float]]] = {}
    for seed in range(seeds):
        before = midlevel.train(
            parts[0],
            settings={**usual, "data.classes": old},
            seed=seed,
            run=output / f"first-{seed}",
        )
        for way in chosen:
            place = output / f"{way.replace(' ', '-')}-{seed}"
            after = midlevel.train(
                parts[1],
                settings={**usual, **WAYS[way], "data.classes": new},
                seed=seed,
                run=place,
                from_run=before,
            )
            found = [
                mean_ap(before, old),
                *(mean_ap(after, of) for of in (old, new, old + new)),
            ]
            rows.setdefault(way, []).append(found)
            click.echo(table(rows))
    (output / "table.json").write_text(json.dumps(rows, indent=1))


def split(
    data: Path, old: Sequence[str], new: Sequence[str], output: Path
) -> tuple[Path, Path]:
    """Two folders of links: training photographs with one of `old`, and the others.

    Both have the whole validation split.
    """
    dataset = datasets.read(data, [*old, *new])
    val = [row.path for row in dataset.split("val")]
    shows = {
        row.path: row.shows(len(dataset.classes)) for row in dataset.split("train")
    }
    parts = [], []
    for path, shown in shows.items():
        parts[0 if shown[: len(old)].any() else 1].append(path)
    places = output / "data-first", output / "data-second"
    for place, paths in zip(places, parts, strict=True):
        subsets.link(data, place, {"train": paths, "val": val})
    click.echo(
        f"photographs to learn from: {len(parts[0])} first, {len(parts[1])} then"
    )
    return places


def mean_ap(run: Run, classes: Sequence[str]) -> float:
    """Area mAP of some classes on the validation split, in percent."""
    found = run.metrics["AP"]
    return 100 * float(np.mean([found[name]["area"] for name in classes]))


def table(rows: dict[str, list[list[float]]]) -> str:
    """Means over seeds, and how far apart the seeds are."""
    shown = [
        [way, *(_cell(column) for column in zip(*found, strict=True))]
        for way, found in rows.items()
    ]
    return terminal.shown(terminal.table("<>>>>", shown, TITLES), "area mAP, %")


def _cell(values: Sequence[float]) -> str:
    spread = f" ({max(values) - min(values):.1f})" if len(values) > 1 else ""
    return f"{np.mean(values):.1f}{spread}"


if __name__ == "__main__":
    main()
