"""What was measured, over seeds and over photographs: rows for JSON, tables to read."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np
from rich.table import Table

from compare.trials import Result
from midlevel import errors
from midlevel.evaluation import paired
from midlevel.method import intervals, metrics
from midlevel.system import terminal, text

Row = dict[str, Any]
TITLES = (
    "area mAP %",
    "std",
    "interval",
    "difference",
    "std",
    "interval",
    "learning s",
)
NOTE = (
    "std: standard deviation over seeds; interval: the middle 95 % over photographs "
    "drawn again, of the mean over seeds; difference: from the first row, on the same "
    "photographs with the same seeds; learning: seconds without features, the median."
)


def rows(results: Mapping[str, Sequence[Result]]) -> list[Row]:
    """A row for each way of learning, compared with the first.

    Args:
        results: by way, of the same seeds in the same order.

    Raises:
        errors.MidlevelError: they are not of the same photographs and classes.
    """
    same_photographs(results)
    compared = paired.rows(map(_pairs, results.values()))
    found = []
    for (name, of_way), row in zip(results.items(), compared, strict=True):
        by_seed = {
            form: [metrics.mean_average_precision(*one, form) for one in _pairs(of_way)]
            for form in metrics.FORMS
        }
        found.append(
            {
                "way": name,
                "mAP": {form: over_seeds(values) for form, values in by_seed.items()},
                "interval": row.interval,
                "AP": _by_class(of_way),
                "difference": {
                    **over_seeds(row.differences),
                    "interval": row.difference_interval,
                },
                "seconds": _median(of_way, "seconds"),
                "learning_s": _median(of_way, "learning_s"),
                "results": [one.facts for one in of_way],
            }
        )
    return found


def same_photographs(results: Mapping[str, Sequence[Result]]) -> None:
    """Refuse to compare what was not measured on the same.

    Raises:
        errors.MidlevelError: the photographs, classes or numbers of seeds differ.
    """
    every = [one for of_way in results.values() for one in of_way]
    for name, of_way in results.items():
        if len(of_way) != len(next(iter(results.values()))):
            raise errors.MidlevelError(f"{name}: has not the seeds that the first has.")
        for one in of_way:
            if one.photographs != every[0].photographs:
                raise errors.MidlevelError(
                    f"{name}: was measured on other photographs."
                )
            if one.classes != every[0].classes:
                raise errors.MidlevelError(
                    f"{name}: expected the classes {', '.join(every[0].classes)}. "
                    f"It learned: {', '.join(one.classes)}."
                )


def _pairs(of_way: Sequence[Result]) -> list[paired.Pair]:
    return [(one.scores, one.targets) for one in of_way]


def over_seeds(values: Sequence[float]) -> Row:
    """Mean and standard deviation, which one seed alone has not.

    >>> over_seeds([0.5, 0.7])["mean"], over_seeds([0.5])["std"]
    (0.6, None)
    """
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {"mean": float(np.mean(values)), "std": spread, "by_seed": list(values)}


def _by_class(results: Sequence[Result]) -> dict[str, float | None]:
    """Area AP of each class, mean over seeds."""
    names = results[0].classes
    found = [metrics.table(*pair, names)["AP"] for pair in _pairs(results)]
    return {name: metrics.mean(row[name]["area"] for row in found) for name in names}


def _median(results: Sequence[Result], fact: str) -> float | None:
    """Of a number of seconds, without those that are not known."""
    known = [one.facts[fact] for one in results if one.facts.get(fact) is not None]
    return median(known) if known else None


def as_text(found: Mapping[str, Any]) -> str:
    """The tables of all tasks.

    Args:
        found: what `cli` writes as JSON.
    """
    parts: list[str | Table] = [f"{found['data']}, midlevel {codes(found['tasks'])}"]
    for name, task in found["tasks"].items():
        counts = task["photographs"]
        parts += [
            f"{name}: {counts['train']} photographs to learn from, {counts['val']} to "
            f"measure on; {found['seeds']} seeds",
            terminal.table(
                "~" + ">" * len(TITLES), _cells(task["rows"]), ["", *TITLES]
            ),
        ]
    return terminal.shown(*parts, NOTE)


def as_markdown(found: Mapping[str, Any]) -> str:
    """The same tables for a page of docs.

    Args:
        found: what `cli` writes as JSON.
    """
    lines = []
    for name, task in found["tasks"].items():
        counts = task["photographs"]
        lines += [
            f"{name}: {counts['train']} photographs to learn from, {counts['val']} to "
            f"measure on, {found['seeds']} seeds, midlevel {codes({name: task})}",
            "",
            *(_line(cells) for cells in (["", *TITLES], ["---"] * (len(TITLES) + 1))),
            *map(_line, _cells(task["rows"])),
            "",
        ]
    return "\n".join(lines).rstrip()


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def codes(found: Mapping[str, Any]) -> str:
    """The commits of midlevel that the results are of: one, or else several."""
    made = [
        result["code"]
        for task in found.values()
        for row in task["rows"]
        for result in row["results"]
    ]
    return ", ".join(dict.fromkeys(made))


def _cells(rows: Sequence[Row]) -> list[list[str]]:
    return [
        [
            row["way"],
            *_three(row["mAP"]["area"], row["interval"]),
            *(
                _three(row["difference"], row["difference"]["interval"])
                if i
                else [""] * 3
            ),
            "-" if row["learning_s"] is None else f"{row['learning_s']:.0f}",
        ]
        for i, row in enumerate(rows)
    ]


def _three(measured: Row, interval: intervals.Interval | None) -> list[str]:
    """Mean, standard deviation and interval, in percent."""
    ends = [text.percent(end) for end in interval or ()]
    return [*(text.percent(measured[n]) for n in ("mean", "std")), " to ".join(ends)]
