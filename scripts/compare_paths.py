"""Dense features against crops, side by side on the same windows and photographs.

For each way of making features (`dense`, `crop`, and `crop` with R-CNN's 16 pixels of
context), heads are trained with several seeds by `midlevel train` itself and measured
by `midlevel evaluate` on photographs that chose nothing: a seed holds out a fifth of
the chosen training photographs, and the epoch and k are chosen on these. A seed decides
that, the background windows and the head's first weights; the photographs stay.

A subset of DATA, in VOC's layout, is drawn from its splits `train` and `val`, with
every class in it; photographs of `val` are the test. Features are also made afresh for
a dozen photographs, the ways in turns, for the seconds and the cosine to `dense`.

    python scripts/compare_paths.py voc-animals --store features/ \\
        --classes person,dog,cat,horse,sheep,cow,chair,sofa

TIME
What is in the store is not computed again, so an interrupted comparison goes on. The
store takes 1 MB for a photograph and way.
"""

import json
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import click
import numpy as np

from midlevel import (
    config,
    datasets,
    errors,
    evaluation,
    features,
    images,
    metrics,
    model,
    preparation,
    training,
    windows,
)
from midlevel.progress import Progress

FOLDERS = ("Annotations", "JPEGImages")
TIMED = 12  # photographs whose features are made afresh


def choose(dataset: datasets.Dataset, split: str, count: int) -> list[Path]:
    """A random choice of photographs that shows every class, the same every time."""
    examples = dataset.split(split)
    if not len(dataset.classes) <= count <= len(examples):
        raise errors.DataError(
            f"Split {split!r} has {len(examples)} photographs; expected to choose so "
            f"many at most, and one for each class at least. Received: {count}."
        )
    order = np.random.default_rng(0).permutation(len(examples))
    shown = np.stack([examples[i].targets(len(dataset.classes)) == 1 for i in order])
    first = order[shown.argmax(axis=0)].tolist()  # a photograph of each class
    chosen = list(dict.fromkeys([*first, *order.tolist()]))[:count]
    return [examples[i].path for i in sorted(chosen)]


def link(data: Path, subset: Path, splits: dict[str, list[Path]]) -> None:
    """A VOC folder of the files of `data`, with lists of the chosen photographs."""
    lists = subset / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    for name in FOLDERS:
        (subset / name).symlink_to((data / name).resolve(), target_is_directory=True)
    for split, paths in splits.items():
        text = "".join(f"{path.stem}\n" for path in paths)
        (lists / f"{split}.txt").write_text(text, encoding="utf-8")


def ways(context: int) -> dict[str, dict]:
    """The settings of each way of making features, by its name in the table."""
    return {
        "dense": {"features.path": "dense"},
        "crop": {"features.path": "crop"},
        f"crop, context {context}": {
            "features.path": "crop",
            "features.context": context,
        },
    }


def measure(extractors: list[features.Extractor], paths: list[Path]) -> list[dict]:
    """Median seconds per photograph, times the first's, and mean cosine with it."""
    first = images.read(paths[0])
    for extractor in extractors:
        extractor(first)  # the first call is slower
    seconds, cosines = [], []
    for path in paths:
        image = images.read(path)
        made = [timed(extractor, image) for extractor in extractors]
        vectors, taken = zip(*made, strict=True)
        seconds.append(taken)
        cosines.append([cosine(vectors[0], other) for other in vectors])
    seconds = np.array(seconds)  # (photographs, ways)
    times_dense = np.median(seconds / seconds[:, :1], axis=0)
    similar = np.concatenate(cosines, axis=1).mean(axis=1)  # over all windows
    numbers = zip(np.median(seconds, axis=0), times_dense, similar, strict=True)
    names = ("seconds", "times_dense", "cosine")
    return [dict(zip(names, map(float, row), strict=True)) for row in numbers]


def timed(extractor, image: np.ndarray) -> tuple[np.ndarray, float]:
    begun = time.perf_counter()
    vectors = extractor(image)
    return vectors, time.perf_counter() - begun


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of each row of `a` and of `b`, `(n,)`."""
    norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return (a * b).sum(axis=1) / norms


def train_and_test(
    subset: Path, settings: dict, seeds: Iterable[int], runs: Path, progress: Progress
) -> list[dict]:
    """What `midlevel evaluate` finds on split `test`, for each seed."""
    rows = []
    for seed in seeds:
        run = training.train(
            subset,
            settings={**settings, "seed": seed},
            run=runs / str(seed),
            progress=progress,
        )
        found = evaluation.evaluate(
            model.load(run.folder), split="test", progress=progress
        )
        kept = {name: found[name] for name in ("mAP", "AP", "k", "images", "left_out")}
        rows.append({"seed": seed, "best_epoch": run.record["best_epoch"], **kept})
    return rows


def summary(rows: list[dict]) -> dict:
    """Mean and standard deviation of mAP over seeds, in the three forms."""
    by_form = {form: [row["mAP"][form] for row in rows] for form in metrics.FORMS}
    return {
        form: {"mean": float(np.mean(values)), "std": float(np.std(values, ddof=1))}
        for form, values in by_form.items()
    }


def as_table(rows: list[dict]) -> str:
    width = max(len(row["path"]) for row in rows)
    lines = [
        f"{'':{width}}  area mAP %   std  seconds per image  times dense  "
        "cosine with dense"
    ]
    for row in rows:
        area = row["mAP"]["area"]
        lines.append(
            f"{row['path']:{width}}  {100 * area['mean']:10.2f}  "
            f"{100 * area['std']:4.2f}  {row['seconds']:17.3f}  "
            f"{row['times_dense']:11.1f}  {row['cosine']:17.3f}"
        )
    return "\n".join(lines)


def compare(
    subset: Path, settings: dict[str, dict], seeds: int, runs: Path, progress: Progress
) -> list[dict]:
    """The rows of the table, for the settings of each way."""
    paths = [example.path for example in datasets.read(subset).split("test")][:TIMED]
    progress.say(f"seconds and cosine of {len(paths)} photographs")
    measured = measure(
        [
            preparation.make_extractor(config.load(None, way))
            for way in settings.values()
        ],
        paths,
    )
    rows = []
    for (name, way), numbers in zip(settings.items(), measured, strict=True):
        progress.say(f"{name}: {seeds} seeds")
        found = train_and_test(subset, way, range(seeds), runs / name, progress)
        rows.append({"path": name, "mAP": summary(found), **numbers, "runs": found})
    return rows


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--classes", required=True, metavar="A,B,C", help="Names in DATA.")
@click.option("--train-count", type=click.IntRange(2), default=200, show_default=True)
@click.option("--test-count", type=click.IntRange(1), default=200, show_default=True)
@click.option("--seeds", type=click.IntRange(2), default=3, show_default=True)
@click.option(
    "--pyramid",
    type=click.Choice(list(windows.PYRAMIDS)),
    default="octaves",
    show_default=True,
)
@click.option(
    "--context",
    type=click.IntRange(1, 100),
    default=16,
    show_default=True,
    help="Pixels of surroundings in the crops that have some.",
)
@click.option("--store", metavar="DIR", help="Features.  [default: the user's cache]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def main(
    data, classes, train_count, test_count, seeds, pyramid, context, store, as_json
):
    """Compare dense features with crops on DATA, a folder laid out as PASCAL VOC."""
    classes, progress = classes.split(","), Progress()
    common = {
        "data.classes": classes,
        "windows.pyramid": pyramid,
        "features.views": ["original"],
        "features.store": store,
    }
    settings = {name: {**common, **way} for name, way in ways(context).items()}
    try:
        dataset = datasets.read(data, classes)
        chosen = {
            "train": choose(dataset, "train", train_count),
            "test": choose(dataset, "val", test_count),
        }
        with tempfile.TemporaryDirectory() as place:
            subset, runs = Path(place, "data"), Path(place, "runs")
            link(data, subset, chosen)
            rows = compare(subset, settings, seeds, runs, progress)
    except errors.MidlevelError as error:
        raise click.ClickException(str(error)) from error
    asked = {
        "data": str(data),
        "classes": classes,
        "train": train_count,
        "test": test_count,
        "pyramid": pyramid,
    }
    if as_json:
        click.echo(json.dumps({**asked, "paths": rows}, indent=2, ensure_ascii=False))
    else:
        click.echo(as_table(rows))


if __name__ == "__main__":
    main()
