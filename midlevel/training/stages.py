"""The stages in which a head learns: from windows, then from whole photographs.

Where labels alone teach, from photographs alone: with all windows alike first, as Oquab
2015's highest window is chance at the start, then by the aggregation.
"""

import math
from collections.abc import Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np

from midlevel.datasets import levels
from midlevel.evaluation.validation import Validation
from midlevel.features.preparation import Prepared
from midlevel.images.augment import ORIGINAL
from midlevel.method import aggregation as aggregation_
from midlevel.method import calibration
from midlevel.method.aggregation import Aggregation
from midlevel.method.calibration import Calibration
from midlevel.networks import heads
from midlevel.settings.config import Config
from midlevel.settings.photographs import AGGREGATION
from midlevel.system.progress import Progress
from midlevel.training import fitting, image_step, labelled_windows
from midlevel.training.batches import Batches, WindowSet
from midlevel.training.fitting import Schedule, State
from midlevel.training.image_step import ImageStep
from midlevel.training.photographs import PhotographSet
from midlevel.training.steps import Step, WindowStep

if TYPE_CHECKING:
    import keras

LOSS = "image_loss"  # the section of its settings
IMAGE_EPOCH = "epoch of photographs"
MEAN_EPOCH = "epoch of photographs, all windows alike"
B = TypeVar("B", bound=Sized)  # a batch
# Stages, and folders of checkpoints.
WINDOWS, MEAN, IMAGES = "windows", "mean", "photographs"


@dataclass(frozen=True)
class FittedHead:
    """A head, and how it came about.

    Attributes:
        head: what the last stage left.
        states: of each stage that there was, in their order, its state at its end.
        ids: class ids of the windows that were learned from; None where labels alone
            taught.
    """

    head: "keras.Model"
    states: dict[str, State]
    ids: np.ndarray | None

    @property
    def epochs(self) -> dict[str, int]:
        """How many each stage had, as far as its head was kept."""
        return {name: state.best_epoch for name, state in self.states.items()}

    @property
    def history(self) -> list[dict]:
        """A row for each epoch of all stages, numbered on."""
        staged = [
            {**row, "stage": name}
            for name, state in self.states.items()
            for row in state.history
        ]
        return [{**row, "epoch": number} for number, row in enumerate(staged, 1)]


def aggregations(config: Config) -> Sequence[Aggregation]:
    """Those that validation chooses from: one where the image loss has it.

    Where labels alone teach, the exponent of a power mean that was asked for is chosen
    afterwards; the loss has `K_LEARNED`.
    """
    settings, is_alone = config.scores, config.labels.level == levels.IMAGE
    how = settings.aggregation
    if how == aggregation_.MAX:
        return (Aggregation(how, 0.0),)
    if how in (aggregation_.TOP, aggregation_.LSE):
        by = settings.top if how == aggregation_.TOP else settings.lse
        return (Aggregation(how, by),)
    if settings.k != "auto":
        return (Aggregation(aggregation_.POWER, settings.k),)
    if is_alone and how == "auto":
        return (AGGREGATION,)
    is_learned = config.image_loss.epochs and not is_alone
    ks = (aggregation_.K_LEARNED,) if is_learned else aggregation_.K_CHOICES
    return [Aggregation(aggregation_.POWER, k) for k in ks]


def in_loss(config: Config) -> Aggregation:
    """The one of the image loss."""
    first, *others = aggregations(config)
    return Aggregation(first.how, aggregation_.K_LEARNED) if others else first


@dataclass(frozen=True)
class Job:
    """What is fitted to what, and where its checkpoints go.

    Attributes:
        prepared: whose split to learn from teaches.
        config: the settings, resolved.
        folder: for checkpoints.
        validation: what is watched after every epoch.
        stops_early: whether it also ends a stage, and the best epoch is kept; else the
            settings say how many steps there are.
    """

    prepared: Prepared
    config: Config
    folder: Path
    validation: Validation | None = None
    stops_early: bool = False


def fit(job: Job, progress: Progress) -> FittedHead:
    """Fit a head, stage by stage; goes on where it was interrupted.

    Raises:
        errors.MidlevelError: see `fitting.fit`.
    """
    if job.config.labels.level == levels.IMAGE:
        return _fit_alone(job, progress)
    windows = labelled_windows.collect(job.prepared, job.config, progress)
    step = WindowStep(_new_head(job), job.config.training)
    schedule = _of_windows(job, len(windows))
    head, state = _stage(job, WINDOWS, step, windows, schedule, progress)
    states = {WINDOWS: state}
    if job.config.image_loss.epochs:
        photographs = _photographs(job, windows)
        start = image_step.first_calibration(
            heads.in_training(head), photographs, in_loss(job.config), job.config.seed
        )
        head, others = _fit_images(job, head, photographs, start, progress)
        states |= others
    return FittedHead(head, states, windows.ids)


def _fit_alone(job: Job, progress: Progress) -> FittedHead:
    """A head that labels of photographs alone have taught.

    Its scores begin as the share of photographs that show each class, and the loss has
    their log-odds as they are.
    """
    head, photographs = _new_head(job, background=False), _photographs(job)
    heads.start_at(head, photographs.odds)
    start = calibration.none(len(photographs.odds))
    return FittedHead(*_fit_images(job, head, photographs, start, progress), None)


def _photographs(job: Job, windows: WindowSet | None = None) -> PhotographSet:
    """What the image loss has; labels alone have mirrored photographs too."""
    config, prepared = job.config, job.prepared
    names = config.features.views if windows is None else [ORIGINAL]
    views = prepared.views(config.data.train, names)
    photographs = list(zip(*[views] * len(names), strict=True))
    return PhotographSet(
        photographs,
        len(prepared.dataset.classes),
        config.image_loss,
        windows if config.image_loss.window_loss else None,
        cast(int, config.training.batch),
    )


def _fit_images(
    job: Job,
    head: "keras.Model",
    photographs: PhotographSet,
    start: Calibration,
    progress: Progress,
) -> tuple["keras.Model", dict[str, State]]:
    """The head that the image loss makes of one, and the state of each stage."""
    settings, aggregation = job.config.image_loss, in_loss(job.config)
    states: dict[str, State] = {}
    if epochs := settings.mean_epochs:
        step = ImageStep(head, settings, aggregation.mean, start)
        schedule = Schedule(
            epochs, settings.batch, None, title=MEAN_EPOCH, section=LOSS
        )
        head, states[MEAN] = _stage(job, MEAN, step, photographs, schedule, progress)
    step = ImageStep(head, settings, aggregation, start)
    schedule = _of_images(job, len(photographs))
    head, states[IMAGES] = _stage(job, IMAGES, step, photographs, schedule, progress)
    return head, states


def _of_windows(job: Job, count: int) -> Schedule:
    """How long windows teach."""
    settings = job.config.training
    epochs, batch = cast(int, settings.epochs), cast(int, settings.batch)
    drops = settings.optimizer == "sgd"  # it ends by its own schedule
    if job.stops_early:
        return Schedule(epochs, batch, settings.patience, drops)
    if not drops:
        epochs = min(epochs, epochs_of(settings.steps, count, batch))
    return Schedule(epochs, batch, drops=drops)


def _of_images(job: Job, count: int) -> Schedule:
    """How long photographs teach."""
    settings = job.config.image_loss
    epochs, batch = cast(int, settings.epochs), settings.batch
    patience = job.config.training.patience if job.stops_early else None
    if patience is None:
        epochs = min(epochs, epochs_of(cast(int, settings.steps), count, batch))
    return Schedule(
        epochs,
        batch,
        patience,
        may_keep_start=patience is not None,
        title=IMAGE_EPOCH,
        section=LOSS,
    )


def epochs_of(steps: int, count: int, batch: int) -> int:
    """Whole epochs over `count` that have about so many steps, at least one.

    >>> epochs_of(240, 900, 16)
    4
    """
    return max(1, round(steps / math.ceil(count / batch)))


def _stage(
    job: Job,
    name: str,
    step: Step[B],
    batches: Batches[B],
    schedule: Schedule,
    progress: Progress,
) -> tuple["keras.Model", State]:
    return fitting.fit(
        step,
        batches,
        job.validation,
        schedule,
        job.config.seed,
        job.folder / name,
        progress,
    )


def _new_head(job: Job, background: bool = True) -> "keras.Model":
    config, prepared = job.config, job.prepared
    settings = config.head
    return heads.build(
        prepared.extractor.backbone.spec.channels,
        len(prepared.dataset.classes),
        settings.hidden,
        settings.dropout,
        settings.normalise,
        config.seed,
        background,
    )
