"""What `midlevel check` found, as a table for people or JSON for programs."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from rich.cells import cell_len

from midlevel.datasets import Problem
from midlevel.datasets.annotation import KINDS
from midlevel.datasets.checking import Found
from midlevel.datasets.summary import FEW
from midlevel.errors import plain

SCHEMA = "midlevel-check/1"
TOLD = 10  # rows of one kind that a table has, unless all are asked for
ALIKE = 3  # times that a text stands before the places are counted only


def as_json(found: Found) -> str:
    """Everything, for programs.

    `schema`, `data`, `format`, `classes`, `counts` and `drawn` (see `Found`), `ignored`
    (boxes and labels of other classes, by name) and `problems`, each with `file`,
    `line` (or null), `kind`, `text` and `fate`: see datasets/annotation.py.
    """
    problems = [
        {
            "file": problem.file.as_posix(),
            "line": problem.line,
            "kind": problem.kind,
            "text": problem.text,
            "fate": problem.fate,
        }
        for problem in found.problems
    ]
    content = {
        "schema": SCHEMA,
        "data": found.dataset.folder.as_posix(),
        "format": found.dataset.format,
        "classes": found.dataset.classes,
        "counts": found.counts,
        "drawn": found.drawn,
        "ignored": found.dataset.ignored,
        "problems": problems,
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def as_table(found: Found, everything: bool = False) -> str:
    """What is there, then what is wrong, a section for each kind.

    Args:
        everything: name every problem, however many are alike.
    """
    lines = [*_counts(found), "", *_problems(found.problems, everything)]
    return "\n".join(map(plain, lines))


def _counts(found: Found) -> list[str]:
    """How many photographs of each split show what."""
    dataset = found.dataset
    lines = [f"{dataset.folder}: {dataset.format}", ""]
    if not any(dataset.splits.values()):
        return [*lines, "Nothing in it can be used."]
    lines += _table(found)
    if found.drawn:
        lines += ["", "The data has no validation split; training would draw this one."]
    if found.few:
        few = ", ".join(found.few)
        lines += ["", f"Fewer than {FEW} photographs to learn from: {few}"]
    if dataset.ignored:
        others = ", ".join(f"{name} {n:,}" for name, n in dataset.ignored.items())
        lines += [
            "",
            f"Not among the classes asked for, so taken as background: {others}",
        ]
    return lines


def _table(found: Found) -> list[str]:
    rows = [(split, *_column(of_split)) for split, of_split in found.counts.items()]
    names = ["", "photographs", "without an object", *found.dataset.classes]
    columns = [_aligned(names, str.ljust), *(_aligned(row, str.rjust) for row in rows)]
    return ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]


def _column(of_split: dict) -> list[str]:
    counts = [of_split["photographs"], of_split["background"]]
    return [f"{n:,}" for n in (*counts, *of_split["classes"].values())]


def _aligned(cells: Iterable[str], side: Callable) -> list[str]:
    """Cells of one width on a terminal, where some characters are wider than others."""
    cells = [plain(cell) for cell in cells]
    width = max(map(cell_len, cells))
    return [side(cell, width - cell_len(cell) + len(cell)) for cell in cells]


def _problems(problems: tuple[Problem, ...], everything: bool) -> list[str]:
    if not problems:
        return ["Nothing is wrong."]
    sections: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        sections.setdefault((problem.kind, problem.fate), []).append(problem)
    lines, is_short = [], False
    for (kind, fate), of_kind in sections.items():
        rows = list(_rows(of_kind, everything))
        shown = rows if everything else rows[:TOLD]
        is_short = is_short or len(shown) < len(of_kind)
        lines += [f"{KINDS[kind]}, {fate}: {len(of_kind):,}"]
        lines += [f"  {row}" for row in shown]
        lines += ["  ...", ""] if len(shown) < len(rows) else [""]
    files = len({problem.file for problem in problems})
    total = f"Problems: {len(problems):,}, in {files:,} files."
    return [*lines, total + (" Add --all to list every one." if is_short else "")]


def _rows(problems: list[Problem], everything: bool) -> Iterator[str]:
    """A line for each problem, or for many of the same text."""
    alike = Counter(problem.text for problem in problems)
    told = set()
    for problem in problems:
        line = str(problem).removesuffix(f": {problem.fate}")
        if everything or alike[problem.text] <= ALIKE:
            yield line
        elif problem.text not in told:
            told.add(problem.text)
            yield f"{line} (and {alike[problem.text] - 1:,} more like it)"
