"""A trained run, ready to look at photographs."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated

import numpy as np
import pydantic

from midlevel import errors, runs
from midlevel.features.extractor import Extractor, build_extractor
from midlevel.images import pixels, sources
from midlevel.images.pixels import Photograph
from midlevel.method import scores
from midlevel.method.calibration import Calibration
from midlevel.method.windows import Plan
from midlevel.networks import engines, heads
from midlevel.prediction import records
from midlevel.settings import config as config_
from midlevel.settings.config import Config
from midlevel.system import threads


@dataclass(frozen=True)
class WindowScores:
    """What the model says of every window of an image.

    Attributes:
        plan: the windows.
        scores: float32 `(n, 1 + classes)`; column 0 is background.
        classes: names of the columns from 1.
    """

    plan: Plan
    scores: np.ndarray
    classes: tuple[str, ...]

    def of_class(self, name: str) -> np.ndarray:
        """Scores of one class, `(n,)`."""
        return self.scores[:, 1 + self.classes.index(name)]

    def map(self, name: str, map_wh: tuple[int, int] | None = None) -> np.ndarray:
        """Score map of a class, float32 `(height, width)`, of the image's size."""
        column, size_wh = self.of_class(name)[:, None], self.plan.size_wh
        return scores.score_map(self.plan.boxes, column, size_wh, map_wh)[..., 0]


@dataclass(frozen=True)
class Model:
    """A trained run, ready to look at photographs.

    Attributes:
        run: its folder.
        config: its settings.
        classes: names, in the order of the class ids from 1.
        k: exponent of the image score.
        calibration: from image scores to probabilities.
        thresholds: for each class the probability from which it is said to be present.
        extractor: what makes the features.
        head: a network from features to window scores.
    """

    run: runs.Run
    config: Config
    classes: tuple[str, ...]
    k: float
    calibration: Calibration
    thresholds: dict[str, float]
    extractor: Extractor
    head: engines.Network

    @cached_property
    def fingerprint(self) -> str:
        """Identifies all that decides a record, besides the photograph."""
        parts = [
            self.extractor.stored_as,
            self.head.fingerprint or heads.fingerprint(self.run.head_file),
            self.classes,
            self.k,
            asdict(self.calibration),
            self.thresholds,
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    @property
    def named(self) -> str:
        """Which model it is, in a line."""
        names = ", ".join(self.classes[:8]) + ", ..." * (len(self.classes) > 8)
        try:
            best = f"{100 * self.run.metrics['mAP']['area']:.1f}"
        except (OSError, ValueError, KeyError, TypeError):
            best = "unknown"
        return f"{self.run.folder} ({names}), validation mAP {best}"

    def windows(self, image: np.ndarray) -> WindowScores:
        """Scores of every window of an RGB uint8 `(height, width, 3)` image.

        Raises:
            errors.ImageError: `image` is something else.
        """
        return self.many([Photograph(image, pixels.size_wh(pixels.check(image)))])[0]

    def many(self, photographs: Sequence[Photograph]) -> list[WindowScores]:
        """Scores of every window of each one; the head sees them all at once."""
        if not photographs:
            return []
        vectors = self.extractor.many(photographs)
        ends = np.cumsum([len(of_one) for of_one in vectors])[:-1]
        found = np.split(heads.score(self.head, np.concatenate(vectors)), ends)
        plans = [self.extractor.plan(photograph.size_wh) for photograph in photographs]
        return [
            WindowScores(*pair, self.classes) for pair in zip(plans, found, strict=True)
        ]

    def predict(self, source) -> list[dict]:
        """What is in photographs, and where: a record each, see `record`.

        Args:
            source: an RGB uint8 array, a path (a file, a folder, which is searched with
                its subfolders, or a glob), or a list of these.
        """
        if isinstance(source, np.ndarray):
            return [self.record(source)]
        if isinstance(source, str | Path):
            return list(self.stream(sources.find([source])))
        return [record for item in source for record in self.predict(item)]

    def stream(self, paths: Iterable[Path]) -> Iterator[dict]:
        """Records of files, in their order, a few held in memory at a time.

        A file that cannot be read gives a record whose `failure` says why.
        """
        engine = self.extractor.backbone.engine
        groups = threads.groups(paths, engine.together)
        for some in threads.in_order(groups, self._records, engine.workers):
            yield from some

    def _records(self, paths: list[Path]) -> list[dict]:
        """A record for each of some files."""
        read = [self._read(path) for path in paths]
        found = iter(self.many([one for one in read if isinstance(one, Photograph)]))
        return [
            self.record_of(next(found), path.as_posix())
            if isinstance(one, Photograph)
            else records.of_failure(path.as_posix(), str(one))
            for path, one in zip(paths, read, strict=True)
        ]

    def _read(self, path: Path) -> Photograph | errors.ImageError:
        try:
            return self.extractor.read(path)
        except errors.ImageError as error:
            return error

    def probabilities(self, found: WindowScores) -> np.ndarray:
        """How probably the image shows each class, float64 `(classes,)`."""
        return self.calibrated(scores.image_scores(found.scores[:, 1:], self.k))

    def calibrated(self, image_scores: np.ndarray) -> np.ndarray:
        """Probabilities of image scores, both `(..., classes)`, as records say them."""
        return self.calibration(image_scores).round(records.DIGITS)

    def labelled(self, probabilities: np.ndarray) -> np.ndarray:
        """Which classes are labels: bool, of the shape of `probabilities`."""
        return probabilities >= [self.thresholds[name] for name in self.classes]

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
        given = thresholds if isinstance(thresholds, Mapping) else {None: thresholds}
        asked = dict.fromkeys(self.classes, given[None]) if None in given else {}
        asked |= {name: value for name, value in given.items() if name is not None}
        for name, value in asked.items():
            if name not in self.classes:
                raise errors.MidlevelError(
                    f"The model has no class {name!r}; it has: "
                    f"{', '.join(self.classes)}."
                )
            if not 0 <= value <= 1:
                raise errors.MidlevelError(
                    f"A threshold is a probability from 0 to 1. Received: {value} for "
                    f"{name}."
                )
        return replace(self, thresholds={**self.thresholds, **asked})

    def record(self, image: np.ndarray, file: str | None = None) -> dict:
        """What is said of one image, ready for JSON: see `records.of_image`."""
        return self.record_of(self.windows(image), file)

    def record_of(self, found: WindowScores, file: str | None) -> dict:
        """What is said of an image whose windows have their scores."""
        probabilities = self.probabilities(found)
        return records.of_image(found, probabilities, self.thresholds, file)


def load(
    run: str | Path | None = None,
    engine: str | None = None,
    precision: str | None = None,
) -> Model:
    """The model of a run folder; by default of the newest finished run in runs/train.

    Args:
        engine: `auto`, `openvino` or `tensorflow`; by default as the run's settings.
        precision: `f32`, `bf16` or `f16`; by default as the run's settings.

    Raises:
        errors.MidlevelError: there is no such run, it is not finished, or its backbone
            is not the one its head was trained with.
    """
    run = runs.Run(run) if run else runs.newest(finished=True)
    record, config = run.record, run.config
    if not record.get("finished"):
        raise errors.MidlevelError(
            f"{run.folder}: training is not finished. Go on with: midlevel train "
            f"--resume --run {run.folder}"
        )
    facts = _facts(run, record)
    asked = {"engine": engine, "precision": precision}
    asked = {name: value for name, value in asked.items() if value is not None}
    config = config_.load(config, asked)
    extractor = build_extractor(config, run)
    if extractor.fingerprint != record.get("features_fingerprint"):
        raise errors.MidlevelError(
            f"{run.folder}: the backbone's weights, the windows or the way of decoding "
            "photographs are not those the head was trained with. Restore the files of "
            "the run, or train again with this midlevel."
        )
    return Model(
        run,
        config,
        *facts,
        extractor,
        heads.network(run, extractor.backbone.engine),
    )


class _Calibration(pydantic.BaseModel):
    """See `calibration.Calibration`."""

    slopes: list[Annotated[float, pydantic.Field(gt=0, allow_inf_nan=False)]]
    intercepts: list[Annotated[float, pydantic.Field(allow_inf_nan=False)]]


class _Facts(pydantic.BaseModel):
    """What `run.json` must say of a finished run."""

    classes: Annotated[list[str], pydantic.Field(min_length=1)]
    k: Annotated[float, pydantic.Field(ge=1, le=100)]
    calibration: _Calibration
    thresholds: dict[str, Annotated[float, pydantic.Field(ge=0, le=1)]]
    data: str

    @property
    def agree(self) -> bool:
        """Whether all are of the same classes."""
        ours, count = self.calibration, len(self.classes)
        are_as_many = len(ours.slopes) == len(ours.intercepts) == count
        return are_as_many and set(self.classes) == set(self.thresholds)


def _facts(run: runs.Run, record: dict) -> tuple:
    """Classes, k, calibration and thresholds, as training wrote them."""
    try:
        facts = _Facts.model_validate(record)
        is_good = facts.agree
    except pydantic.ValidationError:
        is_good = False
    if not is_good:
        raise errors.MidlevelError(
            f"{run.folder / 'run.json'}: expected classes, k, calibration and "
            "thresholds that agree, as midlevel train writes them. Restore it, or "
            "train again."
        )
    calibrated = Calibration(**facts.calibration.model_dump())
    return tuple(facts.classes), facts.k, calibrated, facts.thresholds
