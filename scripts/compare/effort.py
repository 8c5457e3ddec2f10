"""What boxes buy: labels on all photographs to learn from, boxes on a share of them."""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from compare import asked, effort_table, stripped, trials
from compare.settings import Place, decisive
from compare.tasks import TRAIN, VAL, Task, taken
from compare.trials import Result
from midlevel import datasets, errors
from midlevel.evaluation import evaluate
from midlevel.prediction.model import Model


def compare(
    place: Place,
    classes: Sequence[str],
    shares: Sequence[int],
    named: Mapping[str, asked.Settings],
) -> dict[str, Any]:
    """For each share of photographs with boxes what `settings.compare` gives.

    Each row has the measures of `effort_table.PLACES` too.

    Raises:
        errors.DataError: there is no box to measure by.
    """
    dataset = taken(Task(tuple(classes)), datasets.read(place.data))
    if all(row.difficult.all() for row in dataset.split(VAL)):
        raise errors.DataError(
            f"{place.data}: expected boxes of {', '.join(classes)} in split {VAL!r} to "
            "measure by. Received: none that is not difficult."
        )
    orders = [stripped.order(dataset, seed) for seed in range(place.seeds)]
    listed = {
        split: [row.path.stem for row in dataset.split(split)] for split in (TRAIN, VAL)
    }
    found = {}
    for share in shares:
        boxed = [stripped.first(paths, share) for paths in orders]
        task = f"boxes on {share} %"
        results: dict[str, list[Result]] = {name: [] for name in named}
        for seed, own in enumerate(boxed):
            data = place.output / task / f"data-{seed}"
            stripped.write(dataset, own, data)
            wanted = {"splits": listed, "boxed": [path.stem for path in own]}
            for name, chosen in named.items():
                full = place.settings(chosen, classes, seed)
                results[name].append(
                    trained(place, f"{task}/{name}", data, full, wanted)
                )
        found[task] = {
            "share": share,
            "boxed": len(boxed[0]),
            "photographs": {split: len(ids) for split, ids in listed.items()},
            "rows": effort_table.rows(results),
        }
    return found


def trained(
    place: Place,
    name: str,
    data: Path,
    settings: asked.Settings,
    wanted: Mapping[str, Any],
) -> Result:
    """The result of a run, from the output folder if it is there.

    Args:
        name: folder of the way of learning, in the output folder.
        wanted: what decides the result beside the settings.
    """
    seed, folder = settings["seed"], place.output / name
    place.progress.say(f"== {name}, seed {seed} ==")
    return trials.kept(
        folder / f"{seed}.npz",
        {**decisive(settings), **wanted},
        lambda: trials.train_and_score(
            data,
            settings,
            folder / f"run-{seed}",
            place.keep_runs,
            place.progress,
            functools.partial(places, place),
        ),
    )


def places(place: Place, model: Model) -> dict[str, Any]:
    """How well a model says where things are; None where that is not known."""
    found = evaluate.evaluate(model, progress=place.progress)
    localised = found.localisation or {}
    return {
        "pointing": found.pointing["mean"],
        "point_AP": found.pointing["AP"],
        "corloc": localised.get("corloc"),
        "AP50": localised.get("AP50"),
        "level": model.config.labels.level,
    }
