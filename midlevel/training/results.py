"""What a run found: written into its folder, and told."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from midlevel.evaluation import fit_calibration
from midlevel.evaluation.validation import Scored
from midlevel.features.preparation import Prepared
from midlevel.method import metrics
from midlevel.method.aggregation import Aggregation
from midlevel.method.calibration import Calibration
from midlevel.runs import Run
from midlevel.settings.config import Config
from midlevel.system.progress import Progress
from midlevel.training.earlier import Earlier
from midlevel.training.holding_out import HeldOut
from midlevel.training.stages import FittedHead


@dataclass(frozen=True)
class Learned:
    """What learning left.

    Attributes:
        prepared: photographs with the features that the head takes, and the labels of
            all tasks.
        classes: those that were learned, the last of the head's.
        fitted: the head that is kept.
        held_out: what calibration and thresholds are fitted to; None: to `measured`.
        measured: the validation split, by the head that is kept.
        windows: how many of background and of each class were learned from; None where
            labels alone taught.
        timings: seconds, by what took them.
        earlier: the tasks that were learned before.
    """

    prepared: Prepared
    classes: tuple[str, ...]
    fitted: FittedHead
    held_out: HeldOut | None
    measured: Scored
    windows: dict[str, int] | None
    timings: dict[str, float]
    earlier: Earlier | None = None

    @property
    def chosen(self) -> Scored:
        """What calibration and thresholds of the learned classes are fitted to."""
        if self.held_out:
            return self.held_out.scored
        return self.measured.newest(len(self.classes))

    def calibration(self, fitted: Calibration) -> Calibration:
        """That of all classes, by the one that was fitted to the learned ones."""
        return self.earlier.calibration(fitted) if self.earlier else fitted

    def thresholds(self, fitted: Sequence[float]) -> dict[str, float]:
        """Those of all classes, in the same way."""
        known = self.earlier.facts.thresholds if self.earlier else {}
        return {**known, **dict(zip(self.classes, fitted, strict=True))}


def write(run: Run, config: Config, learned: Learned, progress: Progress) -> None:
    """Fit calibration and thresholds; write all that is known.

    Files first, and then the record that says the run has them.
    """
    prepared, chosen = learned.prepared, learned.chosen
    aggregation, _ = chosen.best()
    found = fit_calibration.fit(
        chosen.at(aggregation), chosen.targets, config.scores, chosen.whole
    )
    _say_scarce(learned.classes, found.own, progress)
    shown = learned.held_out or learned.fitted
    run.write_csv("history.csv", shown.history)
    measured = _metrics(config, learned, aggregation, found)
    run.write_json("metrics.json", measured)
    run.update(
        aggregation=asdict(aggregation),
        calibration=asdict(learned.calibration(found.calibration)),
        thresholds=learned.thresholds(found.thresholds),
        best_epoch=sum(learned.fitted.epochs.values()),
        epochs=learned.fitted.epochs,
        features_fingerprint=prepared.extractor.fingerprint,
        left_out=prepared.left_out,
    )


def _metrics(
    config: Config,
    learned: Learned,
    aggregation: Aggregation,
    found: fit_calibration.Fitted,
) -> dict:
    """What metrics.json says; `chosen_on` has the mAP of what chose, beside `mAP`."""
    chosen, measured = learned.chosen, learned.measured
    prepared = learned.prepared
    calibration = learned.calibration(found.calibration)
    of_chosen = chosen.ranking(aggregation, found.calibration)
    of_measured = measured.ranking(aggregation, calibration)
    fitted = calibration if learned.held_out else None
    apart = fit_calibration.apart(
        measured, aggregation, config.scores, config.seed, fitted
    )
    return {
        "split": config.data.val,
        "images": len(measured.targets),
        **metrics.table(of_measured, measured.targets, prepared.dataset.classes),
        "chosen_on": {
            "select": "heldout" if learned.held_out else "val",
            "images": len(chosen.targets),
            "mAP": metrics.mean_average_precision(of_chosen, chosen.targets),
        },
        "calibration_error": apart.error,
        "windows": learned.windows,
        "timings": learned.timings,
    }


def _say_scarce(classes: Sequence[str], own: list[bool], progress: Progress) -> None:
    scarce = [name for name, is_own in zip(classes, own, strict=True) if not is_own]
    if scarce:
        progress.warn(
            "too few photographs to fit to, so calibrated like the other classes, "
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
    for task in run.record.get("tasks", []):
        names = task["classes"]
        mean = metrics.mean(found["AP"][name]["area"] for name in names)
        told = "not measured, the split shows none" if mean is None else f"{mean:.4f}"
        progress.say(f"of these {', '.join(names)}: area {told}")
    chose = found["chosen_on"]
    if chose["select"] == "heldout":
        gap = 100 * (chose["mAP"] - best["area"])
        progress.say(
            f"the {chose['images']} held-out photographs, which chose: area "
            f"{chose['mAP']:.4f}, {gap:+.1f} points from that"
        )
    before, after = found["calibration_error"].values()
    if after is not None:
        progress.say(
            f"calibration error on photographs kept apart: {before:.3f} as scored, "
            f"{after:.3f} calibrated"
        )
    progress.say(f"done: {run.folder}")
    progress.say(f"label photographs: midlevel predict FOLDER --model {run.folder}")
