"""Everything a report says of a run in numbers, from stored features in one pass."""

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from midlevel import errors
from midlevel.datasets.dataset import count_shown
from midlevel.evaluation import (
    baseline,
    fit_calibration,
    localisation,
    mistakes,
    pointing,
)
from midlevel.evaluation.validation import Scored, Validation
from midlevel.features.preparation import Prepared
from midlevel.method import calibration, intervals, metrics
from midlevel.method.aggregation import Aggregation
from midlevel.prediction.model import Model
from midlevel.runs import Run
from midlevel.settings import config as config_
from midlevel.settings.config import Config
from midlevel.system import files

SCHEMA = "midlevel-report/1"
WORDS = ("stage",)  # columns of history.csv that hold no numbers
BINS = 20  # of histograms of probabilities


@dataclass(frozen=True)
class Measured:
    """What was found out about a run.

    Attributes:
        numbers: ready for JSON.
        validation: the photographs it was measured on.
        probabilities: float64 `(photographs, classes)`.
        labelled: bool `(photographs, classes)`, which labels they are given.
        photographs: for each its `file` and the classes that it `shows`.
        curves: for each class lists `precision`, `recall` and `threshold`.
    """

    numbers: dict
    validation: Validation
    probabilities: np.ndarray
    labelled: np.ndarray
    photographs: list[dict]
    curves: dict[str, dict]


def measure(model: Model, prepared: Prepared) -> Measured:
    """Measure a run on its validation split, and the baseline beside it.

    Args:
        prepared: both splits of the run's data.

    Raises:
        errors.MidlevelError: files of the run, or a split, cannot be read.
    """
    config, classes = model.config, model.classes
    validation = Validation(prepared, config.data.val, (model.aggregation,))
    game, diagnosis = pointing.Game(classes), mistakes.Diagnosis(classes)
    places = localisation.Localisation(classes)
    watching = game.add, diagnosis.add, places.add
    scored = validation.scored(model.head, *watching, whole=model.whole)
    scores, targets = scored.at(model.aggregation), scored.targets
    ranking = scored.ranking(model.aggregation, model.calibration)
    probabilities = model.calibrated(scores, scored.whole)
    labelled = model.labelled(probabilities)
    found = {
        **metrics.table(ranking, targets, list(classes)),
        "interval": intervals.of_forms(ranking, targets),
        "parts": _parts(scored, model.aggregation),
        "baseline": baseline.measure(prepared, config),
        "labels": _rates(labelled, targets),
        "classes": _classes(model, prepared, labelled, targets),
        "pointing": game.table(ranking),
        "localisation": places.table(model.calibration(scores, scored.whole)),
        "mistakes": diagnosis.table(),
        "confusion": mistakes.confusion(labelled, targets),
        "calibration": _calibration(model, scored),
        "histograms": {
            name: _histogram(probabilities[:, i], targets[:, i])
            for i, name in enumerate(classes)
        },
    }
    numbers = {"schema": SCHEMA, **_of_run(model, prepared), **found}
    photographs = [
        {
            "file": prepared.dataset.file(example),
            "shows": [classes[i] for i in np.flatnonzero(row == 1)],
        }
        for example, row in zip(validation.examples, targets, strict=True)
    ]
    curves = {
        name: _curve(probabilities[:, i], targets[:, i])
        for i, name in enumerate(classes)
    }
    return Measured(numbers, validation, probabilities, labelled, photographs, curves)


def _parts(scored: Scored, aggregation: Aggregation) -> dict[str, float] | None:
    """Area mAP of windows alone, and of the whole photograph alone.

    None where the run has no model of the whole photograph.
    """
    if scored.whole is None:
        return None
    columns = {"windows": scored.at(aggregation), "whole": scored.whole}
    return {
        name: metrics.mean_average_precision(column, scored.targets)
        for name, column in columns.items()
    }


def _of_run(model: Model, prepared: Prepared) -> dict:
    """What was trained on what, and how, as the run's own files say."""
    run, config = model.run, model.config
    record, dataset = run.record, prepared.dataset
    kept, history = read(run, "metrics.json"), read(run, "history.csv")
    return {
        "run": str(run.folder),
        "data": record["data"],
        "format": dataset.format,
        "splits": {"train": config.data.train, "val": config.data.val},
        "photographs": {
            name: len(prepared.readable(split))
            for name, split in (("train", config.data.train), ("val", config.data.val))
        },
        "windows": kept.get("windows"),
        "timings": kept.get("timings"),
        "history": history,
        "chosen_on": run.chosen_on,
        "best_epoch": _best_epoch(run, history),
        "k": model.k,
        "aggregation": asdict(model.aggregation),
        "level": config.labels.level,
        "engine": record["engine"],
        "backbone": config.backbone.model_dump(),
        "settings": differing(config),
        "environment": read(run, "environment.json"),
        "left_out": record["left_out"],
    }


def _best_epoch(run: Run, history: list[dict]) -> int | None:
    """The epoch in the history whose head was kept; None if it is of another head.

    Stages are numbered on, and those before the last may have had epochs after their
    best.
    """
    if run.chosen_on == "heldout":
        return None
    record = run.record
    if {"tail", "together"} & {*record.get("epochs", {})}:  # they end by a schedule
        return len(history)
    if not (later := record.get("epochs", {}).get("photographs")):
        return record["best_epoch"]
    return later + sum(row["stage"] != "photographs" for row in history)


def read(run: Run, name: str) -> Any:
    """A JSON file of the run, or the rows of a CSV file, numbers as numbers.

    Raises:
        errors.MidlevelError: it cannot be read.
    """
    path = run.folder / name
    try:
        if path.suffix == ".json":
            return json.loads(files.read_text(path))
        rows = files.read_csv(path)
        return [
            {key: cell if key in WORDS else _number(cell) for key, cell in row.items()}
            for row in rows
        ]
    except (OSError, ValueError, TypeError) as error:
        raise errors.MidlevelError(
            f"{path}: cannot be read as training writes it: {error}. Restore it, or "
            "train again."
        ) from error


def _number(cell: str) -> float | None:
    """What a cell of a table holds; None of an empty one."""
    return float(cell) if cell else None


def differing(config: Config) -> dict:
    """The settings that are not the defaults, by dotted key."""
    resolved = Config().training.resolved()
    plain = Config().model_copy(update={"training": resolved})
    usual = config_.flat(plain.at(config.labels.level))
    return {
        key: value for key, value in config_.flat(config).items() if value != usual[key]
    }


def _classes(
    model: Model, prepared: Prepared, labelled: np.ndarray, targets: np.ndarray
) -> dict:
    """For each class how many photographs show it, and how labels of it are right."""
    learned = prepared.readable(model.config.data.train)
    shown = count_shown(learned, len(model.classes))
    return {
        name: {
            "train": int(shown[i]),
            "val": int((targets[:, i] == 1).sum()),
            "threshold": model.thresholds[name],
            **_rates(labelled[:, i], targets[:, i]),
        }
        for i, name in enumerate(model.classes)
    }


def _rates(labelled: np.ndarray, targets: np.ndarray) -> dict:
    """Precision and recall of labels; None where nothing is said, or nothing shown."""
    said, shown = labelled & (targets >= 0), targets == 1
    hits = int((said & shown).sum())
    return {
        "precision": hits / int(said.sum()) if said.any() else None,
        "recall": hits / int(shown.sum()) if shown.any() else None,
        "given": int(said.sum()),
    }


def _calibration(model: Model, scored: Scored) -> dict:
    """Reliability of scores, and of probabilities, on photographs not fitted to."""
    config, targets = model.config, scored.targets
    fitted = model.calibration if model.run.chosen_on == "heldout" else None
    apart = fit_calibration.apart(
        scored, model.aggregation, config.scores, config.seed, fitted
    )
    shown = (targets == 1).any(axis=0)
    before, after = (
        calibration.reliability(some[:, shown], targets[:, shown])
        for some in (scored.at(model.aggregation), apart.probabilities)
    )
    after = after if apart.error["after"] is not None else []
    return {"error": apart.error, "before": before, "after": after}


def _histogram(probabilities: np.ndarray, targets: np.ndarray) -> dict:
    """Shares of photographs in equal bins of probability."""
    edges = np.linspace(0, 1, BINS + 1)
    found = {"edges": edges.round(6).tolist()}
    for name, value in (("present", 1), ("absent", 0)):
        count, _ = np.histogram(probabilities[targets == value], edges)
        found[name] = (count / max(count.sum(), 1)).tolist()
    return found


def _curve(probabilities: np.ndarray, targets: np.ndarray) -> dict:
    """Precision and recall by threshold; of a class nobody shows, nothing."""
    if not (targets == 1).any():
        return {"precision": [], "recall": [], "threshold": []}
    columns = metrics.precision_recall(probabilities, targets)
    names = ("precision", "recall", "threshold")
    return {name: values.tolist() for name, values in zip(names, columns, strict=True)}
