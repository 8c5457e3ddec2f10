"""Open Images' tables: boxes in shares, labels of whole photographs, names of classes.

Its page "Data formats" (storage.googleapis.com/openimages/web/download_v7.html): in
`*-annotations-bbox.csv` boxes are in shares of the sides, `IsGroupOf` marks one box
around more than five objects that touch. In `*-annotations-human-imagelabels.csv`
`Confidence` is 1 where somebody has seen the class and 0 where somebody has seen that
it is not there; nothing is said of others. `*class-descriptions*.csv` has a name for
each `LabelName`.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from midlevel.datasets import paths

HEADER = {"imageid", "labelname", "confidence"}  # of each of its tables
DESCRIPTIONS = "*class-descriptions*.csv"


def is_header(cells: Iterable[str]) -> bool:
    """Whether a table's first row is one of Open Images'."""
    return HEADER.issubset(cell.lower() for cell in cells)


def class_names(folders: Iterable[Path]) -> dict[str, str]:
    """Names by `LabelName`, such as /m/01yrx; none where no file tells them.

    Raises:
        errors.DataError: a file of them cannot be read.
    """
    found: dict[str, str] = {}
    for folder in dict.fromkeys(folders):
        for path in paths.visible(folder, DESCRIPTIONS):
            rows = csv.reader(io.StringIO(paths.text(path), newline=""))
            found |= {row[0].strip(): row[1].strip() for row in rows if len(row) > 1}
    return {key: name for key, name in found.items() if key and name}


def by_split(
    tables: Sequence[Path], of_labels: Sequence[Path]
) -> dict[str, list[Path]]:
    """The files of each split, tables of labels after the table that they join.

    Raises:
        errors.DataError: two of one kind are of one split.
    """
    found: dict[str, list[Path]] = {}
    for files in (tables, of_labels):
        for split, path in paths.by_split(files).items():
            found.setdefault(split, []).append(path)
    return found
