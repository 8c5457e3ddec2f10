"""`midlevel compare`: trained runs side by side, on the same photographs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from midlevel import errors
from midlevel.datasets import reading
from midlevel.datasets.dataset import Dataset
from midlevel.evaluation import evaluate, overlap, paired, speed
from midlevel.evaluation.comparison import Compared, Comparison, Difference
from midlevel.features import preparation
from midlevel.images.augment import ORIGINAL
from midlevel.method import metrics
from midlevel.prediction.model import Model
from midlevel.runs import Run
from midlevel.settings import config as config_
from midlevel.system.progress import Progress

INDIFFERENT = ("features.store", "report")  # settings that decide nothing
PREDICTED_FROM = (".xml", ".bin", ".npz")  # endings of the files that OpenVINO reads
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class _Scores:
    """What a run says of the photographs that it could read."""

    paths: list[Path]
    scores: np.ndarray  # float64 (photographs, shared classes)
    targets: np.ndarray  # int8, the same shape
    left_out: list[str]


def compare(
    runs: Sequence[Run],
    load: Callable[[Run], Model],
    data: str | Path | None = None,
    split: str | None = None,
    progress: Progress | None = None,
    form: str | None = None,
    timed: bool = False,
) -> Comparison:
    """Runs side by side, measured on the same photographs and the classes they share.

    What the photographs show is what the first run's settings make of the data.

    Args:
        load: gives the model of a run.
        data: the data set; by default the one the first run was trained on.
        split: by default the first run's validation split.
        form: the format of `data`, see `evaluate.evaluate`.
        timed: measure photographs a second, too.

    Raises:
        errors.MidlevelError: fewer than two runs, one twice, one that is not finished,
            or none of their classes is shared; the data or the split cannot be used.
    """
    progress = progress or Progress()
    names = check(runs)
    shared, notes = _shared(runs, names)
    split = split or runs[0].config.data.val
    dataset = reading.for_run(runs[0], progress, data, form).only(shared)
    models, found = [], []
    for run in runs:
        model = load(run)
        found.append(_score(model, dataset, split, progress))
        models += [model] if timed else []
    paths = _read_by_all(found)
    ways = [_of(paths, one) for one in found]
    for run, name in zip(runs, names, strict=True):
        notes += overlap.notes(run, name, paths)
    rates = speed.measure(models, paths, progress) if timed else [None] * len(runs)
    return Comparison(
        _compared(runs, names, ways, rates, shared),
        differing(runs),
        shared,
        str(Path(data or runs[0].record["data"])),
        split,
        len(paths),
        notes,
        list(dict.fromkeys(line for one in found for line in one.left_out)),
    )


def check(runs: Sequence[Run]) -> list[str]:
    """The names of runs that can be compared: the last parts of their folders.

    Raises:
        errors.MidlevelError: fewer than two, one twice, or one that is not finished.
    """
    if len(runs) < 2:
        raise errors.MidlevelError(
            f"Expected two runs or more to compare. Received: {len(runs)}. Name the "
            "folders of trained runs, such as runs/train/*."
        )
    for run in runs:
        if not run.record.get("finished"):
            raise errors.MidlevelError(
                f"{run.folder}: training is not finished. Leave it out, or go on with: "
                f"midlevel train --resume --run {run.folder}"
            )
    folders = [run.folder.resolve() for run in runs]
    for folder, run in zip(folders, runs, strict=True):
        if folders.count(folder) > 1:
            raise errors.MidlevelError(
                f"{run.folder}: expected each run once. It is named more than once."
            )
    depth = 1
    while len({folder.parts[-depth:] for folder in folders}) < len(folders):
        depth += 1
    return ["/".join(folder.parts[-depth:]) for folder in folders]


def _shared(runs: Sequence[Run], names: Sequence[str]) -> tuple[list[str], list[str]]:
    """The classes that all runs have, in the first's order; a note if some have more.

    Raises:
        errors.MidlevelError: there is none.
    """
    classes = [run.record["classes"] for run in runs]
    shared = [name for name in classes[0] if all(name in of for of in classes)]
    if not shared:
        have = "; ".join(
            f"{name} has {', '.join(of)}"
            for name, of in zip(names, classes, strict=True)
        )
        raise errors.MidlevelError(
            f"Expected runs that share a class, to be compared on it. Received: {have}."
        )
    others = [
        f"{name} also has {', '.join(more)}"
        for name, of in zip(names, classes, strict=True)
        if (more := [one for one in of if one not in shared])
    ]
    if not others:
        return shared, []
    told = f"compared on the classes that all share: {', '.join(shared)}"
    return shared, [f"{told}; {'; '.join(others)}."]


def _score(model: Model, dataset: Dataset, split: str, progress: Progress) -> _Scores:
    """Score a split of a data set, whose classes are some of the model's."""
    place = model.config.features.store
    views = {split: [ORIGINAL]}
    prepared = preparation.prepare(dataset, views, model.extractor, place, progress)
    scores, targets = evaluate.score(model, prepared, split)
    columns = [model.classes.index(name) for name in dataset.classes]
    paths = [example.path for example in prepared.readable(split)]
    return _Scores(paths, scores[:, columns], targets, prepared.left_out)


def _read_by_all(found: Sequence[_Scores]) -> list[Path]:
    """The photographs that every run could read.

    Raises:
        errors.DataError: there is none.
    """
    read = set(found[0].paths).intersection(*(one.paths for one in found[1:]))
    paths = [path for path in found[0].paths if path in read]
    if not paths:
        raise errors.DataError("No photograph can be read by all of the runs.")
    return paths


def _of(paths: Sequence[Path], found: _Scores) -> paired.Pair:
    places = {path: i for i, path in enumerate(found.paths)}
    rows = [places[path] for path in paths]
    return found.scores[rows], found.targets[rows]


def _compared(
    runs: Sequence[Run],
    names: Sequence[str],
    ways: Sequence[paired.Pair],
    rates: Sequence[float | None],
    shared: Sequence[str],
) -> list[Compared]:
    by_form = {form: paired.rows([[w] for w in ways], form) for form in metrics.FORMS}
    found = []
    for i, (run, name) in enumerate(zip(runs, names, strict=True)):
        rows = {form: of_form[i] for form, of_form in by_form.items()}
        differences = {
            form: Difference(row.differences[0], row.difference_interval)
            for form, row in rows.items()
        }
        found.append(
            Compared(
                name=name,
                run=str(run.folder),
                **metrics.table(*ways[i], shared),
                interval={form: row.interval for form, row in rows.items()},
                difference=differences if i else None,
                learned_from=len(run.split_files.get(run.config.data.train, [])),
                size_mb=size_mb(run),
                photographs_per_second=rates[i],
            )
        )
    return found


def size_mb(run: Run) -> float:
    """Megabytes of the files that a run predicts from on OpenVINO."""
    kept = [path for path in run.folder.iterdir() if path.suffix in PREDICTED_FROM]
    return sum(path.stat().st_size for path in kept) / MEGABYTE


def differing(runs: Sequence[Run]) -> dict[str, list[Any]]:
    """The settings that are not the same in all runs, and the data if it is not."""
    every = [{"data": run.record["data"], **config_.flat(run.config)} for run in runs]
    values = {key: [of.get(key) for of in every] for key in every[0]}
    return {
        key: of_key
        for key, of_key in values.items()
        if key not in INDIFFERENT and any(one != of_key[0] for one in of_key)
    }
