"""What photographs really show, where somebody said so."""

import os
from collections.abc import Iterable
from pathlib import Path

from midlevel import errors
from midlevel.datasets import Dataset, Example, mending, reading
from midlevel.runs import Run
from midlevel.system.progress import Progress


class Truth:
    """The labelled photographs of a data set, found by their files.

    Attributes:
        folder: of the data set; None where there is none.
    """

    def __init__(self, dataset: Dataset | None = None):
        splits = dataset.splits if dataset else {}
        rows = (row for part in splits.values() for row in part)
        self._examples = {_real(row.path): row for row in rows}
        self.folder = dataset and dataset.folder

    def __contains__(self, path: Path) -> bool:
        return _real(path) in self._examples

    def of(self, path: Path, size_wh: tuple[int, int]) -> Example | None:
        """The example of a photograph of `size_wh`, its boxes in pixels.

        None where there is none, or where its boxes do not fit the photograph.
        """
        example = self._examples.get(_real(path))
        return mending.fit_or_leave_out(example, size_wh)[0] if example else None


def find(
    run: Run, paths: Iterable[Path], data: str | Path | None, progress: Progress
) -> Truth:
    """The truth in `data`, or in what the run learned from if that holds a `path`.

    Raises:
        errors.MidlevelError: `data` cannot be used.
    """
    if data:
        return Truth(reading.for_run(run, progress, data))
    own = Path(run.record["data"])
    folder = own if own.is_dir() else own.parent
    if not any(_is_in(path, folder) for path in paths):
        return Truth()
    try:
        return Truth(reading.for_run(run, progress.silent()))
    except errors.MidlevelError as error:
        progress.warn(f"the true labels cannot be read: {error}")
        return Truth()


def _is_in(path: Path, folder: Path) -> bool:
    real = os.path.realpath(folder)
    return any(
        Path(place).is_relative_to(real)
        for place in (_real(path), os.path.abspath(path))
    )


def _real(path: Path) -> str:
    return os.path.realpath(path)
