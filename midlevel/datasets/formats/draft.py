"""A photograph while its boxes are being read, one by one, and some are refused."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from midlevel.datasets.annotation import Annotation, Problem

Place = tuple[Path, int | None]  # a file and a line in it


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
    absent: dict[str, Place] | None = None  # by name where that is said
    partly_boxed: list[str] = field(default_factory=list)
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

    def refuse(
        self,
        kind: str,
        text: str,
        line: int | None = None,
        source: Path | None = None,
    ) -> None:
        """Drop a box, or what else a file says, and say why."""
        place = source or self.source
        self.problems.append(Problem(place, kind, text, "dropped", line))

    def settle(self) -> None:
        """What is said to be absent and to be shown is shown.

        Who boxed or named it has seen it; who did not may have overlooked it.
        """
        if self.absent is None:
            return
        both = self.absent.keys() & {*self.names, *self.unboxed}
        for name in sorted(both):
            source, line = self.absent.pop(name)
            text = f"{self.path.name}: {name!r} is said to be absent, and is shown"
            self.refuse("annotation", text, line, source)
        pairs = zip(self.names, self.difficult, strict=True)
        boxed = {name for name, is_hard in pairs if not is_hard}
        # Such a label, beside others that are denied, is what the boxes answer.
        self.unboxed = [name for name in self.unboxed if name not in boxed]

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
            None if self.absent is None else list(self.absent),
            list(dict.fromkeys(self.partly_boxed)),
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
        draft.settle()
        if draft.boxes or draft.unboxed or draft.absent or not draft.problems:
            rows.append(draft.annotation())
            problems += draft.problems
        else:
            problems += [replace(p, fate="left out") for p in draft.problems]
    return rows, problems
