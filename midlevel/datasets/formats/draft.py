"""A photograph while its boxes are being read, one by one, and some are refused."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from midlevel.datasets.annotation import Annotation, Problem


@dataclass
class Draft:
    """What has been read of one photograph; the fields are those of `Annotation`."""

    path: Path
    source: Path
    size_wh: tuple[int, int] | None = None
    relative: bool = False
    counts_from: int = 0
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    difficult: list[bool] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    unboxed: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(
        self,
        box: tuple[float, float, float, float],
        name: str,
        line: int | None = None,
        difficult: bool = False,
    ) -> None:
        """Take a box; `line` for all boxes of a photograph or for none."""
        self.boxes.append(box)
        self.names.append(name)
        self.difficult.append(difficult)
        if line is not None:
            self.lines.append(line)

    def refuse(self, kind: str, text: str, line: int | None = None) -> None:
        """Drop a box, and say why."""
        self.problems.append(Problem(self.source, kind, text, "dropped", line))

    def annotation(self) -> Annotation:
        """What was read."""
        return Annotation(
            self.path,
            self.size_wh,
            self.boxes,
            self.names,
            self.difficult,
            self.lines,
            list(dict.fromkeys(self.unboxed)),
            self.relative,
            self.source,
            self.counts_from,
        )


def finish(drafts: Iterable[Draft]) -> tuple[list[Annotation], list[Problem]]:
    """Annotations, and what was refused.

    A photograph of which everything was refused is left out: nobody knows what it
    shows, so it is not background.
    """
    rows, problems = [], []
    for draft in drafts:
        if draft.boxes or draft.unboxed or not draft.problems:
            rows.append(draft.annotation())
            problems += draft.problems
        else:
            problems += [replace(p, fate="left out") for p in draft.problems]
    return rows, problems
