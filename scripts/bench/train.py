"""`midlevel train` from an empty store, against the usual Keras recipe."""

import csv
import io
import tempfile
import time
from pathlib import Path

import subsets

from bench import machine, recipe, tables
from midlevel import datasets, runs
from midlevel.datasets import reading
from midlevel.features import preparation
from midlevel.features.extractor import build_extractor
from midlevel.system.progress import Progress
from midlevel.training import labelled_windows, stages, train

QUIET = Progress(quiet=True)


def compare(
    data: Path, settings: dict, count: int | None, batches: int, progress: Progress
) -> dict:
    """Both, and how many times as fast midlevel is.

    Args:
        settings: over midlevel's defaults.
        count: photographs of split train, and half as many of val; by default all.
        batches: of the recipe that are timed.
    """
    with tempfile.TemporaryDirectory() as place:
        if count:
            data = subset(data, Path(place, "data"), settings["data.classes"], count)
        store = str(Path(place, "store"))
        settings = {**settings, "features.store": store, "report": False}
        begun = time.perf_counter()
        run = train.train(
            data, settings=settings, run=Path(place, "run"), progress=progress
        )
        seconds = time.perf_counter() - begun
        prepared = again(run, data)
        windows = len(labelled_windows.collect(prepared, run.config, QUIET))
        progress.say("timing the usual recipe")
        of_window = recipe.seconds_per_window(prepared, run.config, batches)
        return conclude(run, seconds, windows, of_window)


def subset(data: Path, folder: Path, classes: list[str], count: int) -> Path:
    """A VOC folder of some photographs of `data`."""
    dataset = datasets.read(data, classes)
    half = min(max(len(classes), count // 2), len(dataset.split("val")))
    splits = {
        "train": subsets.choose(dataset, "train", count),
        "val": subsets.choose(dataset, "val", half),
    }
    subsets.link(data, folder, splits)
    return folder


def again(run: runs.Run, data: Path) -> preparation.Prepared:
    """The photographs that a finished run learned from; their features are stored."""
    config = run.config
    dataset = reading.for_training(data, config, QUIET, run.split_files)
    views = {config.data.train: list(config.features.views)}
    extractor, store = build_extractor(config, run), config.features.store
    return preparation.prepare(dataset, views, extractor, store, QUIET)


def conclude(run: runs.Run, seconds: float, windows: int, of_window: float) -> dict:
    """The figures.

    Args:
        seconds: that midlevel took.
        windows: that it learned from, in all views.
        of_window: seconds of the recipe for one window in one epoch.
    """
    timings = run.metrics["timings"]
    history = (run.folder / "history.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(io.StringIO(history))
    epochs = sum(row["stage"] == stages.WINDOWS for row in rows)
    photographs = {split: len(files) for split, files in run.split_files.items()}
    scaled = of_window * windows * epochs
    return {
        "photographs": photographs,
        "views": list(run.config.features.views),
        "windows": windows,
        "epochs": epochs,
        "midlevel": {
            "seconds": seconds,
            **timings,
            "other_s": seconds - sum(timings.values()),
        },
        "mAP": run.metrics["mAP"],
        "recipe": {"seconds_per_window": of_window, "seconds": scaled},
        "times_recipe": scaled / seconds,
    }


NOTE = """
The recipe's seconds are scaled from a part of it to the windows and epochs of
midlevel's run; its validation is not counted, midlevel's is, and so is what midlevel
does besides: held-out photographs, the image loss."""


def as_text(found: dict) -> str:
    """A few lines for people."""
    own, other = found["midlevel"], found["recipe"]
    photographs = ", ".join(f"{n} {s}" for s, n in found["photographs"].items())
    rows = [
        ("midlevel train, from an empty store", own["seconds"], "s"),
        ("  reading, backbone, features", own["features_s"], "s"),
        ("  head, with its validation", own["head_s"], "s"),
        ("  the rest", own["other_s"], "s"),
        ("  area mAP on val", 100 * found["mAP"]["area"], "%"),
        ("the usual recipe", other["seconds"], "s"),
        ("  a window in an epoch", 1e3 * other["seconds_per_window"], "ms"),
        ("midlevel is", found["times_recipe"], "times as fast"),
    ]
    counts = (
        f"{photographs} photographs; {found['windows']:,} windows to learn from in "
        f"{len(found['views'])} views, {found['epochs']} epochs\n"
    )
    lines = [f"{name:36} {tables.number(n):>8} {unit}" for name, n, unit in rows]
    return "\n".join([machine.in_words(found["machine"]), counts, *lines, NOTE])
