"""Holding training photographs out, to fit calibration and thresholds to them.

What chooses is not what is measured: photographs of the training split are held out,
a head learns from the others, and those held out say what its scores mean. Then all of
them teach. With several folds each photograph is held out once, and the choices rest on
all of them (Stone 1974, "Cross-validatory choice").

They do not choose the number of epochs: a rare class has a handful of photographs among
those held out, its average precision jumps from epoch to epoch, and the best of twelve
jumps is no better on others (docs/measurements.md).
"""

from dataclasses import dataclass, replace
from pathlib import Path

from midlevel import errors
from midlevel.datasets import label_levels, splitting
from midlevel.evaluation.validation import Scored, Validation
from midlevel.features.preparation import Prepared
from midlevel.images.augment import ORIGINAL
from midlevel.networks import heads
from midlevel.settings.config import Config
from midlevel.system.progress import Progress
from midlevel.training import (
    fit_whole_model,
    labelled_windows,
    learning,
    stages,
    tails,
)
from midlevel.training.earlier import Earlier

HELD_OUT = "/held out"  # a split's name; data cannot have one with a slash
PARTS = 5
LEAST = 10  # photographs to learn from; of fewer, none are held out
FEW, OF_FEW = 100, 3  # photographs to learn from; of up to these, so many parts


@dataclass(frozen=True)
class HeldOut:
    """What photographs that taught nothing say.

    Attributes:
        scored: these photographs, by heads that they did not teach.
        history: of the first head's stages, see `stages.FittedHead`.
    """

    scored: Scored
    history: list[dict]


def score(
    prepared: Prepared,
    config: Config,
    folder: Path,
    progress: Progress,
    earlier: Earlier | None = None,
) -> HeldOut | None:
    """Hold photographs out and score them; goes on where it was interrupted.

    None where the settings want the validation split in their place, or where too few
    photographs teach something for some to be held out.

    Args:
        folder: for checkpoints.
        earlier: tasks onto which this one is learned.
    """
    if config.select == "val":
        return None
    folds = _folds(prepared, config)
    if not folds:
        progress.warn(
            "too few photographs, or groups of them, to hold some out that show a "
            f"class: the validation split {config.data.val!r} serves in their place, "
            "and figures on it flatter"
        )
        return None
    found = []
    for number, fold in enumerate(folds, 1):
        taught, held = (
            len(fold.dataset.split(split)) for split in (config.data.train, HELD_OUT)
        )
        progress.say(
            f"held out, {number} of {len(folds)}: {taught} photographs teach, {held} "
            "do not"
        )
        place = folder / f"held out {number}"
        is_first = number == 1  # one is watched, for the report, and tells how it goes
        said = progress if is_first else progress.silent()
        watching = _validation(fold, config) if is_first else None
        job = stages.Job(fold, config, place, watching, earlier=earlier)
        found.append(_of_fold(job, said))
    scored = Scored.joined([scored for scored, _ in found])
    return HeldOut(scored, found[0][1])


def _folds(prepared: Prepared, config: Config) -> list[Prepared]:
    """The data, each time with another part of the split to learn from held out.

    A part that shows no class, or without which none is taught, is not.
    """
    data, wanted = config.data, config.training.held_out_fifths
    readable = prepared.readable(data.train)
    if len(readable) < LEAST:
        return []
    splits = {**prepared.dataset.splits, data.train: readable}
    dataset = replace(prepared.dataset, splits=splits)
    try:
        parts = splitting.folds(
            dataset, data.train, HELD_OUT, PARTS, config.seed, data.group_by
        )
    except errors.DataError:  # one group
        return []
    if wanted == "auto":
        wanted = OF_FEW if len(readable) <= FEW else 1
    found = [replace(prepared, dataset=part) for part in parts[:wanted]]
    return [fold for fold in found if _serves(fold, config)]


def _serves(fold: Prepared, config: Config) -> bool:
    """Whether a fold has something to learn and something to score."""
    count = len(fold.dataset.classes)
    held = fold.dataset.split(HELD_OUT)
    if not any((example.targets(count) == 1).any() for example in held):
        return False
    if config.labels.level == label_levels.IMAGE:
        rows = fold.readable(config.data.train)
        return bool(label_levels.told_apart(label_levels.targets(rows, count)).any())
    views = fold.views(config.data.train, [ORIGINAL])
    return any((labelled_windows.label(view, config) > 0).any() for view in views)


def _validation(fold: Prepared, config: Config) -> Validation:
    return Validation(fold, HELD_OUT, stages.aggregations(config))


def _of_fold(job: stages.Job, progress: Progress) -> tuple[Scored, list[dict]]:
    """The held-out photographs of a fold, scored, and how the head was fitted."""
    fold, config = job.prepared, job.config
    fitted = learning.fit(job, progress)
    if not fold.maps:
        return _scored(fitted, fold, config), fitted.history
    frozen = _validation(fold, config)(heads.in_training(fitted.head))["mAP"]
    fitted = tails.fit(job, fitted, progress)
    views = {split: [ORIGINAL] for split in (config.data.train, HELD_OUT)}
    place = job.folder / "features"
    fold = tails.with_features_of(fitted, fold, views, place, progress)
    scored = _scored(fitted, fold, config)
    _, tuned = scored.best()
    tails.say_gain(frozen, tuned, progress)
    fitted.states[tails.TAIL].history[-1]["mAP"] = tuned
    return scored, fitted.history


def _scored(fitted: stages.FittedHead, fold: Prepared, config: Config) -> Scored:
    whole = fit_whole_model.fit(fold, config)
    return _validation(fold, config).scored(heads.in_training(fitted.head), whole=whole)
