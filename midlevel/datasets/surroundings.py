"""The data set around a photograph, found from where the photograph lies."""

import os
from pathlib import Path

from midlevel import errors
from midlevel.datasets import reading
from midlevel.datasets.dataset import Dataset, Example
from midlevel.images import pixels
from midlevel.settings.config import Config
from midlevel.system.progress import Progress

ABOVE = 3  # folders above a photograph in which its data set is looked for
SIGNS = ("Annotations", "annotations", "labels", "data.yaml")  # of a data set


def find(
    photograph: Path, data: str | Path | None, config: Config, progress: Progress
) -> tuple[Dataset, Example]:
    """The data set that holds a photograph, and what it says of it.

    Args:
        data: the data set; by default looked for in the folders above the photograph.

    Raises:
        errors.ImageError: the photograph cannot be opened.
        errors.DataError: `data` cannot be read, or no data set holds the photograph.
    """
    pixels.read_bytes(photograph)
    path = photograph.resolve()
    for place in [Path(data)] if data else _places(Path(os.path.abspath(photograph))):
        try:
            dataset = reading.labelled(place, config)
        except errors.DataError:
            if data:
                raise
            continue
        rows = (row for part in dataset.splits.values() for row in part)
        if found := next((row for row in rows if row.path.resolve() == path), None):
            progress.say(f"boxes from {place} ({dataset.format})")
            return dataset, found
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
