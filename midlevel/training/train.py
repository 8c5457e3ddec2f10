"""`midlevel train`: from boxed photographs to a run."""

import functools
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from midlevel import errors, runs
from midlevel.datasets import demo, reading
from midlevel.evaluation import calibrating
from midlevel.evaluation.split_scores import Scored, Validation
from midlevel.features import preparation
from midlevel.features.extractor import build_extractor
from midlevel.features.preparation import Prepared
from midlevel.images import augment
from midlevel.method import calibration, metrics, scores
from midlevel.networks import heads
from midlevel.settings import config as config_
from midlevel.settings.config import Config
from midlevel.system.progress import Progress
from midlevel.training import batches, fitting, labelled_windows, resuming


def train(
    data: str | Path | None = None,
    *,
    config: str | Path | Config | None = None,
    settings: dict | None = None,
    seed: int | None = None,
    run: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    then: Callable[[runs.Run, Prepared, Progress], None] | None = None,
) -> runs.Run:
    """Learn new classes from photographs with boxes.

    Args:
        data: a folder with boxed photographs; by default the demo set.
        config: settings, or a YAML file with them.
        settings: dotted keys over `config`, such as `{"data.classes": ["cat"]}`.
        seed: the same seed gives the same weights on a CPU; over `settings`.
        run: the folder to write; by default a new one in `runs/train`. Where it holds
            an unfinished run of the same data and settings, that is gone on with.
        resume: go on with an interrupted run, the newest if `run` is not given, with
            its own settings.
        progress: where to say how it goes; by default on stderr.
        then: called with the run when it is finished, if `report` is set.

    Returns:
        The finished run.

    Raises:
        errors.MidlevelError: what the user gave cannot be used; the message says why.
        errors.Interrupted: Ctrl-C; what was finished is saved.
    """
    progress = progress or Progress()
    if seed is not None:
        settings = {**(settings or {}), "seed": seed}
    if resume:
        run = runs.Run(run) if run else runs.newest(finished=False)
        data, config = resuming.resumed(run, data, settings or config)
    else:
        config = _resolved(config_.load(config, settings))
        data = Path(data) if data else demo.folder()
        run = runs.create(run)
        if run.has_begun:
            resuming.check_same(run, data, config)
    try:
        with run.alone():
            return _train(data, config, run, progress, then)
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


def _resolved(config: Config) -> Config:
    """The settings with nothing left open that the run could write down."""
    return config.model_copy(update={"training": config.training.resolved()})


def _train(
    data: Path, config: Config, run: runs.Run, progress: Progress, then
) -> runs.Run:
    started = time.monotonic()
    if run.has_begun:
        progress.say(f"{run.folder}: holds this run already, going on")
    drawn = run.split_files if run.has_begun else None
    dataset = reading.for_training(data, config, progress, drawn)
    resuming.begin(run, config, dataset, data)
    if run.record["finished"]:
        run.discard_checkpoints()
        progress.say(f"{run.folder}: is finished, nothing to do")
        if config.report and not run.report.exists():
            progress.say(f"its report: midlevel report --model {run.folder}")
        return run
    progress.say(f"run: {run.folder}")

    run.keep_backbone(config.backbone)
    extractor = build_extractor(config, run)
    engine = extractor.backbone.engine
    progress.say(f"engine: {engine}")
    run.update(engine=asdict(engine))
    views, place = _views(config), config.features.store
    prepared = preparation.prepare(
        dataset, views, extractor, place, progress, config.data.strict
    )
    extracted = time.monotonic()
    learned = _learn(run, config, prepared, progress)
    timings = {
        "features_s": round(extracted - started, 1),
        "head_s": round(learned.fitted - extracted, 1),
    }
    _finish(run, config, prepared, learned, timings, progress)
    run.update(finished=True)
    run.discard_checkpoints()
    if config.report and then:
        then(run, prepared, progress)
    _say_result(run, progress)
    return run


@dataclass(frozen=True)
class _Learned:
    """What learning left.

    Attributes:
        state: of fitting, at its end.
        scored: the validation split, by the best head.
        windows: how many of background and of each class were learned from.
        fitted: when fitting ended, as `time.monotonic` counts.
    """

    state: fitting.State
    scored: Scored
    windows: dict[str, int]
    fitted: float


def _learn(run: runs.Run, config: Config, prepared: Prepared, progress: Progress):
    """Fit the head and keep it in the run."""
    extractor, classes = prepared.extractor, prepared.dataset.classes
    k = config.scores.k
    validation = Validation(
        prepared, config.data.val, scores.K_CHOICES if k == "auto" else (k,)
    )
    windows = labelled_windows.collect(prepared, config, progress)
    head = heads.build(
        extractor.backbone.spec.channels,
        len(classes),
        config.head.hidden,
        config.head.dropout,
        config.head.normalise,
        config.seed,
    )
    head, state = fitting.fit(
        head,
        windows,
        validation,
        config.training,
        config.seed,
        run.checkpoints,
        progress,
    )
    fitted = time.monotonic()
    heads.keep(run, head)
    scored = validation.scored(heads.network(run, extractor.backbone.engine))
    return _Learned(state, scored, _counted(windows, classes), fitted)


def _views(config: Config) -> dict[str, list[str]]:
    """Views that training needs, by split; validation takes photographs as they are."""
    views = {config.data.train: list(config.features.views)}
    validation = views.setdefault(config.data.val, [])
    if augment.ORIGINAL not in validation:
        validation.append(augment.ORIGINAL)
    return views


def _counted(windows: batches.WindowSet, classes) -> dict[str, int]:
    """How many windows of background and of each class were learned from."""
    names = ("background", *classes)
    counts = np.bincount(windows.ids, minlength=len(names)).tolist()
    return dict(zip(names, counts, strict=True))


def _finish(run, config, prepared: Prepared, learned: _Learned, timings, progress):
    """Write what the run found."""
    classes, scored = prepared.dataset.classes, learned.scored
    k, _ = scored.best()
    at_k, targets = scored.at(k), scored.targets
    calibrated = calibration.none(len(classes))
    if config.scores.calibrate:
        calibrated = calibrating.fit(at_k, targets)
        _say_scarce(classes, calibrating.fits(at_k, targets), progress)
    run.write_csv("history.csv", learned.state.history)
    run.write_json(
        "metrics.json",
        {
            "split": config.data.val,
            "images": len(at_k),
            **metrics.table(at_k, targets, classes),
            "calibration_error": _calibration_error(at_k, targets, config),
            "windows": learned.windows,
            "timings": timings,
        },
    )
    run.update(
        k=k,
        calibration=asdict(calibrated),
        thresholds=_thresholds(calibrated(at_k), targets, classes, config.scores),
        best_epoch=learned.state.best_epoch,
        features_fingerprint=prepared.extractor.fingerprint,
        left_out=[*map(str, prepared.dataset.problems), *prepared.failures],
    )


def _say_scarce(classes, fitted: list[bool], progress: Progress):
    scarce = [name for name, is_own in zip(classes, fitted, strict=True) if not is_own]
    if scarce:
        progress.warn(
            "too few photographs to validate on, so calibrated like the other classes, "
            f"with their mean threshold: {', '.join(scarce)}"
        )


def _calibration_error(scores, targets, config: Config) -> dict:
    """See `calibrating.held_out`; nothing `after` where scores are not calibrated."""
    found = calibrating.held_out(scores, targets, config.seed)
    return found if config.scores.calibrate else {**found, "after": None}


def _thresholds(probabilities, targets, classes, settings) -> dict[str, float]:
    """For each class; that of one nobody shows is the mean of the others."""
    choose = metrics.best_threshold
    if settings.precision:
        choose = functools.partial(
            metrics.threshold_of_precision, precision=settings.precision
        )
    found = [choose(*pair) for pair in zip(probabilities.T, targets.T, strict=True)]
    found = np.nan_to_num(found, nan=np.nanmean(found))
    return dict(zip(classes, found.tolist(), strict=True))


def _say_result(run: runs.Run, progress: Progress):
    found = run.metrics
    best = found["mAP"]
    progress.say(
        f"validation mAP on {found['split']!r}: area {best['area']:.4f}, 11-point "
        f"{best['eleven_point']:.4f}, non-interpolated {best['non_interpolated']:.4f}"
    )
    before, after = found["calibration_error"].values()
    if after is not None:
        progress.say(
            f"calibration error on halves kept apart: {before:.3f} as scored, "
            f"{after:.3f} calibrated"
        )
    progress.say(f"done: {run.folder}")
    progress.say(f"label photographs: midlevel predict FOLDER --model {run.folder}")
