"""A module per format: `matches(place)` says whether a folder or file is of it,
`read(place)` reads it, `EXPECTED` says in a line how it is laid out."""

from pathlib import Path

from midlevel import errors
from midlevel.datasets.formats import coco, folders, others, table, voc, yolo

FORMATS = {  # in the order in which they are tried
    "coco": coco,
    "voc": voc,
    "yolo": yolo,
    "csv": table,
    "folders": folders,
}
AUTO = "auto"


def detect(place: Path) -> str:
    """Name of the format of `place`, a key of `FORMATS`.

    Raises:
        errors.DataError: there is no such place, or it is of no known format.
    """
    if not place.exists():
        raise errors.DataError(f"{place}: expected a folder with labelled photographs.")
    for name, module in FORMATS.items():
        if module.matches(place):
            return name
    if tool := others.recognised(place):
        raise errors.DataError(tool)
    if refusal := table.refusal(place) or folders.refusal(place):
        raise refusal
    known = "; ".join(f"{name}: {m.EXPECTED}" for name, m in FORMATS.items())
    raise errors.DataError(
        f"{place}: holds no data set in a known format. Expected one of: {known}."
    )
