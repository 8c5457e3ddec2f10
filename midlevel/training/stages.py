"""The stages in which a head learns: from windows, then from whole photographs."""

import math
from collections.abc import Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np

from midlevel.evaluation.validation import Validation
from midlevel.features.preparation import Prepared
from midlevel.images.augment import ORIGINAL
from midlevel.method import scores
from midlevel.networks import heads
from midlevel.settings.config import Config
from midlevel.system.progress import Progress
from midlevel.training import fitting, image_step, labelled_windows
from midlevel.training.batches import Batches
from midlevel.training.fitting import Schedule, State
from midlevel.training.image_step import ImageStep
from midlevel.training.photographs import PhotographSet
from midlevel.training.steps import Step, WindowStep

if TYPE_CHECKING:
    import keras

IMAGE_EPOCH = "epoch of photographs"
B = TypeVar("B", bound=Sized)  # a batch
WINDOWS, IMAGES = "windows", "photographs"  # stages, and folders of checkpoints


@dataclass(frozen=True)
class FittedHead:
    """A head, and how it came about.

    Attributes:
        head: what the last stage left.
        windows: the window loss's state at its end.
        images: the image loss's; None where there was none.
        ids: class ids of the windows that were learned from.
    """

    head: "keras.Model"
    windows: State
    images: State | None
    ids: np.ndarray

    @property
    def epochs(self) -> dict[str, int]:
        """How many each stage had, as far as its head was kept."""
        images = self.images.best_epoch if self.images else 0
        return {WINDOWS: self.windows.best_epoch, IMAGES: images}

    @property
    def history(self) -> list[dict]:
        """A row for each epoch of both stages, numbered on."""
        before = len(self.windows.history)
        rows = [{**row, "stage": WINDOWS} for row in self.windows.history]
        for row in self.images.history if self.images else ():
            rows.append({**row, "epoch": before + row["epoch"], "stage": IMAGES})
        return rows


def ks(config: Config) -> Sequence[float]:
    """The exponents that validation chooses from: one where the image loss has it."""
    if config.scores.k != "auto":
        return (config.scores.k,)
    return (scores.K_LEARNED,) if config.image_loss.epochs else scores.K_CHOICES


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
    windows = labelled_windows.collect(job.prepared, job.config, progress)
    step = WindowStep(_new_head(job.config, job.prepared), job.config.training)
    schedule = _of_windows(job, len(windows))
    head, state = _stage(job, WINDOWS, step, windows, schedule, progress)
    if not job.config.image_loss.epochs:
        return FittedHead(head, state, None, windows.ids)
    head, images = _fit_images(job, head, progress)
    return FittedHead(head, state, images, windows.ids)


def _fit_images(
    job: Job, head: "keras.Model", progress: Progress
) -> tuple["keras.Model", State]:
    """The head that the image loss makes of what the window loss left."""
    settings, seed = job.config.image_loss, job.config.seed
    k, *_ = ks(job.config)
    views = list(job.prepared.views(job.config.data.train, [ORIGINAL]))
    classes = len(job.prepared.dataset.classes)
    photographs = PhotographSet(views, classes, settings.windows)
    start = image_step.first_calibration(heads.in_training(head), photographs, k, seed)
    step = ImageStep(head, settings, k, start)
    return _stage(
        job, IMAGES, step, photographs, _of_images(job, len(photographs)), progress
    )


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
    epochs, batch = settings.epochs, settings.batch
    patience = job.config.training.patience if job.stops_early else None
    if patience is None:
        epochs = min(epochs, epochs_of(settings.steps, count, batch))
    return Schedule(
        epochs,
        batch,
        patience,
        may_keep_start=patience is not None,
        title=IMAGE_EPOCH,
        section="image_loss",
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


def _new_head(config: Config, prepared: Prepared) -> "keras.Model":
    channels = prepared.extractor.backbone.spec.channels
    classes, settings = len(prepared.dataset.classes), config.head
    return heads.build(
        channels,
        classes,
        settings.hidden,
        settings.dropout,
        settings.normalise,
        config.seed,
    )
