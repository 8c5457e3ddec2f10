"""A trained run, ready to look at photographs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from midlevel import (
    errors,
    extraction,
    features,
    heads,
    images,
    runs,
    scores,
    sources,
)
from midlevel.config import Config
from midlevel.windows import Plan

SCHEMA = "midlevel-prediction/1"


@dataclass(frozen=True)
class WindowScores:
    """What the model says of every window of an image.

    Attributes:
        plan: the windows.
        scores: float32 `(n, 1 + classes)`; column 0 is background.
    """

    plan: Plan
    scores: np.ndarray

    def map(self, column: int, map_wh: tuple[int, int] | None = None) -> np.ndarray:
        """Score map of one column, float32 `(height, width)`, of the image's size."""
        chosen, size_wh = self.scores[:, [column]], self.plan.size_wh
        return scores.score_map(self.plan.boxes, chosen, size_wh, map_wh)[..., 0]


@dataclass(frozen=True)
class Model:
    """A trained run, ready to look at photographs.

    Attributes:
        run: its folder.
        config: its settings.
        classes: names, in the order of the class ids from 1.
        k: exponent of the image score.
        thresholds: for each class the score from which it is said to be present.
        extractor: what makes the features.
        head: a Keras model from features to window scores.
    """

    run: runs.Run
    config: Config
    classes: tuple[str, ...]
    k: float
    thresholds: dict[str, float]
    extractor: features.Extractor
    head: Any

    def windows(self, image: np.ndarray) -> WindowScores:
        """Scores of every window of an RGB uint8 `(height, width, 3)` image.

        Raises:
            errors.ImageError: `image` is something else.
        """
        vectors = self.extractor(image)
        plan = self.extractor.plan(images.size_wh(image))
        return WindowScores(plan, heads.score(self.head, vectors))

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
        for path, image in extraction.ahead(paths, _read):
            if isinstance(image, errors.ImageError):
                yield _failure(path, str(image))
            else:
                yield self.record(image, path.as_posix())

    def record(self, image: np.ndarray, file: str | None = None) -> dict:
        """Everything said of one image, ready for JSON.

        Returns:
            `schema`, `file`, `width` and `height` in pixels; `scores`, the image score
            of each class in [0, 1]; `labels`, those at or above their threshold, best
            first; `regions`, boxes around what scored for each label, with `bbox` as
            `[x, y, width, height]` in pixels of the upright image; `failure`, None.
        """
        found = self.windows(image)
        by_class = scores.image_scores(found.scores[:, 1:], self.k)
        image_scores = dict(zip(self.classes, by_class.tolist(), strict=True))
        labels = [
            {"name": name, "score": round(score, 6), "threshold": self.thresholds[name]}
            for name, score in sorted(image_scores.items(), key=lambda item: -item[1])
            if score >= self.thresholds[name]
        ]
        width, height = found.plan.size_wh
        return {
            "schema": SCHEMA,
            "file": file,
            "width": width,
            "height": height,
            "labels": labels,
            "scores": {name: round(value, 6) for name, value in image_scores.items()},
            "regions": [
                r for label in labels for r in self._regions(found, label["name"])
            ],
            "failure": None,
        }

    def _regions(self, found: WindowScores, name: str) -> list[dict]:
        column = found.scores[:, self.classes.index(name) + 1]
        boxes, peaks = scores.regions(found.plan.boxes, column, found.plan.size_wh)
        corner, size = boxes[:, :2], boxes[:, 2:] - boxes[:, :2]
        boxes_xywh = np.hstack([corner, size]).round(1).tolist()
        return [
            {"name": name, "score": round(float(peak), 6), "bbox": box}
            for box, peak in zip(boxes_xywh, peaks, strict=True)
        ]


def load(run: str | Path | None = None) -> Model:
    """The model of a run folder; by default of the newest finished run in runs/train.

    Raises:
        errors.MidlevelError: there is no such run, it is not finished, or its backbone
            is not the one its head was trained with.
    """
    run = runs.Run(run) if run else runs.newest(finished=True)
    record, config = run.record, run.config
    if not record["finished"]:
        raise errors.MidlevelError(
            f"{run.folder}: training is not finished. Go on with: midlevel train "
            f"--resume --run {run.folder}"
        )
    kept = run.backbone_file if run.backbone_file.exists() else None
    extractor = features.build(config, kept)
    if extractor.fingerprint != record["features_fingerprint"]:
        raise errors.MidlevelError(
            f"{run.folder}: the backbone's weights or the windows are not those the "
            "head was trained with. Restore backbone.weights.h5 and config.yaml of the "
            "run, or train again with this midlevel."
        )
    return Model(
        run,
        config,
        tuple(record["classes"]),
        float(record["k"]),
        record["thresholds"],
        extractor,
        heads.load(run.head_file),
    )


def _read(path: Path) -> np.ndarray | errors.ImageError:
    try:
        return images.read(path)
    except errors.ImageError as error:
        return error


def _failure(path: Path, why: str) -> dict:
    empty = {"width": None, "height": None, "labels": [], "scores": {}, "regions": []}
    return {"schema": SCHEMA, "file": path.as_posix(), **empty, "failure": why}
