"""Score whole splits from stored features, and measure the scores."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from midlevel import datasets, heads, metrics, preparation, scores
from midlevel.augment import ORIGINAL
from midlevel.model import Model
from midlevel.progress import Progress
from midlevel.store import FeatureStore

WINDOWS_AT_ONCE = 8192


@dataclass(frozen=True)
class Scored:
    """Image scores of a split.

    Attributes:
        scores: float64 `(len(ks), images, classes)`.
        ks: the exponents, one a row.
        targets: int8 `(images, classes)` of 1, 0, -1.
    """

    scores: np.ndarray
    ks: tuple[float, ...]
    targets: np.ndarray

    def best(self) -> tuple[float, float]:
        """The k of the highest area mAP, and that mAP; nan where nothing is present."""
        maps = [
            metrics.mean_average_precision(row, self.targets) for row in self.scores
        ]
        best = int(np.argmax(maps)) if not np.isnan(maps).all() else 0
        return self.ks[best], maps[best]

    def at(self, k: float) -> np.ndarray:
        """Image scores `(images, classes)` for one of `ks`."""
        return self.scores[self.ks.index(k)]


def score_split(
    head,
    store: FeatureStore,
    keys: Sequence[str],
    targets: np.ndarray,
    ks: Sequence[float],
) -> Scored:
    """Score the images behind `keys` with `head`, for each exponent in `ks`."""
    rows = []
    for window_scores in score_windows(head, store, keys):
        classes = window_scores[:, 1:]  # without background
        rows.append([scores.image_scores(classes, k) for k in ks])
    table = np.array(rows).reshape(len(keys), len(ks), -1).swapaxes(0, 1)
    return Scored(table, tuple(ks), targets)


def score_windows(
    head, store: FeatureStore, keys: Sequence[str]
) -> Iterator[np.ndarray]:
    """Window scores `(n, 1 + classes)` of each image, several images at a time."""
    for group in _grouped(keys, store):
        arrays = [store.load(key) for key in group]
        together = heads.score(head, np.concatenate(arrays))
        yield from np.split(together, np.cumsum([len(a) for a in arrays])[:-1])


def _grouped(keys, store):
    """Consecutive keys, about `WINDOWS_AT_ONCE` windows a group."""
    ends = np.cumsum([store.entries[key].count for key in keys])
    numbers = (ends - 1) // WINDOWS_AT_ONCE
    for _, group in itertools.groupby(zip(numbers, keys, strict=True), lambda x: x[0]):
        yield [key for _, key in group]


def evaluate(
    model: Model,
    data: str | Path | None = None,
    split: str | None = None,
    progress: Progress | None = None,
) -> dict:
    """Average precision of a trained model on a labelled split.

    Args:
        data: the data set; by default the one the model was trained on.
        split: by default the run's validation split.

    Returns:
        `mAP` and `AP` per class, each with `area`, `eleven_point` and
        `non_interpolated` in [0, 1] (None for a class no photograph shows), `split`,
        `images`, `k`, `run` and `left_out`, a line for each unusable file.

    Raises:
        errors.MidlevelError: the data or the split cannot be used.
    """
    progress = progress or Progress()
    config = model.config
    split = split or config.data.val
    folder = Path(data or model.run.record["data"])
    dataset = _read(folder, model, split, progress)
    prepared = preparation.prepare(
        dataset, {split: [ORIGINAL]}, model.extractor, config.features.store, progress
    )
    examples = prepared.readable(split)
    keys = [prepared.keys[e.path][ORIGINAL] for e in examples]
    targets = np.stack([e.targets(len(model.classes)) for e in examples])
    scored = score_split(model.head, prepared.store, keys, targets, (model.k,))
    return {
        **metrics.table(scored.at(model.k), targets, model.classes),
        "run": str(model.run.folder),
        "data": str(folder),
        "split": split,
        "images": len(examples),
        "k": model.k,
        "left_out": [*dataset.problems, *prepared.failures],
    }


def _read(folder: Path, model: Model, split: str, progress: Progress):
    """The data set; a validation split drawn in training is drawn again."""
    dataset = datasets.read(folder, model.classes, must_occur=False)
    chosen = model.config.data
    if split in (chosen.train, chosen.val) and not dataset.splits.get(chosen.val):
        dataset = datasets.hold_out(
            dataset, chosen.train, split, chosen.val_fraction, model.config.seed
        )
    preparation.say_left_out(dataset.problems, progress)
    return dataset


def as_table(found: dict) -> str:
    """What `evaluate` found, for a person: AP in percent."""
    names = [*found["AP"], "mean"]
    width = max(map(len, names))
    lines = [f"{'AP %':{width}}   area  11-point  non-interpolated"]
    for name, row in zip(names, [*found["AP"].values(), found["mAP"]], strict=True):
        area, eleven, non = (
            "-" if row[form] is None else f"{100 * row[form]:.1f}"
            for form in metrics.FORMS
        )
        lines.append(f"{name:{width}}  {area:>5}  {eleven:>8}  {non:>16}")
    lines.append(
        f"{found['images']} photographs of split {found['split']!r} in "
        f"{found['data']}; model {found['run']}, k = {found['k']:g}"
    )
    return "\n".join(lines)
