"""What a run found: written into its folder, and told."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from midlevel.evaluation import fit_calibration
from midlevel.evaluation.validation import Scored
from midlevel.features.preparation import Prepared
from midlevel.method import metrics
from midlevel.runs import Run
from midlevel.settings.config import Config
from midlevel.system.progress import Progress
from midlevel.training import fitting


@dataclass(frozen=True)
class Learned:
    """What learning left.

    Attributes:
        state: of fitting, at its end.
        scored: the validation split, by the best head.
        windows: how many of background and of each class were learned from.
        timings: seconds, by what took them.
    """

    state: fitting.State
    scored: Scored
    windows: dict[str, int]
    timings: dict[str, float]


def write(
    run: Run, config: Config, prepared: Prepared, learned: Learned, progress: Progress
) -> None:
    """Fit calibration and thresholds to the validation split; write all that is known.

    Files first, and then the record that says the run has them.
    """
    classes = prepared.dataset.classes
    k, _ = learned.scored.best()
    scores, targets = learned.scored.at(k), learned.scored.targets
    found = fit_calibration.fit(scores, targets, config.scores)
    _say_scarce(classes, found.own, progress)
    run.write_csv("history.csv", learned.state.history)
    run.write_json("metrics.json", _metrics(config, classes, learned, k))
    run.update(
        k=k,
        calibration=asdict(found.calibration),
        thresholds=dict(zip(classes, found.thresholds, strict=True)),
        best_epoch=learned.state.best_epoch,
        features_fingerprint=prepared.extractor.fingerprint,
        left_out=prepared.left_out,
    )


def _metrics(
    config: Config, classes: Sequence[str], learned: Learned, k: float
) -> dict:
    scores, targets = learned.scored.at(k), learned.scored.targets
    apart = fit_calibration.keep_apart(scores, targets, config.scores, config.seed)
    return {
        "split": config.data.val,
        "images": len(scores),
        **metrics.table(scores, targets, list(classes)),
        "calibration_error": apart.error,
        "windows": learned.windows,
        "timings": learned.timings,
    }


def _say_scarce(classes: Sequence[str], own: list[bool], progress: Progress) -> None:
    scarce = [name for name, is_own in zip(classes, own, strict=True) if not is_own]
    if scarce:
        progress.warn(
            "too few photographs to validate on, so calibrated like the other classes, "
            f"with their mean threshold: {', '.join(scarce)}"
        )


def say(run: Run, progress: Progress) -> None:
    """Tell what a finished run is worth, and what to do with it."""
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
