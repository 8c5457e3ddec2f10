"""Learning onto a run: which run may be named, and which settings are that run's."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from midlevel import errors
from midlevel.datasets import Dataset
from midlevel.evaluation import overlap
from midlevel.features.extractor import Extractor
from midlevel.prediction import facts, inputs
from midlevel.runs import Run
from midlevel.settings import config as config_
from midlevel.settings.config import Config
from midlevel.system.progress import Progress
from midlevel.training.earlier import Earlier

BACKBONE = ("name", "weights", "map", "stride", "image_size")
OF_OWN = ("scaling", "order", "output")
SHARED = (  # settings that all tasks of a run have in common
    *("windows.pyramid", "windows.overlap"),
    *(f"backbone.{key}" for key in (*BACKBONE, *OF_OWN)),
    *("features.method", "features.context"),
    *("head.hidden", "head.normalise", "head.dropout"),
    *("scores.aggregation", "scores.k", "scores.top", "scores.lse", "scores.mirror"),
    "precision",
)
LEFT_OPEN = "auto"
# Hidden layers that the earlier head needs; of `LEARN`, that learn.
LEARN = {"new": 0, "fc7": 1, "fc6": 2}
GROW = {"none": 0, "da": 1, "wa": 1, "dwa": 1, "wwa": 2}


def source(run: object, place: str | Path | None) -> Run:
    """The run to learn onto.

    Args:
        place: the folder of the new run; None: a new one.

    Raises:
        errors.MidlevelError: it is no run, not finished, or the one to be written.
    """
    found = inputs.run(run)
    if place and found.folder.resolve() == Path(place).resolve():
        raise errors.MidlevelError(
            f"{place}: expected a new folder with --run. Received: the run that "
            "is learned from, which stays as it is. Name another, or none."
        )
    if not found.record.get("finished"):
        raise errors.MidlevelError(
            f"{found.folder}: training is not finished, so nothing can be learned onto "
            f"it. Go on with: midlevel train --resume --run {found.folder}"
        )
    facts.read(found, found.record)
    return found


def settings(config: Config, asked: Collection[str], source: Run | None) -> Config:
    """The settings of a new task: what all tasks share is the earlier run's.

    Args:
        asked: dotted keys that were given; another value for one is refused.
        source: the run to learn onto; None: settings stay as they are.

    Raises:
        errors.MidlevelError: settings contradict the run's, or cannot be learned with.
    """
    if source is None:
        _check_alone(config)
        return config
    _check_strategy(config)
    theirs, given = _shared(source), config_.flat(config)
    for key in SHARED:
        if key in asked and given[key] not in (theirs[key], LEFT_OPEN):
            raise errors.MidlevelError(
                f"{key}: the tasks of a run share it. Expected {theirs[key]}, as in "
                f"{source.folder}. Received: {given[key]}. Leave it out, or train "
                "without --from."
            )
    found = config_.load(config, theirs)
    growth = found.growth.resolved(found.head.hidden)
    found = found.model_copy(update={"growth": growth})
    _check_layers(found, source)
    return found


def _check_alone(config: Config) -> None:
    """Refuse settings that mean something only beside earlier tasks.

    Raises:
        errors.MidlevelError: growing, or layers of a run that shall learn.
    """
    if config.growth.grows or config.growth.learn != "new":
        name = "growth.kind" if config.growth.grows else "growth.learn"
        raise errors.MidlevelError(
            f"{name} is for classes that are learned onto a run. Name the run with "
            "--from, or leave it out."
        )


def check_same_network(extractor: Extractor, earlier: Earlier) -> None:
    """Make sure that the earlier head sees the features that it was trained with.

    Raises:
        errors.MidlevelError: they are others.
    """
    record = earlier.run.record
    if extractor.fingerprint != record.get("features_fingerprint"):
        raise errors.MidlevelError(
            "The backbone's weights, the windows or the way of decoding photographs "
            "are not those that the run named with --from was trained with. Restore "
            "its files, or train that run again with this midlevel."
        )


def _shared(source: Run) -> dict[str, Any]:
    """The earlier run's value of each of `SHARED`; the aggregation as it was chosen."""
    flat, said = config_.flat(source.config), facts.read(source, source.record)
    chosen = said.aggregated
    by = {"power": "scores.k", "top": "scores.top", "lse": "scores.lse"}.get(chosen.how)
    found = {key: flat[key] for key in SHARED}
    found["scores.aggregation"] = chosen.how
    return {**found, by: chosen.by} if by else found


def say_seen(run: Run, dataset: Dataset, progress: Progress) -> None:
    """Say which photographs of the validation split taught earlier tasks."""
    measured = [row.path for row in dataset.split(run.config.data.val)]
    seen = overlap.among(measured, map(Path, run.earlier_files))
    if seen:
        progress.warn(
            f"{len(seen)} of {len(measured)} validation photographs taught earlier "
            "classes: figures of these flatter. Measure them on others: midlevel "
            "evaluate OTHERS"
        )


def _check_strategy(config: Config) -> None:
    if config.way.is_linear:
        raise errors.MidlevelError(
            f"strategy={config.way.name}: expected head with --from, since tasks share "
            "the layers of a head. Leave it out, or train without --from."
        )
    if config.tail.learns:
        raise errors.MidlevelError(
            "tail.cut: expected none with --from, since the earlier classes need the "
            f"backbone as it is. Received: {config.tail.cut}. Leave it out."
        )


def _check_layers(config: Config, source: Run) -> None:
    learn, kind = config.growth.learn, config.growth.kind
    if learn != "new" and config.image_loss.epochs == 0:
        raise errors.MidlevelError(
            f"growth.learn={learn} needs the image loss. Received: image_loss.epochs=0."
        )
    _check_hidden(f"growth.learn={learn}", LEARN[learn], config, source)
    _check_hidden(f"growth.kind={kind}", GROW[kind], config, source)


def _check_hidden(setting: str, needed: int, config: Config, source: Run) -> None:
    """Refuse a setting that needs more hidden layers than the earlier head has.

    Raises:
        errors.MidlevelError: it has fewer.
    """
    hidden = config.head.hidden
    if len(hidden) >= needed:
        return
    layers = "one hidden layer" if needed == 1 else f"{needed} hidden layers"
    raise errors.MidlevelError(
        f"{setting}: expected a run whose head has {layers}. Received: "
        f"{source.folder}, with head.hidden={hidden}; below is the backbone, which the "
        "earlier classes need as it is. Leave it out, or choose another "
        f"{setting.partition('=')[0]}."
    )
