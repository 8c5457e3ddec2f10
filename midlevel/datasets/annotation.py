"""What every reader gives: one photograph with named boxes."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Annotation:
    """One annotated photograph, before class names become ids.

    Attributes:
        path: the photograph.
        size_wh: its size in pixels as annotated, or None.
        boxes: half-open xyxy boxes in pixels.
        names: class name of each box.
        difficult: whether each box is marked as difficult.
    """

    path: Path
    size_wh: tuple[int, int] | None
    boxes: list[tuple[float, float, float, float]]
    names: list[str]
    difficult: list[bool]
