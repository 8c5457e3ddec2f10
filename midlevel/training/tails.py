"""Fitting a tail: the end of the backbone learns, once a head has.

Head first, tail after: a new head's slopes are chance, and would spoil what the network
knows (Kumar et al., ICLR 2022, "Fine-tuning can distort pretrained features", section
4). New layers learn at ten times the rate of old ones, as in R-CNN's released code
(Girshick et al., CVPR 2014) and in Growing a Brain (Wang et al., CVPR 2017).
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from midlevel.datasets import Dataset, label_levels
from midlevel.features import preparation
from midlevel.features.preparation import Prepared
from midlevel.features.trunk_maps import TailMaps
from midlevel.networks import backbones
from midlevel.networks.backbones.table import LAST
from midlevel.settings.config import Config
from midlevel.settings.tail import INPUT
from midlevel.system.progress import Progress
from midlevel.training import fitting, labelled_windows, stages
from midlevel.training.fitting import Schedule
from midlevel.training.stages import FittedHead, Job
from midlevel.training.tail_photographs import Labelled, TailPhotographs
from midlevel.training.tail_step import TailStep

if TYPE_CHECKING:
    import keras

TAIL = "tail"  # the stage, its section of the settings, and its folder
EPOCH = "epoch of head and tail"
CHANCE = 0.005  # mAP that the held-out photographs may lose by chance
FEW = 20  # boxes of a class, or photographs where labels alone teach: a rule of thumb


def fit(job: Job, fitted: FittedHead, progress: Progress) -> FittedHead:
    """Go on with a head, and with the end of its backbone; as it is without a cut.

    Raises:
        errors.MidlevelError: see `fitting.fit`.
    """
    maps, config = job.prepared.maps, job.config
    if maps is None:
        return fitted
    model = backbones.keras_model(config.backbone.name, maps.weights)
    photographs = _photographs(job, maps)
    of_tail = schedule(config, len(photographs))
    step = TailStep(
        fitted.head,
        _tail_of(model, config.backbone.name, maps.cut),
        config.tail,
        config.image_loss,
        stages.in_loss(config),
        of_tail.steps(len(photographs)),
    )
    place = job.folder / TAIL
    head, state = fitting.fit(
        step, photographs, None, of_tail, config.seed, place, progress
    )
    model.trainable = False
    states = {**fitted.states, TAIL: state}
    return replace(fitted, head=head, states=states, backbone=model)


def schedule(config: Config, count: int) -> Schedule:
    """How long a tail learns from so many photographs."""
    batch = config.image_loss.batch
    epochs = stages.epochs_of(config.tail.steps, count, batch)
    return Schedule(epochs, batch, title=EPOCH, section=TAIL)


def with_features_of(
    fitted: FittedHead,
    prepared: Prepared,
    views: Mapping[str, Sequence[str]],
    folder: str | Path | None,
    progress: Progress,
) -> Prepared:
    """Photographs with the features that a fitted head takes.

    Without a tail they are as they were.

    Args:
        views: for each split the views of its photographs that are wanted.
        folder: the store, see `preparation.prepare`.
    """
    if fitted.backbone is None:
        return prepared
    base = prepared.extractor
    backbone = backbones.of_model(
        fitted.backbone, base.backbone.spec.name, base.backbone.engine
    )
    extractor = replace(base, backbone=backbone)
    found = preparation.prepare(prepared.dataset, views, extractor, folder, progress)
    return replace(found, failures=prepared.failures)


def warn_of_few(dataset: Dataset, config: Config, progress: Progress) -> None:
    """Say which classes have so little that a network which learns learns it by heart.

    Args:
        config: resolved.
    """
    if not config.tail.learns:
        return
    rows, names = dataset.split(config.data.train), dataset.classes
    if config.labels.level == label_levels.IMAGE:
        what = "photographs"
        counts = (label_levels.targets(rows, len(names)) == 1).sum(axis=0)
    else:
        what = "boxes"
        ids = np.concatenate([[*row.classes, *row.unboxed] for row in rows])
        counts = np.bincount(ids.astype(int), minlength=1 + len(names))[1:]
    few = [f"{name} {n}" for name, n in zip(names, counts, strict=True) if n < FEW]
    if few:
        progress.warn(
            f"strategy {config.way.name} on few {what} of a class ({', '.join(few)}; "
            f"expected {FEW}): the network may learn them by heart. Add some, or use "
            "strategy=head or linear"
        )


def say_gain(before: float, after: float, progress: Progress) -> None:
    """Tell what a tail gained on photographs that taught nothing."""
    told = (
        f"held-out photographs: area mAP {before:.4f} with the frozen network, "
        f"{after:.4f} with its tail"
    )
    if after < before - CHANCE:
        progress.warn(
            f"{told}. It has unlearned something: lower tail.learning_rate or "
            "tail.steps, or use strategy=head"
        )
    else:
        progress.say(told)


def _tail_of(model: "keras.Model", name: str, cut: str) -> "keras.Model":
    """The part of a network behind a map, or all of it; its layers ready to learn."""
    from midlevel.networks.backbones import cutting  # loads TensorFlow

    spec = backbones.find(name)
    if cut == INPUT:
        tail = cutting.maps(model, spec, [LAST])
    else:
        _, tail = cutting.cut(model, spec.find_map(cut).layer)
    for layer in tail.layers:
        layer.trainable = True
    return tail


def _photographs(job: Job, maps: TailMaps) -> TailPhotographs:
    """What a tail learns from: photographs in every view, and labelled windows."""
    config, prepared = job.config, job.prepared
    views = prepared.views_by_photograph(config.data.train, config.features.views)
    count, labelled = len(prepared.dataset.classes), None
    if config.image_loss.window_loss:
        label = functools.partial(labelled_windows.label, config=config)
        labelled = Labelled(label, labelled_windows.weights(prepared, config))
    return TailPhotographs(views, maps, count, config.image_loss, labelled)
