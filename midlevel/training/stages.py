"""How a head learns: labelled windows and whole photographs teach it together.

Without an image loss windows teach alone, as in Oquab 2014; where no photograph has a
box, photographs alone, as in Oquab 2015. There the highest window is chance at the
start, so all windows may count alike for some epochs.
"""

import math
from collections.abc import Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np

from midlevel.datasets import label_levels
from midlevel.evaluation.validation import Validation
from midlevel.features.preparation import Prepared
from midlevel.method import aggregation as aggregation_
from midlevel.method.aggregation import Aggregation
from midlevel.networks import heads
from midlevel.settings.config import Config
from midlevel.system.progress import Progress
from midlevel.training import fitting, labelled_windows
from midlevel.training.batches import Batches, WindowSet
from midlevel.training.earlier import Earlier
from midlevel.training.fitting import Schedule, State
from midlevel.training.image_step import ImageStep
from midlevel.training.photographs import PhotographSet
from midlevel.training.steps import Step, WindowStep

if TYPE_CHECKING:
    import keras

LOSS = "image_loss"  # the section of its settings
MEAN_EPOCH = "epoch, all windows alike"
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
        backbone: the network whose tail learned with the head; None: it is frozen.
        joined: the head of this task and of earlier ones, where there are some.
    """

    head: "keras.Model"
    states: dict[str, State]
    ids: np.ndarray | None
    backbone: "keras.Model | None" = None
    joined: "keras.Model | None" = None

    @property
    def epochs(self) -> dict[str, int]:
        """How many each stage had, as far as its head was kept."""
        return {name: state.best_epoch for name, state in self.states.items()}

    @property
    def history(self) -> list[dict]:
        """A row for each epoch of all stages, numbered on; None where none watched."""
        staged = [
            {**row, "stage": name}
            for name, state in self.states.items()
            for row in state.history
        ]
        blank = dict.fromkeys(key for row in staged for key in row)
        return [
            {**blank, **row, "epoch": number} for number, row in enumerate(staged, 1)
        ]


def aggregations(config: Config) -> Sequence[Aggregation]:
    """Those that validation chooses from: one, but for a power mean without exponent.

    The loss of photographs has `in_loss` then.
    """
    settings, how = config.scores, str(config.scores.aggregation)
    if how == "auto":
        is_lse = config.image_loss.epochs and settings.k == "auto"
        how = aggregation_.LSE if is_lse else aggregation_.POWER
    if how == aggregation_.POWER:
        ks = aggregation_.K_CHOICES if settings.k == "auto" else (settings.k,)
        return [Aggregation(how, k) for k in ks]
    by = {aggregation_.TOP: settings.top, aggregation_.LSE: settings.lse}
    return [Aggregation(how, by.get(how, 0.0))]


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
        earlier: the tasks onto which it is learned; None: a head of its own.
    """

    prepared: Prepared
    config: Config
    folder: Path
    validation: Validation | None = None
    stops_early: bool = False
    earlier: Earlier | None = None


def fit(job: Job, progress: Progress) -> FittedHead:
    """Fit a head; goes on where it was interrupted.

    Raises:
        errors.MidlevelError: see `fitting.fit`.
    """
    if job.config.labels.level == label_levels.IMAGE:
        head, photographs = new_head(job, background=False), photograph_set(job)
        heads.start_at(head, photographs.odds)
        return FittedHead(*_by_photographs(job, head, photographs, progress), None)
    windows = labelled_windows.collect(job.prepared, job.config, progress)
    head = new_head(job)
    if job.config.image_loss.epochs:
        photographs = photograph_set(job, windows)
        found = _by_photographs(job, head, photographs, progress)
        return FittedHead(*found, windows.ids)
    step = WindowStep(head, job.config.training)
    schedule = _of_windows(job, len(windows))
    head, state = _stage(job, WINDOWS, step, windows, schedule, progress)
    return FittedHead(head, {WINDOWS: state}, windows.ids)


def photograph_set(job: Job, windows: WindowSet | None = None) -> PhotographSet:
    """What the image loss has: photographs in every view, and labelled windows."""
    config, prepared = job.config, job.prepared
    photographs = prepared.views_by_photograph(config.data.train, config.features.views)
    with_windows = windows if config.image_loss.window_loss else None
    count = len(prepared.dataset.classes)
    return PhotographSet(photographs, count, config.image_loss, with_windows)


def _by_photographs(
    job: Job, head: "keras.Model", photographs: PhotographSet, progress: Progress
) -> tuple["keras.Model", dict[str, State]]:
    """The head that the image loss makes of a new one, and the state of each stage."""
    settings, aggregation = job.config.image_loss, in_loss(job.config)
    count, states = len(photographs), {}
    if settings.mean_epochs:
        schedule = Schedule(
            settings.mean_epochs, settings.batch, title=MEAN_EPOCH, section=LOSS
        )
        step = ImageStep(head, settings, aggregation.mean, 0)
        head, states[MEAN] = _stage(job, MEAN, step, photographs, schedule, progress)
    patience = job.config.training.patience if job.stops_early else None
    schedule = image_schedule(job.config, count, patience)
    step = ImageStep(head, settings, aggregation, schedule.steps(count))
    head, states[IMAGES] = _stage(job, IMAGES, step, photographs, schedule, progress)
    return head, states


def _of_windows(job: Job, count: int) -> Schedule:
    """How long windows teach where they teach alone."""
    settings = job.config.training
    epochs, batch = cast(int, settings.epochs), cast(int, settings.batch)
    drops = settings.optimizer == "sgd"  # it ends by its own schedule
    if job.stops_early:
        return Schedule(epochs, batch, settings.patience, drops)
    if not drops:
        epochs = min(epochs, epochs_of(settings.steps, count, batch))
    return Schedule(epochs, batch, drops=drops)


def image_schedule(config: Config, count: int, patience: int | None = None) -> Schedule:
    """How long so many photographs teach."""
    settings = config.image_loss
    epochs, batch = cast(int, settings.epochs), settings.batch
    if patience is None:
        steps = cast(int, settings.steps)
        least = epochs_of(cast(int, settings.least_steps), count, batch)
        epochs = max(min(epochs, epochs_of(steps, count, batch)), least)
    return Schedule(epochs, batch, patience, section=LOSS)


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


def new_head(job: Job, background: bool = True) -> "keras.Model":
    """A head as the settings want it, which has learned nothing."""
    config, prepared = job.config, job.prepared
    settings, count = config.head, len(prepared.dataset.classes)
    if job.earlier:
        return job.earlier.new_head(count, config, background)
    return heads.build(
        prepared.extractor.backbone.spec.channels,
        count,
        settings.hidden,
        settings.dropout,
        settings.normalise,
        config.seed,
        background,
    )
