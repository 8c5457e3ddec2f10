"""What a training will take on this machine, timed on a part of the photographs."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from midlevel import errors
from midlevel.advising import trials
from midlevel.advising.candidates import Candidate
from midlevel.advising.trials import Sample
from midlevel.evaluation import comparing
from midlevel.features.preparation import Prepared
from midlevel.networks import heads
from midlevel.settings.config import Config
from midlevel.system.progress import Progress
from midlevel.training import holding_out, learning, stages, tails

PART = 16  # photographs that are timed, and a step takes
WARM = 4  # of them for a first turn, in which networks are compiled
STEPS = 5  # of each stage that are timed
BYTES = 4  # of a weight


@dataclass(frozen=True)
class Cost:
    """Of a candidate, expected on this machine.

    Attributes:
        view_seconds: of the features, and maps, of one view of a photograph.
        fit_seconds: of learning once from all photographs to learn from.
        size_mb: megabytes of the files that OpenVINO predicts from.
    """

    view_seconds: float
    fit_seconds: float
    size_mb: float


def timed(candidate: Candidate, sample: Sample, count: int) -> Cost:
    """Time a part of the photographs.

    Args:
        count: photographs to learn from.
    """
    with tempfile.TemporaryDirectory(dir=sample.folder) as folder:
        config = _storing_in(candidate.config, folder)
        warm, part = sample.first(WARM), sample.first(PART)
        _prepared(warm, config)
        begun = time.monotonic()
        prepared = _prepared(part, config)
        views = len(trials.views_to_learn(config)[sample.train])
        more = max(len(part) - len(warm), 1)
        view_seconds = (time.monotonic() - begun) / (views * more)
        fit_seconds = _fit_seconds(config, prepared, count)
    return Cost(view_seconds, fit_seconds, size_mb(candidate, sample))


def training_seconds(
    cost: Cost, config: Config, learn_from: int, validate: int
) -> float:
    """Expected seconds of a whole training, from an empty store.

    Args:
        learn_from: photographs of the training split.
        validate: photographs of the validation split.
    """
    views = len(trials.views_to_learn(config)[config.data.train])
    features = cost.view_seconds * (views * learn_from + validate)
    return features + cost.fit_seconds * (1 + _folds(config, learn_from))


def trial_seconds(cost: Cost, config: Config, sample: Sample, seeds: int) -> float:
    """Expected seconds of trying a candidate, its features included."""
    views = len(trials.views_to_learn(config)[sample.train])
    features = cost.view_seconds * views * len(sample)
    return features + cost.fit_seconds * seeds * _folds(config, len(sample))


def size_mb(candidate: Candidate, sample: Sample) -> float:
    """Megabytes of backbone and head as a run keeps them for OpenVINO."""
    config = candidate.config
    spec = sample.extractor(config).backbone.spec
    head = heads.build(spec.channels, len(sample.dataset.classes), config.head.hidden)
    backbone_mb = comparing.size_mb(sample.run(config))
    return backbone_mb + BYTES * head.count_params() / comparing.MEGABYTE


def _folds(config: Config, count: int) -> int:
    """How often a training fits to hold photographs out."""
    wanted = config.training.held_out_fifths
    if wanted == "auto":
        return holding_out.OF_FEW if count <= holding_out.FEW else 1
    return wanted


def _storing_in(config: Config, folder: str) -> Config:
    features = config.features.model_copy(update={"store": folder})
    return config.model_copy(update={"features": features})


def _prepared(sample: Sample, config: Config) -> Prepared:
    views = trials.views_to_learn(config)
    return sample.prepared(config, views, Progress(quiet=True))


def _fit_seconds(config: Config, prepared: Prepared, count: int) -> float:
    """Expected seconds of one fit: by photographs, or by steps where there are some.

    Args:
        prepared: the photographs that are timed, no more than one step takes.
        count: photographs to learn from.
    """
    clock = Clock()
    seconds = _fitted(config, prepared, clock)
    if config.way.is_linear:
        return _linear_seconds(config, prepared, count)
    schedules = stages.image_schedule(config, count), tails.schedule(config, count)
    wanted = {one.title: one.epochs * count / PART for one in schedules}
    besides = seconds - sum(map(sum, clock.seconds.values()))
    in_steps = sum(
        wanted[title] * median(each) for title, each in clock.seconds.items()
    )
    return besides + in_steps


def _linear_seconds(config: Config, prepared: Prepared, count: int) -> float:
    """What a fit without steps takes: what any takes, and more for each photograph."""
    rows = prepared.readable(config.data.train)
    some = {config.data.train: rows[: len(rows) // 2]}
    half = replace(prepared, dataset=replace(prepared.dataset, splits=some))
    try:
        least = _fitted(config, half, Clock())
    except errors.DataError:  # nothing to learn in so few
        least = 0.0
    seconds = _fitted(config, prepared, Clock())
    each = max(seconds - least, 0.0) / (len(rows) - len(rows) // 2)
    return seconds + each * max(count - len(rows), 0)


def _fitted(config: Config, prepared: Prepared, clock: "Clock") -> float:
    """How long few steps take, in seconds."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        job = stages.Job(prepared, _short(config), Path(folder))
        tails.fit(job, learning.fit(job, clock), clock)
    return time.monotonic() - begun


def _short(config: Config) -> Config:
    """The settings with few steps."""
    update = {"steps": STEPS, "epochs": STEPS, "least_steps": 0, "batch": PART}
    return config.model_copy(
        update={
            "image_loss": config.image_loss.model_copy(update=update),
            "tail": config.tail.model_copy(update={"steps": STEPS}),
        }
    )


class Clock(Progress):
    """Says nothing, and times every task.

    Attributes:
        seconds: of tasks, by their name without its number.
    """

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.seconds: dict[str, list[float]] = {}

    @contextlib.contextmanager
    def task(self, name: str, total: int) -> Iterator[Callable[..., None]]:
        """Time it."""
        begun = time.monotonic()
        yield lambda steps=1: None
        title = name.rpartition(" ")[0]
        self.seconds.setdefault(title, []).append(time.monotonic() - begun)
