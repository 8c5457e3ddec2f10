"""From how many photographs: the recipe against linear models of whole photographs."""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import subsets
from baseline_whole_image import FOLDS, check, cross_validated, score
from sklearn.linear_model import LogisticRegression, RidgeClassifier

from compare import asked, tables, trials
from compare.settings import Place, listed
from compare.tasks import TRAIN, VAL, Task, taken
from compare.trials import Result
from midlevel import datasets
from midlevel.features import preparation
from midlevel.features.extractor import Extractor, build_extractor
from midlevel.features.preparation import Prepared
from midlevel.images.augment import ORIGINAL
from midlevel.method import whole
from midlevel.settings import config


@dataclass(frozen=True)
class Linear:
    """A kind of linear model.

    Attributes:
        new: makes one of a strength.
        strengths: those that cross-validation chooses from.
    """

    new: Callable[[float], Any]
    strengths: tuple[float, ...]


# Vectors have one length, so the strengths are not those of standardised features.
LINEAR = {
    "whole photograph, logistic": Linear(
        lambda c: LogisticRegression(C=c, max_iter=2000), (0.1, 1, 10, 100, 1e3, 1e4)
    ),
    "whole photograph, ridge": Linear(
        lambda alpha: RidgeClassifier(alpha=alpha), (1e-3, 0.01, 0.1, 1, 10, 100)
    ),
}
LEAST = FOLDS  # photographs a class: cross-validation needs one for each fold


def compare(
    place: Place,
    classes: Sequence[str],
    counts: Sequence[int],
    named: Mapping[str, asked.Settings],
) -> dict[str, Any]:
    """For each number of photographs a class what `settings.compare` gives."""
    dataset = taken(Task(tuple(classes)), datasets.read(place.data))
    val = [example.path for example in dataset.split(VAL)]
    drawn = {
        count: [
            {TRAIN: subsets.of_each(dataset, TRAIN, count, seed), VAL: val}
            for seed in range(place.seeds)
        ]
        for count in counts
    }
    extractor = build_extractor(config.load(None, place.common))
    found = {}
    for count, by_seed in drawn.items():
        task = f"{count} a class"
        results: dict[str, list[Result]] = {name: [] for name in (*named, *LINEAR)}
        for seed, chosen in enumerate(by_seed):
            data = place.linked(task, seed, chosen)
            for name, own in named.items():
                full = place.settings(own, classes, seed)
                results[name].append(place.trained(task, name, seed, data, full))
            for name, one in linear(
                place, task, seed, data, classes, extractor
            ).items():
                results[name].append(one)
        photographs = [len(chosen[TRAIN]) for chosen in by_seed]
        found[task] = {
            "a_class": count,
            "photographs": {TRAIN: round(np.mean(photographs)), VAL: len(val)},
            "rows": tables.rows(results),
        }
    return found


def linear(
    place: Place,
    task: str,
    seed: int,
    data: Path,
    classes: Sequence[str],
    extractor: Extractor,
) -> dict[str, Result]:
    """The result of each linear model, from the output folder if it is there."""
    wanted = {
        "splits": listed(data),
        "classes": list(classes),
        "features": extractor.fingerprint,
    }

    @functools.cache  # once, and only if a result is not there
    def prepared() -> Prepared:
        dataset = datasets.read(data, list(classes))
        views = {TRAIN: [ORIGINAL], VAL: [ORIGINAL]}
        store = place.common.get("features.store")
        return preparation.prepare(dataset, views, extractor, store, place.progress)

    return {
        name: trials.kept(
            place.output / task / name / f"{seed}.npz",
            {**wanted, "strengths": list(kind.strengths)},
            functools.partial(measure, prepared, kind),
        )
        for name, kind in LINEAR.items()
    }


def measure(prepare: Callable[[], Prepared], kind: Linear) -> Result:
    """A linear model of whole photographs, its strength chosen by cross-validation.

    Args:
        prepare: gives the photographs, whose features are in the store.

    Raises:
        errors.DataError: a class has too few photographs for that.
    """
    prepared = prepare()
    classes = prepared.dataset.classes
    learned, targets = vectors(prepared, TRAIN)
    measured, truth = vectors(prepared, VAL)
    check(targets, classes)
    found = [cross_validated(learned, targets, s, kind.new) for s in kind.strengths]
    strength = kind.strengths[int(np.argmax(found))]
    scores = score(learned, targets, measured, strength, kind.new)
    facts = {"strength": strength, "cross_validation": max(found)}
    return Result(scores, truth, list(classes), trials.ids(prepared), facts)


def vectors(prepared: Prepared, split: str) -> tuple[np.ndarray, np.ndarray]:
    """One vector a photograph, see `whole.vector`, and targets; a row for each."""
    count = len(prepared.dataset.classes)
    rows = [whole.vector(view.whole) for view in prepared.views(split, [ORIGINAL])]
    targets = [example.targets(count) for example in prepared.readable(split)]
    return np.stack(rows), np.stack(targets)
