"""Ways of making features, side by side on the same photographs.

For each way (maps or crops, of one pyramid or another, in one precision or another)
heads are trained with several seeds as `midlevel train` does it, and measured as
`midlevel evaluate` does it, on photographs that chose nothing: each seed holds out a
fifth of the training photographs, and the epoch and k are chosen on those. The seed
decides that, the background windows and the head's first weights. Training and test
photographs are drawn once from the splits `train` and `val` of DATA.

Features of a dozen test photographs are also made afresh, the ways in turns, for the
seconds and, where the windows are the same, for the cosine with the first way.

    python scripts/compare_paths.py voc-animals --store features/ \\
        --classes person,dog,cat,horse,sheep,cow --seeds 5

A class with a handful of photographs makes the mean noise; leave it out. On two cores
this takes an hour, nearly all of it for the crops. What is in the store is not computed
again, so an interrupted comparison goes on.
"""

import json
import tempfile
import time
from pathlib import Path

import click
import numpy as np
import subsets

from midlevel import datasets, errors
from midlevel.evaluation import evaluate
from midlevel.features.extractor import build_extractor
from midlevel.images import pixels
from midlevel.method import metrics, windows
from midlevel.prediction import model
from midlevel.settings import config
from midlevel.system.progress import Progress
from midlevel.training import train

# What is compared is windows' features: nothing else teaches, or joins their scores.
WINDOWS_ALONE = {
    "select": "val",
    "image_loss.epochs": 0,
    "scores.whole": False,
    "training.epochs": 12,
}
TIMED = 12  # photographs whose features are made afresh
CROPS = {"features.method": "crop"}
CONTEXT = {**CROPS, "features.context": 16}  # R-CNN, appendix A
VARIANTS = {
    "": {},
    "-crops": CROPS,
    "-context": CONTEXT,
    "-bf16": {"precision": "bf16"},
    "-f16": {"precision": "f16"},
}
WAYS = {
    f"{pyramid}{variant}": {"windows.pyramid": pyramid, **more}
    for variant, more in VARIANTS.items()
    for pyramid in windows.PYRAMIDS
}


def measure(settings: list[dict], paths: list[Path]) -> list[dict]:
    """Of each way: median seconds a photograph, times the first, cosine with it."""
    extractors = [build_extractor(config.load(None, s)) for s in settings]
    seconds, cosines = [], []
    for path in [paths[0], *paths]:  # the first time is slower, and is dropped
        image = pixels.read(path)
        taken, vectors = [], []
        for extractor in extractors:
            begun = time.perf_counter()
            vectors.append(extractor(image))
            taken.append(time.perf_counter() - begun)
        seconds.append(taken)
        cosines.append([cosine(vectors[0], other) for other in vectors])
    seconds = np.array(seconds[1:])  # (photographs, ways)
    times_first = np.median(seconds / seconds[:, :1], axis=0)
    similar = [
        np.concatenate(of_way).mean() for of_way in zip(*cosines[1:], strict=True)
    ]
    rows = zip(np.median(seconds, axis=0), times_first, similar, strict=True)
    names = ("seconds", "times_first", "cosine")
    return [dict(zip(names, map(float, row), strict=True)) for row in rows]


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Of each row of `a` with that of `b`, `(n,)`; NaN if the windows differ."""
    if len(a) != len(b):
        return np.array([np.nan])
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def train_and_test(subset: Path, settings: dict, run: Path, progress: Progress) -> dict:
    """What `midlevel evaluate` finds on split `test`."""
    trained = train.train(subset, settings=settings, run=run, progress=progress)
    found = evaluate.evaluate(
        model.load(trained.folder), split="test", progress=progress
    )
    kept = {
        name: getattr(found, name) for name in ("mAP", "AP", "k", "images", "left_out")
    }
    return {"seed": settings["seed"], "epoch": trained.record["best_epoch"], **kept}


def compare(
    subset: Path, ways: list[str], common: dict, seeds: int, place: Path
) -> list[dict]:
    """A row for each way; runs are written to `place`."""
    progress = Progress()
    paths = [example.path for example in datasets.read(subset).split("test")][:TIMED]
    progress.say(f"measuring on {len(paths)} photographs")
    measured = measure([{**common, **WAYS[name]} for name in ways], paths)
    rows = []
    for name, numbers in zip(ways, measured, strict=True):
        runs = []
        for seed in range(seeds):
            progress.say(f"== {name}, seed {seed} ==")
            settings = {**common, **WAYS[name], "seed": seed}
            run = place / name / str(seed)
            runs.append(train_and_test(subset, settings, run, progress))
        rows.append({"way": name, "mAP": over_seeds(runs), **numbers, "runs": runs})
    return rows


def over_seeds(runs: list[dict]) -> dict:
    """Mean and standard deviation of mAP in the three forms."""
    by_form = {form: [run["mAP"][form] for run in runs] for form in metrics.FORMS}
    return {
        form: {"mean": float(np.mean(values)), "std": float(np.std(values, ddof=1))}
        for form, values in by_form.items()
    }


def as_table(rows: list[dict]) -> str:
    form = "{:16}  {:>10}  {:>4}  {:>17}  {:>11}  {:>17}".format
    titles = ("area mAP %", "std", "seconds per image", "times first")
    lines = [form("", *titles, "cosine with first")]
    for row in rows:
        area = (f"{100 * row['mAP']['area'][name]:.2f}" for name in ("mean", "std"))
        digits = {"seconds": 3, "times_first": 1, "cosine": 3}
        numbers = (f"{row[name]:.{count}f}" for name, count in digits.items())
        lines.append(form(row["way"], *area, *numbers))
    return "\n".join(lines)


def count_option(name: str, least: int, default: int, text: str):
    kind = click.IntRange(least)
    return click.option(name, type=kind, default=default, show_default=True, help=text)


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--classes", required=True, metavar="A,B,C", help="Names of boxes.")
@count_option("--train-count", 2, 200, "Photographs of split train to learn from.")
@count_option("--test-count", 1, 200, "Photographs of split val to measure on.")
@count_option("--seeds", 2, 3, "Heads for each way.")
@click.option(
    "--ways",
    default="octaves,octaves-crops,octaves-context",
    show_default=True,
    help=f"The first is what the others are compared with. Of: {', '.join(WAYS)}.",
)
@click.option("--store", metavar="DIR", help="Features.  [default: the user's cache]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def main(data, classes, train_count, test_count, seeds, ways, store, as_json):
    """Compare ways of making features on DATA, a folder laid out as PASCAL VOC."""
    names = ways.split(",")
    if unknown := set(names) - set(WAYS):
        raise click.BadParameter(f"no way is called {', '.join(sorted(unknown))}")
    settings = {
        "data.classes": classes.split(","),
        "features.views": ["original"],
        "features.store": store,
        **WINDOWS_ALONE,
    }
    try:
        dataset = datasets.read(data, settings["data.classes"])
        splits = {
            "train": subsets.choose(dataset, "train", train_count),
            "test": subsets.choose(dataset, "val", test_count),
        }
        with tempfile.TemporaryDirectory() as place:
            subsets.link(data, Path(place, "data"), splits)
            rows = compare(
                Path(place, "data"), names, settings, seeds, Path(place, "runs")
            )
    except errors.MidlevelError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        found = {"data": str(data), "settings": settings, "ways": rows}
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        click.echo(as_table(rows))


if __name__ == "__main__":
    main()
