"""`midlevel windows`: what the sampler makes of photographs, drawn before training."""

import os
from pathlib import Path

import numpy as np

from midlevel import errors
from midlevel.datasets import Dataset, Example, reading, summary
from midlevel.images import pixels
from midlevel.method import labels
from midlevel.pages import outputs, rendering
from midlevel.pages.windows import window_counts, window_pictures, window_tally
from midlevel.settings.config import Config
from midlevel.system.progress import Progress

FOLDER = Path("runs/windows")
COUNT = 6  # photographs drawn, of a data set
HEADS = {  # of columns of windows that learn no class
    labels.NOTHING: "background",
    labels.UNDRAWN: "not drawn",
    labels.SEVERAL: "several boxes",
    labels.DIFFICULT: "difficult",
    labels.UNBOXED: "no box",
}
ABOVE = 3  # folders above a photograph in which its data set is looked for
SIGNS = ("Annotations", "annotations", "labels", "data.yaml")  # of a data set


def make(
    source: str | Path,
    config: Config,
    data: str | Path | None = None,
    split: str | None = None,
    count: int = COUNT,
    output: str | Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Draw the windows of a photograph, or of some of a data set; the page's path.

    Args:
        source: a photograph, or a data set.
        data: a data set with the boxes of a photograph; by default looked for in the
            folders above it.
        split: of a data set; by default the one that training learns from.
        count: photographs drawn; all of the split are counted.
        output: an empty folder; by default a new one in runs/windows.

    Raises:
        errors.DataError: the source cannot be used.
        errors.MidlevelError: nothing can be written.
    """
    progress, source = progress or Progress(), Path(source)
    split = split or config.data.train
    if pixels.is_named(source) and not source.is_dir():
        dataset, examples = _around(source, data and Path(data), config, progress)
        split = ""
    else:
        dataset = _read(source, config, split, progress)
        examples = dataset.split(split)
    tally = window_tally.Tally(dataset, config)
    chosen = set(np.linspace(0, len(examples) - 1, count).round().astype(int).tolist())
    shown = tally.take(examples, chosen, progress)
    if not tally.photographs:
        raise errors.DataError(
            f"{source}: none of {len(examples)} photographs can be used. "
            "`midlevel check` says what is wrong."
        )
    place = outputs.folder(output, FOLDER)
    drawn = [
        window_pictures.draw(sampled, tally, f"{number:03}", place)
        for number, sampled in enumerate(shown, 1)
    ]
    text = rendering.render(
        "windows.html",
        name=source.resolve().name or source,
        source=source,
        split=split,
        tally=tally,
        photographs=drawn,
        signs=window_pictures.signs(),
        heads=[*dataset.classes, *(HEADS[name] for name in labels.OTHERS)],
        kinds=window_counts.KINDS,
    )
    return outputs.write_page(place, text)


def _read(data: Path, config: Config, split: str, progress: Progress) -> Dataset:
    """The data set, its validation split drawn as training draws it."""
    dataset, chosen = reading.labelled(data, config), config.data
    if not dataset.splits.get(chosen.val) and split in (chosen.train, chosen.val):
        dataset = reading.hold_out(dataset, config)
    summary.say_ignored(dataset, progress)
    summary.say_problems(dataset.problems, progress)
    return dataset


def _around(
    photograph: Path, data: Path | None, config: Config, progress: Progress
) -> tuple[Dataset, list[Example]]:
    """The data set that holds a photograph, and what it says of it."""
    pixels.read_bytes(photograph)
    path = photograph.resolve()
    for place in [data] if data else _places(Path(os.path.abspath(photograph))):
        try:
            dataset = reading.labelled(place, config)
        except errors.DataError:
            if data:
                raise
            continue
        rows = (row for part in dataset.splits.values() for row in part)
        if found := [row for row in rows if row.path.resolve() == path]:
            progress.say(f"boxes from {place} ({dataset.format})")
            return dataset, found[:1]
    where = data or f"in the {ABOVE} folders above it"
    raise errors.DataError(
        f"{photograph}: no data set with its boxes was found ({where}). Name one with "
        "--data, or draw some of its photographs: midlevel windows DATA."
    )


def _places(photograph: Path) -> list[Path]:
    """Folders above a photograph that look like a data set, the nearest first."""
    here, *above = photograph.parents[:ABOVE]
    beside = any(photograph.with_suffix(ending).exists() for ending in (".xml", ".txt"))
    listed = any(any(here.glob(pattern)) for pattern in ("*.csv", "*.json", "*.yaml"))
    signed = [f for f in (here, *above) if any((f / sign).exists() for sign in SIGNS)]
    return list(dict.fromkeys([here] * (beside or listed) + signed))
