"""`midlevel train`: from labelled photographs to a run."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

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
    continuing,
    earlier,
    fit_whole_model,
    holding_out,
    learning,
    results,
    resuming,
    stages,
    tails,
)
from midlevel.training.earlier import Earlier
from midlevel.training.stages import FittedHead

Then = Callable[[runs.Run, Prepared, Progress], None]


def train(
    data: str | Path | None = None,
    *,
    config: str | Path | Config | None = None,
    settings: dict[str, Any] | None = None,
    run: str | Path | None = None,
    from_run: str | Path | runs.Run | None = None,
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
        from_run: a finished run, whose classes the new one knows too.
        resume: go on with an interrupted run, by default the newest, as it was begun.
        progress: where to say how it goes; by default on stderr.
        then: called with the run when it is finished, if `report` is set.

    Returns:
        The finished run.

    Raises:
        errors.MidlevelError: what the user gave cannot be used; the message says why.
        errors.Interrupted: Ctrl-C; what was finished is saved.
    """
    progress, source = progress or Progress(), None
    if resume:
        place = runs.Run(run) if run else runs.newest(finished=False)
        folder, chosen = resuming.resumed(place, data, settings or config or from_run)
    else:
        folder, chosen = _asked(data, config_.load(config, settings))
        source = continuing.source(from_run, run) if from_run else None
        chosen = continuing.settings(chosen, config_.asked(config, settings), source)
        place = runs.create(run)
        if place.has_begun:
            resuming.check_same(place, folder, chosen, source)
            chosen = place.config
    with _going_on_explained(place), place.alone():
        prepared = _train(folder, chosen, place, progress, source)
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
    data: Path,
    config: Config,
    run: runs.Run,
    progress: Progress,
    source: runs.Run | None = None,
) -> Prepared | None:
    """Begin, prepare, learn, write; None where that was done before."""
    started = time.monotonic()
    if run.has_begun:
        progress.say(f"{run.folder}: holds this run already, going on")
    drawn = run.split_files if run.has_begun else None
    before = earlier.before(run, source)
    known = [name for task in before for name in task["classes"]]
    dataset = reading.for_training(data, config, progress, drawn, known)
    config = label_levels.resolved(dataset, config)
    resuming.begin(run, config, dataset, data, before, source)
    if run.record["finished"]:
        _say_finished(run, config, progress)
        return None
    progress.say(f"run: {run.folder}")
    _warn_of_idle(config, progress)
    old = earlier.kept_in(run)
    tails.warn_of_few(dataset, config, progress)
    frozen = runs.Run(run.checkpoints / "frozen") if config.tail.learns else run
    extractor = kept_extractor(frozen, config)
    progress.say(f"engine: {extractor.backbone.engine}")
    if old:
        continuing.check_same_network(extractor, old)
        continuing.say_seen(run, dataset, progress)
    run.update(engine=asdict(extractor.backbone.engine))
    views = preparation.views_by_split(config, config.features.views)
    place, strict = config.features.store, config.data.strict
    prepared = preparation.prepare(dataset, views, extractor, place, progress, strict)
    if config.tail.learns:
        weights = frozen.weights(config.backbone)
        maps = trunk_maps.prepare(prepared, config, weights, progress)
        prepared = replace(prepared, maps=maps)
    learned = _learn(run, config, prepared, old, data, started, progress)
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


def kept_extractor(run: runs.Run, config: Config) -> Extractor:
    """What makes features, by the backbone that the run keeps."""
    settings, facts = config.backbone, config.backbone.facts()
    if facts and not run.stored_backbone.exists():
        run.keep_own(facts)
    elif not run.stored_backbone.exists():
        is_kept = run.weights_file.exists()  # those of a run that is learned onto
        weights = run.weights_file if is_kept else settings.weights
        model = backbones.keras_model(settings.name, weights)
        run.keep_backbone(settings.name, model, settings.map)
    return build_extractor(config, run)


def _learn(
    run: runs.Run,
    config: Config,
    prepared: Prepared,
    old: Earlier | None,
    data: Path,
    started: float,
    progress: Progress,
) -> results.Learned:
    """Score held-out photographs; fit head and whole model, and keep them in the run.

    Args:
        old: the tasks onto which this one is learned.
        data: where the photographs are.
        started: when training began, as `time.monotonic` counts.
    """
    extracted = time.monotonic()
    held_out = holding_out.score(prepared, config, run.checkpoints, progress, old)
    job = stages.Job(prepared, config, run.checkpoints, earlier=old)
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
    classes = prepared.dataset.classes
    if old:
        whole = old.whole(whole, _shape_of_whole(prepared))
        prepared = _with_all_labels(run, config, prepared, data)
    validation = _validation(prepared, config)
    measured = _kept_and_scored(run, fitted, whole, prepared, validation)
    learned = time.monotonic()
    timings = {
        "features_s": round(extracted - started, 1),
        "head_s": round(learned - extracted, 1),
    }
    counted = _counted(fitted.ids, classes)
    return results.Learned(
        prepared, classes, fitted, held_out, measured, counted, timings, old
    )


def _validation(prepared: Prepared, config: Config) -> Validation:
    return Validation(prepared, config.data.val, stages.aggregations(config))


def _shape_of_whole(prepared: Prepared) -> tuple[int, int]:
    """Of the weights of a whole model: `(levels * channels, classes)`."""
    extractor = prepared.extractor
    levels, channels = len(extractor.geometry.levels), extractor.backbone.spec.channels
    return levels * channels, len(prepared.dataset.classes)


def _with_all_labels(
    run: runs.Run, config: Config, prepared: Prepared, data: Path
) -> Prepared:
    """The photographs with what the data says of the earlier classes, too."""
    quiet = Progress(quiet=True)
    dataset = reading.of_all_tasks(data, run, quiet)
    views = preparation.views_by_split(config, config.features.views[:1])
    place = config.features.store
    found = preparation.prepare(dataset, views, prepared.extractor, place, quiet)
    dataset = replace(found.dataset, problems=prepared.dataset.problems)
    return replace(found, dataset=dataset, failures=prepared.failures)


def _kept_and_scored(
    run: runs.Run,
    fitted: FittedHead,
    whole: WholeModel | None,
    prepared: Prepared,
    validation: Validation,
) -> Scored:
    """The validation split, by the head and the whole model as the run keeps them."""
    heads.keep(run.head_file, run.stored_head, fitted.joined or fitted.head)
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
