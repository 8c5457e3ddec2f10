"""Time and memory of `midlevel predict` with more, larger photographs, more classes."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import child, machine, tables
from midlevel import errors
from midlevel.images import pixels, sources
from midlevel.system.progress import Progress


@dataclass(frozen=True)
class Case:
    """What is predicted: `count` photographs, those of `folder` again and again.

    Attributes:
        what: changes from case to case, and `value` is how much of it there is.
    """

    what: str
    value: float
    folder: Path
    count: int
    classes: int = 20


def cases(
    photographs: Path,
    place: Path,
    counts: str,
    sizes: str,
    classes: str,
    size_count: int,
    class_count: int,
) -> list[Case]:
    """A case for each number of photographs, each size, each number of classes.

    Args:
        place: a folder for resized photographs.
    """
    found = [
        Case("photographs", count, photographs, count)
        for count in numbers("--counts", counts, int)
    ]
    for size in numbers("--sizes", sizes, float):
        folder = resized(photographs, size, place / f"{size}")
        found.append(Case("megapixels", size, folder, size_count))
    for count in numbers("--classes", classes, int):
        found.append(Case("classes", count, photographs, class_count, count))
    return found


def measure(
    cases: list[Case], place: Path, pyramid: str, backbone: str, progress: Progress
) -> list[dict]:
    """A row for each case, each in a process of its own.

    Args:
        place: a folder for the runs.
    """
    rows = []
    for case in cases:
        progress.say(f"{case.what}: {case.value:g}")
        run, folder = str(place / f"run-{case.classes}"), str(case.folder)
        if not Path(run).exists():
            child.call("prepare", folder=run, backbone=backbone, classes=case.classes)
        found = child.call(
            "many", run=run, pyramid=pyramid, folder=folder, count=case.count
        )
        rows.append({"what": case.what, "value": case.value, **found})
    return rows


def numbers(option: str, text: str, kind: Callable) -> list:
    """The numbers in `100,1000`; none if the text is empty.

    Raises:
        errors.MidlevelError: it is something else.
    """
    try:
        found = [kind(part) for part in text.split(",") if part.strip()]
    except ValueError:
        found = [0]
    if not all(value > 0 for value in found):
        raise errors.MidlevelError(
            f"{option}: expected positive numbers with commas. Received: {text}"
        )
    return found


def resized(photographs: Path, megapixels: float, folder: Path) -> Path:
    """A folder with the first photograph as a JPEG of so many million pixels."""
    image = pixels.read(sources.find(photographs)[0])
    factor = math.sqrt(megapixels * 1e6 / (image.shape[0] * image.shape[1]))
    size_wh = tuple(max(1, round(side * factor)) for side in pixels.size_wh(image))
    folder.mkdir(parents=True, exist_ok=True)
    data = pixels.encode_jpeg(pixels.resize(image, size_wh))
    (folder / "photograph.jpg").write_bytes(data)
    return folder


COLUMNS: tuple[tables.Column, ...] = (
    ("", "", lambda row: row["what"]),
    ("", "", lambda row: f"{row['value']:,g}"),
    ("images", "", lambda row: f"{row['images']:,}"),
    ("seconds", "", tables.plain("seconds")),
    ("images", "/s", lambda row: tables.number(row["images"] / row["seconds"])),
    ("start", "s", tables.plain("start_seconds")),
    ("MB", "before", tables.plain("before_mb")),
    ("MB", "at the end", tables.plain("end_mb")),
    ("MB", "peak", tables.plain("peak_mb")),
)


def as_text(found: dict) -> str:
    """The table; MB are of the whole process, before and after the photographs."""
    rows = found["rows"]
    engine = rows[0]["engine"] if rows else ""
    parts = [
        machine.in_words(found["machine"]),
        engine,
        "",
        tables.aligned(COLUMNS, rows),
        "",
    ]
    return "\n".join(
        [*parts, f"start: loading the model, and {child.WARM} photographs"]
    )
