"""`midlevel train` from an empty store, against the usual Keras recipe."""

import math
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
        windows = labelled_windows.collect(prepared, run.config, QUIET)
        total = learned(run, len(windows))
        progress.say("timing the usual recipe")
        of_window = recipe.seconds_per_window(prepared, run.config, batches)
        return conclude(run, seconds, total, of_window)


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


def learned(run: runs.Run, windows: int) -> int:
    """How many windows a run's head learned from, those of all steps added up.

    Args:
        windows: labelled ones, in all views.
    """
    config, epochs = run.config, run.record["epochs"]
    alone, settings = epochs.get(stages.WINDOWS, 0), config.image_loss
    together = sum(epochs.values()) - alone
    photographs = len(run.split_files[config.data.train])
    steps = together * math.ceil(photographs / settings.batch)
    labelled = settings.window_batch if settings.window_loss else 0
    return alone * windows + steps * (settings.batch * settings.windows + labelled)


def conclude(run: runs.Run, seconds: float, windows: int, of_window: float) -> dict:
    """The figures.

    Args:
        seconds: that midlevel took.
        windows: that its head learned from, see `learned`.
        of_window: seconds of the recipe for one window.
    """
    timings = run.metrics["timings"]
    photographs = {split: len(files) for split, files in run.split_files.items()}
    scaled = of_window * windows
    return {
        "photographs": photographs,
        "views": list(run.config.features.views),
        "windows": windows,
        "epochs": run.record["epochs"],
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
The recipe's seconds are scaled from a part of it to as many windows as the head of
midlevel's run learned from: in each step those drawn of whole photographs, and labelled
ones. Its validation is not counted, midlevel's is, and so are the heads that learned
from a part, which calibrate."""


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
        ("  a window", 1e3 * other["seconds_per_window"], "ms"),
        ("midlevel is", found["times_recipe"], "times as fast"),
    ]
    counts = (
        f"{photographs} photographs in {len(found['views'])} views; "
        f"{found['windows']:,} windows learned from, those of all steps added up\n"
    )
    lines = [f"{name:36} {tables.number(n):>8} {unit}" for name, n, unit in rows]
    return "\n".join([machine.in_words(found["machine"]), counts, *lines, NOTE])
