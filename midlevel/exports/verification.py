"""Is an exported file the run? Both see the same photographs; scores are compared."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from midlevel import errors
from midlevel.exports import letterbox
from midlevel.images import pixels
from midlevel.networks import heads
from midlevel.prediction.model import Model

WINDOWS_EACH = 8  # windows of each photograph that window models are verified on
NOISE = "noise of "  # its name in place of a photograph's
NOISE_HW = ((240, 320), (375, 500), (90, 61))  # where photographs are missing

Score = Callable[[np.ndarray], np.ndarray]  # of a batch


@dataclass(frozen=True)
class Comparison:
    """What a file is given, and the run's scores of it.

    Attributes:
        batches: uint8 `(n, height, width, 3)` each.
        expected: scores `(n, classes)` of each.
    """

    batches: list[np.ndarray]
    expected: list[np.ndarray]

    def worst(self, score: Score) -> float:
        """The largest difference of a score; nan where a score is none."""
        pairs = zip(self.batches, self.expected, strict=True)
        return float(
            np.max([np.abs(score(given) - said).max() for given, said in pairs])
        )


def of_windows(
    model: Model,
    photographs: dict[str, np.ndarray],
    size_wh: tuple[int, int] | None = None,
) -> Comparison:
    """Some windows of each photograph, cut out and alone."""
    cuts = [_cuts(model, image) for image in photographs.values()]
    network = model.extractor.backbone.network
    means = [network(batch).mean(axis=(1, 2)) for batch in cuts]
    return Comparison(cuts, [heads.score(model.head, vectors) for vectors in means])


def of_images(
    model: Model,
    photographs: dict[str, np.ndarray],
    size_wh: tuple[int, int] | None = None,
) -> Comparison:
    """Whole photographs; put into `size_wh` where there is one, also for the run."""
    shown = list(photographs.values())
    if size_wh:
        shown = [letterbox.letterbox(image, *size_wh) for image in shown]
    expected = [model.probabilities(model.windows(image))[None] for image in shown]
    return Comparison([image[None] for image in shown], expected)


def costs(
    model: Model,
    photographs: dict[str, np.ndarray],
    size_wh: tuple[int, int],
    score: Score,
) -> dict[str, float]:
    """What one size of image costs: a file's scores of photographs put into it.

    Returns:
        `largest` and `mean` difference of a probability from the run's of the whole
        photograph; `labels`, how many of the photographs get other labels.
    """
    least = np.array([model.thresholds[name] for name in model.classes])
    differences, others = [], 0
    for image in photographs.values():
        expected = model.probabilities(model.windows(image))
        (found,) = score(letterbox.letterbox(image, *size_wh)[None])
        differences.append(np.abs(found - expected))
        others += int(((found >= least) != (expected >= least)).any())
    return {
        "largest": float(np.max(differences)),
        "mean": float(np.mean(differences)),
        "labels": others,
    }


COMPARISONS = {"window": of_windows, "image": of_images}


def photographs(model: Model, count: int) -> dict[str, np.ndarray]:
    """Some of the run's photographs by name, those of validation first.

    What is no longer there is made up for by noise, in at most three sizes.
    """
    found: dict[str, np.ndarray] = {}
    for name, path in _files(model):
        if len(found) == count:
            return found
        try:
            found[name] = pixels.read(path)
        except errors.ImageError:
            continue
    rng = np.random.default_rng(0)
    for height, width in NOISE_HW[: count - len(found)]:
        image = rng.integers(0, 256, (height, width, 3), np.uint8)
        found[f"{NOISE}{width}x{height}"] = image
    return found


def _files(model: Model) -> Iterator[tuple[str, Path]]:
    """Names in the data's folder, and paths."""
    folder, splits = Path(model.run.record["folder"]), model.run.split_files
    validation = model.config.data.val
    for split in sorted(splits, key=lambda split: split != validation):
        yield from ((name, folder / name) for name in splits[split])


def _cuts(model: Model, image: np.ndarray) -> np.ndarray:
    boxes = model.extractor.plan(pixels.size_wh(image)).boxes
    chosen = np.linspace(0, len(boxes) - 1, WINDOWS_EACH).astype(int)
    side = model.extractor.backbone.spec.input_size
    return np.stack([pixels.cut(image, boxes[i], side) for i in chosen])
