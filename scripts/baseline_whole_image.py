"""The baseline that windows have to beat: one feature vector for a whole photograph.

Every photograph goes once through the packaged frozen backbone, and the mean over its
map, standardised, is given to one logistic regression for each class. The conventional
set-up resizes its short side to 224 pixels; two more are larger. A photograph that
shows a class only as difficult objects counts neither way for it, as in PASCAL VOC.

The strength C of each set-up, and the set-up whose classes are printed, are chosen by
cross-validation on split `train`; the split that is measured chooses nothing.

    pip install -e ".[cpu,dev]"
    python scripts/baseline_whole_image.py voc-animals \\
        --classes person,dog,cat,horse,sheep,cow,chair,sofa

With 900 and 450 photographs this takes eight minutes of processor time.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from midlevel import datasets, errors
from midlevel.evaluation import evaluate
from midlevel.images import pixels
from midlevel.method import metrics, whole, windows
from midlevel.networks import backbones
from midlevel.networks.backbones import Backbone
from midlevel.system.progress import Progress

STRENGTHS = (0.001, 0.01, 0.1, 1.0)  # C of the logistic regression
FOLDS = 5
SETUPS = {"short side 224": 1.0, "short side 320": 1.4, "short side 448": 2.0}  # scale


@dataclass(frozen=True)
class Split:
    """The readable photographs of a split.

    Attributes:
        vectors: float32 `(set-ups, photographs, channels)`.
        targets: int8 `(photographs, classes)` of 1, 0, -1.
        left_out: a line for each photograph that cannot be read.
    """

    vectors: np.ndarray
    targets: np.ndarray
    left_out: list[str]


def whole_image(image: np.ndarray, backbone: Backbone) -> np.ndarray:
    """Mean over the map in every set-up, float32 `(set-ups, channels)`."""
    stride = backbone.spec.stride
    geometry = windows.Geometry((), stride, backbone.spec.input_size)
    size_wh, sizes_wh = pixels.size_wh(image), []
    for scale in SETUPS.values():
        columns, rows = windows.grid(size_wh, scale, geometry)
        sizes_wh.append((columns * stride, rows * stride))
    return whole.of_maps(backbone.maps(pixels.levels(image, sizes_wh)))


def read_split(dataset, name: str, backbone, progress: Progress) -> Split:
    examples = dataset.split(name)
    vectors, targets, left_out = [], [], []
    with progress.task(f"features of {name}", len(examples)) as advance:
        for example in examples:
            try:
                vectors.append(whole_image(pixels.read(example.path), backbone))
                targets.append(example.targets(len(dataset.classes)))
            except errors.ImageError as error:
                left_out.append(str(error))
            advance()
    if not vectors:
        raise errors.DataError(f"{name}: no photograph of this split can be read.")
    return Split(np.stack(vectors, axis=1), np.stack(targets), left_out)


def check(targets: np.ndarray, classes: tuple[str, ...]) -> None:
    """Every class needs a photograph with it, and one without, for each fold."""
    least = np.minimum((targets == 1).sum(axis=0), (targets == 0).sum(axis=0))
    few = [name for name, n in zip(classes, least, strict=True) if n < FOLDS]
    if few:
        raise errors.DataError(
            f"Cross-validation needs {FOLDS} training photographs with and {FOLDS} "
            f"without each class. Leave out of --classes: {', '.join(few)}."
        )


def new_classifier(strength: float) -> Any:
    return make_pipeline(
        StandardScaler(), LogisticRegression(C=strength, max_iter=2000)
    )


def cross_validated(
    vectors: np.ndarray,
    targets: np.ndarray,
    strength: float,
    new: Callable[[float], Any] = new_classifier,
) -> float:
    """Area mAP over photographs scored by a classifier that has not seen them.

    Args:
        new: makes a classifier of a strength.
    """
    scores = np.zeros(targets.shape)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    for i, column in enumerate(targets.T):
        counted = column >= 0
        scores[counted, i] = cross_val_predict(
            new(strength),
            vectors[counted],
            column[counted],
            cv=folds,
            method="decision_function",
        )
    return metrics.mean_average_precision(scores, targets)


def score(
    vectors: np.ndarray,
    targets: np.ndarray,
    others: np.ndarray,
    strength: float,
    new: Callable[[float], Any] = new_classifier,
) -> np.ndarray:
    """Scores `(len(others), classes)` of classifiers of `vectors` and `targets`."""
    columns = []
    for column in targets.T:
        counted = column >= 0
        classifier = new(strength).fit(vectors[counted], column[counted])
        columns.append(classifier.decision_function(others))
    return np.stack(columns, axis=1)


def measure(train: Split, test: Split, classes) -> list[dict]:
    """For every set-up its best C, and AP of `test` with it."""
    rows = []
    for name, vectors, others in zip(SETUPS, train.vectors, test.vectors, strict=True):
        found = [cross_validated(vectors, train.targets, c) for c in STRENGTHS]
        strength = STRENGTHS[int(np.argmax(found))]
        scores = score(vectors, train.targets, others, strength)
        table = metrics.table(scores, test.targets, classes)
        rows.append(
            {"setup": name, "C": strength, "cross_validation": max(found), **table}
        )
    return rows


def as_table(rows: list[dict]) -> str:
    width = max(map(len, SETUPS))
    lines = [
        f"{'mAP %':{width}}       C  cross-validation   area  11-point  "
        "non-interpolated"
    ]
    for row in rows:
        area, eleven, non = (100 * row["mAP"][form] for form in metrics.FORMS)
        lines.append(
            f"{row['setup']:{width}}  {row['C']:6g}  "
            f"{100 * row['cross_validation']:16.1f}  {area:5.1f}  {eleven:8.1f}  "
            f"{non:16.1f}"
        )
    return "\n".join(lines)


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--classes", metavar="A,B,C", help="[default: all in DATA]")
@click.option("--split", default="val", show_default=True, help="What to measure.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def main(data: Path, classes: str | None, split: str, as_json: bool) -> None:
    """Learn from whole photographs of split `train` of DATA, and measure --split.

    JSON has the keys of `midlevel evaluate --json` for the set-up that does best in
    cross-validation, and `setups` with all.
    """
    try:
        dataset = datasets.read(data, classes.split(",") if classes else None)
        backbone, progress = backbones.build(backbones.DEFAULT), Progress()
        train = read_split(dataset, "train", backbone, progress)
        check(train.targets, dataset.classes)
        test = read_split(dataset, split, backbone, progress)
    except errors.MidlevelError as error:
        raise click.ClickException(str(error)) from error
    rows = measure(train, test, dataset.classes)
    best = max(rows, key=lambda row: row["cross_validation"])
    found = {
        "mAP": best["mAP"],
        "AP": best["AP"],
        "run": f"whole image, {best['setup']}, C = {best['C']:g}",
        "data": str(data),
        "split": split,
        "images": len(test.targets),
        "k": 1.0,  # an image is one window, so no k changes anything
        "left_out": [*map(str, dataset.problems), *train.left_out, *test.left_out],
        "setups": rows,
    }
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        click.echo(f"{as_table(rows)}\n\n{evaluate.ap_table(found)}")


if __name__ == "__main__":
    main()
