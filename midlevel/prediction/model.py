"""A trained run, ready to look at photographs."""

import html
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from functools import cached_property
from numbers import Real
from pathlib import Path

import numpy as np

from midlevel import errors, runs
from midlevel.features import batch
from midlevel.features.batch import Failure, Vectors
from midlevel.features.extractor import Extractor, Pooled, build_extractor
from midlevel.images import pixels, sources
from midlevel.images.pixels import Photograph
from midlevel.method import labels
from midlevel.method.aggregation import Aggregation
from midlevel.method.calibration import Calibration
from midlevel.method.whole import WholeModel
from midlevel.method.windows import Plan
from midlevel.networks import engines, heads
from midlevel.prediction import facts, inputs, records
from midlevel.prediction.records import Record, Records
from midlevel.prediction.window_scores import WindowScores
from midlevel.runs import whole_model_file
from midlevel.settings import config as config_
from midlevel.settings.config import Config
from midlevel.system import text, threads


@dataclass(frozen=True, repr=False)
class Model:
    """A trained run, ready to look at photographs.

    Attributes:
        run: its folder.
        config: its settings.
        classes: names, in the order of the class ids from 1.
        aggregation: from window scores to image scores.
        calibration: from image scores, and the whole photograph, to probabilities.
        thresholds: for each class the probability from which it is said to be present.
        extractor: what makes the features.
        head: a network from features to window scores.
        whole: a linear model of the whole photograph; None where the run has none.
        tasks: the classes of each task, where the run learned several.
    """

    run: runs.Run
    config: Config
    classes: tuple[str, ...]
    aggregation: Aggregation
    calibration: Calibration
    thresholds: dict[str, float]
    extractor: Extractor
    head: engines.Network
    whole: WholeModel | None = None
    tasks: tuple[tuple[str, ...], ...] = ()

    def __repr__(self) -> str:
        engine = self.extractor.backbone.engine
        names = ", ".join(self.classes)
        return f"Model({str(self.run.folder)!r}: {names}; {engine})"

    def _repr_html_(self) -> str:
        """For notebooks: the run, and each class with its threshold."""
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{self.thresholds[name]:.2f}</td></tr>"
            for name in self.classes
        )
        engine = self.extractor.backbone.engine
        caption = html.escape(f"{self.run.folder}, {engine}")
        head = "<tr><th>class</th><th>threshold</th></tr>"
        return f"<table><caption>{caption}</caption>{head}{rows}</table>"

    @cached_property
    def fingerprint(self) -> str:
        """Identifies all that decides a record, besides the photograph."""
        calibrated = asdict(self.calibration)
        if not len(self.calibration.whole_slopes):
            del calibrated["whole_slopes"]  # what was written before knows none
        parts = [
            self.extractor.stored_as,
            self.head.fingerprint or heads.fingerprint(self.run.head_file),
            self.classes,
            self.aggregation.by if self.k else list(astuple(self.aggregation)),
            calibrated,
            self.thresholds,
        ]
        if self.whole is not None:
            parts.append(self.whole.fingerprint)
        return text.digest(json.dumps(parts))

    @property
    def k(self) -> float | None:
        """Exponent of the image score; None where it is no power mean."""
        return self.aggregation.k

    @property
    def columns(self) -> tuple[str, ...]:
        """What each column of window scores is of.

        Several tasks have no background in common.
        """
        has_one = self.config.has_background and not self.tasks
        return labels.names_by_id(self.classes, has_one)

    @property
    def named(self) -> str:
        """Which model it is, in a line."""
        names = ", ".join(self.classes[:8]) + ", ..." * (len(self.classes) > 8)
        try:
            best = f"{100 * self.run.metrics['mAP']['area']:.1f}"
        except (OSError, ValueError, KeyError, TypeError):
            best = "unknown"
        return f"{self.run.folder} ({names}), validation mAP {best}"

    def windows(self, image: object) -> WindowScores:
        """Scores of every window of an image, see `predict`.

        Raises:
            errors.ImageError: `image` is none.
        """
        seen = inputs.image(image)
        return self.many([Photograph(seen, pixels.size_wh(seen))])[0]

    def many(self, photographs: Sequence[Photograph]) -> list[WindowScores]:
        """Scores of every window of each one; the head sees them all at once."""
        plans = [self.extractor.plan(photograph.size_wh) for photograph in photographs]
        return self._scores(plans, self.extractor.many(photographs))

    def _scores(
        self, plans: Sequence[Plan], pooled: Sequence[Pooled]
    ) -> list[WindowScores]:
        if not pooled:
            return []
        vectors = [one.windows for one in pooled]
        ends = np.cumsum([len(of_one) for of_one in vectors])[:-1]
        found = np.split(heads.score(self.head, np.concatenate(vectors)), ends)
        return [
            WindowScores(plan, window_scores, self.classes, self._of_whole(one))
            for plan, window_scores, one in zip(plans, found, pooled, strict=True)
        ]

    def _of_whole(self, pooled: Pooled) -> np.ndarray | None:
        return None if self.whole is None else self.whole(pooled.whole)

    def predict(self, source: object) -> Records:
        """What is in photographs, and where: a record each, see `record`.

        Args:
            source: an image: an RGB uint8 array, a PIL image, or what numpy makes an
                array of; a path (a file, a folder, which is searched with its
                subfolders, or a glob); or a list of these.

        Raises:
            errors.MidlevelError: it is something else, or names no file.
        """
        if inputs.is_path(source):
            return Records(self.stream(sources.find(Path(source))))
        if inputs.is_image(source):
            return Records([self.record(source)])
        items = inputs.several(source)
        return Records(record for item in items for record in self.predict(item))

    def stream(self, paths: Iterable[Path]) -> Iterator[Record]:
        """Records of files, in their order, a few held in memory at a time.

        A file that cannot be read gives a record whose `failure` says why.
        """
        engine = self.extractor.backbone.engine
        groups = threads.groups(paths, engine.together)
        for some in threads.in_order(groups, self._records, engine.workers):
            yield from some

    def _records(self, paths: list[Path]) -> list[Record]:
        """A record for each of some files."""
        read = batch.vectors(self.extractor, paths)
        good = [one for one in read if isinstance(one, Vectors)]
        pooled = [Pooled(one.features, one.whole) for one in good]
        found = iter(self._scores([one.plan for one in good], pooled))
        return [
            records.of_failure(one.name, one.reason)
            if isinstance(one, Failure)
            else self.record_of(next(found), one.name)
            for one in read
        ]

    def probabilities(self, found: WindowScores) -> np.ndarray:
        """How probably the image shows each class, float64 `(classes,)`."""
        return self.calibrated(self.aggregation(found.scores[:, 1:]), found.whole)

    def calibrated(
        self, image_scores: np.ndarray, whole: np.ndarray | None = None
    ) -> np.ndarray:
        """Probabilities `(..., classes)`, as records say them: see `Calibration`.

        Args:
            image_scores: `(..., classes)`.
            whole: log-odds of the whole photographs `(..., classes)`.
        """
        return self.calibration(image_scores, whole).round(records.DIGITS)

    def labelled(self, probabilities: np.ndarray) -> np.ndarray:
        """Which classes are labels: bool, of the shape of `probabilities`."""
        return probabilities >= [self.thresholds[name] for name in self.classes]

    @property
    def mirror(self) -> bool:
        """Whether it sees a photograph mirrored too."""
        return self.extractor.mirror

    def with_mirror(self, mirror: bool) -> "Model":
        """The same model, seeing photographs mirrored too, or as they are alone.

        Mirrored too, the windows of the mirror image, moved back, join the others, and
        the log-odds of the whole photograph are the mean of both; it takes the
        network twice the time.
        """
        if mirror == self.mirror:
            return self
        return replace(self, extractor=replace(self.extractor, mirror=mirror))

    def with_thresholds(
        self, thresholds: Mapping[str | None, float] | float
    ) -> "Model":
        """The same model with other thresholds, probabilities in [0, 1].

        Args:
            thresholds: one for all classes, or some by class, where None is every
                other class.

        Raises:
            errors.MidlevelError: an unknown class, or no probability.
        """
        wanted = thresholds if isinstance(thresholds, Mapping) else {None: thresholds}
        asked = dict.fromkeys(self.classes, wanted[None]) if None in wanted else {}
        asked |= {name: value for name, value in wanted.items() if name is not None}
        for name, value in asked.items():
            if name not in self.classes:
                raise errors.MidlevelError(
                    f"The model has no class {name!r}; it has: "
                    f"{', '.join(self.classes)}."
                )
            if not (isinstance(value, Real) and 0 <= value <= 1):
                raise errors.MidlevelError(
                    "A threshold is a probability from 0 to 1. Received: "
                    f"{value!r} for {name}."
                )
        return replace(self, thresholds={**self.thresholds, **asked})

    def record(self, image: object, file: str | None = None) -> Record:
        """What is said of one image, ready for JSON: see `records.of_image`."""
        return self.record_of(self.windows(image), file)

    def record_of(self, found: WindowScores, file: str | None) -> Record:
        """What is said of an image whose windows have their scores."""
        probabilities = self.probabilities(found)
        return records.of_image(found, probabilities, self.thresholds, file)


def load(
    run: str | Path | runs.Run | None = None,
    engine: str | None = None,
    precision: str | None = None,
    mirror: bool | None = None,
) -> Model:
    """The model of a run folder; by default of the newest finished run in runs/train.

    Args:
        engine: `auto`, `openvino` or `tensorflow`; by default as the run's settings.
        precision: `f32`, `bf16` or `f16`; by default as the run's settings.
        mirror: see photographs mirrored too; by default as the run's settings.

    Raises:
        errors.MidlevelError: there is no such run, it is not finished, a file of it
            is missing or damaged, or its backbone is not the one its head was trained
            with.
    """
    place = inputs.run(run) if run else runs.newest(finished=True)
    record, config = place.record, place.config
    if not record.get("finished"):
        raise errors.MidlevelError(
            f"{place.folder}: training is not finished. Go on with: midlevel train "
            f"--resume --run {place.folder}"
        )
    said = facts.read(place, record)
    asked = {"engine": engine, "precision": precision, "scores.mirror": mirror}
    changed = {name: value for name, value in asked.items() if value is not None}
    config = config_.load(config, changed)
    extractor = build_extractor(config, place)
    extractor = replace(extractor, mirror=config.scores.mirror)
    if extractor.fingerprint != record.get("features_fingerprint"):
        raise errors.MidlevelError(
            f"{place.folder}: the backbone's weights, the windows or the way of "
            "decoding photographs are not those the head was trained with. Restore "
            "the files of the run, or train again with this midlevel."
        )
    return Model(
        place,
        config,
        tuple(said.classes),
        said.aggregated,
        said.calibrated,
        said.thresholds,
        extractor,
        heads.network(place.head_file, place.stored_head, extractor.backbone.engine),
        _whole(place, said, extractor),
        tuple(tuple(task.classes) for task in said.tasks or ()),
    )


def _whole(run: runs.Run, said: facts.Facts, extractor: Extractor) -> WholeModel | None:
    """The model of the whole photograph, where `run.json` says that there is one."""
    if not said.calibration.whole_slopes:
        return None
    size = len(extractor.geometry.levels) * extractor.backbone.spec.channels
    return whole_model_file.read(run.whole_file, (size, len(said.classes)))
