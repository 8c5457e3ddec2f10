"""`midlevel train`: from labelled photographs to a run."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from midlevel import errors, runs
from midlevel.datasets import demo, label_levels, reading
from midlevel.evaluation.validation import Scored, Validation
from midlevel.features import preparation, trunk_maps
from midlevel.features.extractor import Extractor, build_extractor
from midlevel.features.preparation import Prepared
from midlevel.method import labels
from midlevel.method.whole import WholeModel
from midlevel.networks import backbones, heads
from midlevel.runs import whole_model_file
from midlevel.settings import config as config_
from midlevel.settings.config import Config
from midlevel.settings.linear import Linear
from midlevel.settings.sections import Section, Training
from midlevel.system.progress import Progress
from midlevel.training import (
    fit_whole_model,
    holding_out,
    learning,
    results,
    resuming,
    stages,
    tails,
)

if TYPE_CHECKING:
    import keras

Then = Callable[[runs.Run, Prepared, Progress], None]


def train(
    data: str | Path | None = None,
    *,
    config: str | Path | Config | None = None,
    settings: dict[str, Any] | None = None,
    run: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    then: Then | None = None,
) -> runs.Run:
    """Learn new classes from photographs with boxes, or with labels alone.

    Args:
        data: a folder with labelled photographs; by default the demo set.
        config: settings, or a YAML file with them.
        settings: dotted keys and their values, over `config`.
        run: the folder to write, or to go on in; by default a new one.
        resume: go on with an interrupted run, by default the newest, as it was begun.
        progress: where to say how it goes; by default on stderr.
        then: called with the run when it is finished, if `report` is set.

    Returns:
        The finished run.

    Raises:
        errors.MidlevelError: what the user gave cannot be used; the message says why.
        errors.Interrupted: Ctrl-C; what was finished is saved.
    """
    progress = progress or Progress()
    if resume:
        place = runs.Run(run) if run else runs.newest(finished=False)
        folder, chosen = resuming.resumed(place, data, settings or config)
    else:
        folder, chosen = _asked(data, config_.load(config, settings))
        place = runs.create(run)
        if place.has_begun:
            resuming.check_same(place, folder, chosen)
            chosen = place.config
    with _going_on_explained(place), place.alone():
        prepared = _train(folder, chosen, place, progress)
        if prepared and chosen.report and then:
            then(place, prepared, progress)
        if prepared:
            results.say(place, progress)
    return place


def _asked(data: str | Path | None, config: Config) -> tuple[Path, Config]:
    """Data and settings of a new run, nothing left open that it could write down."""
    resolved = config.model_copy(update={"training": config.training.resolved()})
    return Path(data) if data else demo.folder(), resolved


@contextlib.contextmanager
def _going_on_explained(run: runs.Run) -> Iterator[None]:
    """Says how to go on with a run that was interrupted or could not be written."""
    try:
        yield
    except KeyboardInterrupt as error:
        if not run.has_begun:
            raise errors.Interrupted("Interrupted; nothing is written yet.") from error
        raise errors.Interrupted(
            "Interrupted; what was finished is saved. Go on with: "
            f"midlevel train --resume --run {run.folder}"
        ) from error
    except OSError as error:
        raise errors.MidlevelError(
            f"{error.filename or run.folder}: {error.strerror or error}. What was "
            "finished is saved. When it is mended, go on with: "
            f"midlevel train --resume --run {run.folder}"
        ) from error
    finally:
        run.discard_if_empty()


def _train(
    data: Path, config: Config, run: runs.Run, progress: Progress
) -> Prepared | None:
    """Begin, prepare, learn, write; None where that was done before."""
    started = time.monotonic()
    if run.has_begun:
        progress.say(f"{run.folder}: holds this run already, going on")
    drawn = run.split_files if run.has_begun else None
    dataset = reading.for_training(data, config, progress, drawn)
    config = label_levels.resolved(dataset, config)
    resuming.begin(run, config, dataset, data)
    if run.record["finished"]:
        _say_finished(run, config, progress)
        return None
    progress.say(f"run: {run.folder}")
    _warn_of_idle(config, progress)
    tails.warn_of_few(dataset, config, progress)
    frozen = runs.Run(run.checkpoints / "frozen") if config.tail.learns else run
    extractor = _extractor(frozen, config, progress)
    run.update(engine=asdict(extractor.backbone.engine))
    views = preparation.views_by_split(config, config.features.views)
    place, strict = config.features.store, config.data.strict
    prepared = preparation.prepare(dataset, views, extractor, place, progress, strict)
    if config.tail.learns:
        weights = frozen.weights(config.backbone)
        maps = trunk_maps.prepare(prepared, config, weights, progress)
        prepared = replace(prepared, maps=maps)
    learned = _learn(run, config, prepared, started, progress)
    results.write(run, config, learned, progress)
    run.update(finished=True)
    run.discard_checkpoints()
    return learned.prepared


def _warn_of_idle(config: Config, progress: Progress) -> None:
    """Say which settings were asked for that do not count beside the others."""
    names = ("optimizer", "learning_rate", "batch", "epochs", "steps")
    training = _changed("training", config.training, Training().resolved(), names)
    linear = _changed("linear", config.linear, Linear(), Linear.model_fields)
    if training and config.way.is_linear:
        progress.warn(f"strategy={config.way.name} does not use {', '.join(training)}")
    elif training and config.image_loss.epochs:
        progress.warn(
            "only with image_loss.epochs=0 do these settings count: "
            f"{', '.join(training)}; see image_loss for the others"
        )
    if linear and not config.way.is_linear:
        progress.warn(
            f"only with strategy=linear or early do these count: {', '.join(linear)}"
        )


def _changed(
    section: str, asked: Section, usual: Section, names: Iterable[str]
) -> list[str]:
    """Dotted keys of those settings of a section that are not as usual."""
    pairs = ((name, getattr(asked, name), getattr(usual, name)) for name in names)
    return [f"{section}.{name}" for name, one, other in pairs if one != other]


def _say_finished(run: runs.Run, config: Config, progress: Progress) -> None:
    run.discard_checkpoints()
    progress.say(f"{run.folder}: is finished, nothing to do")
    if config.report and not run.report.exists():
        progress.say(f"its report: midlevel report --model {run.folder}")


def _extractor(run: runs.Run, config: Config, progress: Progress) -> Extractor:
    """What makes features, by the backbone that the run keeps."""
    settings, facts = config.backbone, config.backbone.facts()
    if facts and not run.stored_backbone.exists():
        run.keep_own(facts)
    elif not run.stored_backbone.exists():
        model = backbones.keras_model(settings.name, settings.weights)
        run.keep_backbone(settings.name, model, settings.map)
    extractor = build_extractor(config, run)
    progress.say(f"engine: {extractor.backbone.engine}")
    return extractor


def _learn(
    run: runs.Run,
    config: Config,
    prepared: Prepared,
    started: float,
    progress: Progress,
) -> results.Learned:
    """Score held-out photographs; fit head and whole model, and keep them in the run.

    Args:
        started: when training began, as `time.monotonic` counts.
    """
    extracted = time.monotonic()
    held_out = holding_out.score(prepared, config, run.checkpoints, progress)
    job = stages.Job(prepared, config, run.checkpoints)
    if not held_out:
        validation = _validation(prepared, config)
        job = replace(job, validation=validation, stops_early=True)
    fitted = tails.fit(job, learning.fit(job, progress), progress)
    if fitted.backbone:
        run.keep_backbone(config.backbone.name, fitted.backbone)
    # The report compares with one vector a photograph, of the first view.
    views = preparation.views_by_split(config, config.features.views[:1])
    place = config.features.store
    prepared = tails.with_features_of(fitted, prepared, views, place, progress)
    whole = fit_whole_model.fit(prepared, config)
    measured = _kept_and_scored(
        run, fitted.head, whole, prepared, _validation(prepared, config)
    )
    learned = time.monotonic()
    timings = {
        "features_s": round(extracted - started, 1),
        "head_s": round(learned - extracted, 1),
    }
    counted = _counted(fitted.ids, prepared.dataset.classes)
    return results.Learned(prepared, fitted, held_out, measured, counted, timings)


def _validation(prepared: Prepared, config: Config) -> Validation:
    return Validation(prepared, config.data.val, stages.aggregations(config))


def _kept_and_scored(
    run: runs.Run,
    head: "keras.Model",
    whole: WholeModel | None,
    prepared: Prepared,
    validation: Validation,
) -> Scored:
    """The validation split, by the head and the whole model as the run keeps them."""
    heads.keep(run.head_file, run.stored_head, head)
    if whole:
        whole_model_file.keep(run.whole_file, whole)
    engine = prepared.extractor.backbone.engine
    network = heads.network(run.head_file, run.stored_head, engine)
    return validation.scored(network, whole=whole)


def _counted(ids: np.ndarray | None, classes: tuple[str, ...]) -> dict[str, int] | None:
    """How many windows of background and of each class were learned from.

    None where labels alone taught.
    """
    if ids is None:
        return None
    names = labels.names_by_id(classes)
    counts = np.bincount(ids, minlength=len(names)).tolist()
    return dict(zip(names, counts, strict=True))
