"""`midlevel windows`: what the sampler makes of photographs, drawn before training."""

from pathlib import Path

import numpy as np

from midlevel import errors
from midlevel.datasets import label_levels, reading, surroundings
from midlevel.images.names import is_image_name
from midlevel.method import labels
from midlevel.pages import outputs, rendering
from midlevel.pages.windows import window_counts, window_pictures, window_tally
from midlevel.settings.config import Config
from midlevel.system.progress import Progress

FOLDER = Path("runs/windows")
COUNT = 6  # photographs drawn, of a data set
HEADINGS = {  # of columns of windows that learn no class
    labels.NOTHING: "background",
    labels.UNDRAWN: "not drawn",
    labels.SEVERAL: "several boxes",
    labels.DIFFICULT: "difficult",
    labels.UNBOXED: "no box",
    labels.ALONE: "all together",
    labels.NOT_SAID: "not said",
}


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
    if is_image_name(source) and not source.is_dir():
        dataset, example = surroundings.find(source, data, config, progress)
        examples, split = [example], ""
    else:
        dataset = reading.for_split(source, config, split, progress)
        examples = dataset.split(split)
    config = label_levels.resolved(dataset, config)
    is_alone = config.labels.level == label_levels.IMAGE
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
        signs=window_pictures.signs(is_alone),
        headings=[*dataset.classes, *(HEADINGS[name] for name in labels.OTHERS)],
        kinds=window_counts.KINDS,
        is_alone=is_alone,
    )
    return outputs.write_page(place, text)
