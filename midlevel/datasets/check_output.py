"""What `midlevel check` found, as a table for people or JSON for programs."""

from collections import Counter
from collections.abc import Iterator

from rich.table import Table

from midlevel.datasets import Problem, summary
from midlevel.datasets.annotation import KINDS
from midlevel.datasets.checking import CheckResult
from midlevel.datasets.summary import FEW
from midlevel.system import terminal

SCHEMA = "midlevel-check/1"
TOLD = 10  # rows of one kind that a table has, unless all are asked for
ALIKE = 3  # times that a text stands before the places are counted only


def as_json(found: CheckResult) -> dict:
    """Everything, for programs.

    `schema`, `data`, `format`, `classes`, `counts` and `drawn` (see `CheckResult`),
    `ignored` (boxes and labels of other classes, by name) and `problems`, each with
    `file`, `line` (or null), `kind`, `text` and `fate`: see datasets/annotation.py.
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
    return {
        "schema": SCHEMA,
        "data": found.dataset.folder.as_posix(),
        "format": found.dataset.format,
        "classes": found.dataset.classes,
        "counts": found.counts,
        "drawn": found.drawn,
        "ignored": found.dataset.ignored,
        "problems": problems,
    }


def as_table(found: CheckResult, everything: bool = False) -> str:
    """What is there, then what is wrong, a section for each kind.

    Args:
        everything: name every problem, however many are alike.
    """
    return terminal.shown(*_counts(found), "", *_problems(found.problems, everything))


def _counts(found: CheckResult) -> Iterator[str | Table]:
    """How many photographs of each split show what."""
    dataset, counts = found.dataset, found.counts
    names = ["photographs", "without an object", *dataset.classes]
    rows = zip(names, *map(_column, counts.values()), strict=True)
    yield f"{dataset.folder}: {dataset.format}"
    yield ""
    if not any(dataset.splits.values()):
        yield "Nothing in it can be used."
        return
    yield terminal.table("~" + ">" * len(counts), rows, ["", *counts])
    if found.drawn:
        yield ""
        yield "The data has no validation split; training would draw this one."
    if found.few:
        yield ""
        yield f"Fewer than {FEW} photographs to learn from: {', '.join(found.few)}"
    for split in counts:
        if lines := summary.not_said(dataset, split):
            yield ""
            yield from (line[0].upper() + line[1:] for line in lines)
    if dataset.ignored:
        others = ", ".join(f"{name} {n:,}" for name, n in dataset.ignored.items())
        yield ""
        yield f"Not among the classes asked for, so taken as background: {others}"


def _column(of_split: dict) -> list[str]:
    counts = [of_split["photographs"], of_split["background"]]
    return [f"{n:,}" for n in (*counts, *of_split["classes"].values())]


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
