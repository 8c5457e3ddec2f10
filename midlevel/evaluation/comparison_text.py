"""What `midlevel compare` found, for a person: tables in percent."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from midlevel.method import intervals
from midlevel.system import terminal, text

if TYPE_CHECKING:
    from midlevel.evaluation.comparison import Compared, Comparison

WIDTH = 80  # characters of a line of text
WHOLE: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}
ROOM = 60  # characters for the names of runs over columns; longer ones are numbered
SIGNED = "+z.1f"  # z: what is rounded to nothing has no minus
TITLES = ("mAP %", "interval", "difference", "interval", "learned from", "MB")
NOTE = (
    "mAP is the mean area AP. Intervals are 95 %, over photographs drawn again: they "
    "know nothing of other photographs to learn from, nor of other seeds. Differences "
    "are from the first run on the same photographs; one whose interval has 0 in it "
    "may be chance. MB: the files that OpenVINO predicts from."
)


def as_text(found: "Comparison") -> str:
    """Three tables: the runs, AP of each class, the settings that differ."""
    names = [run.name for run in found.runs]
    short = titles(names)
    labels = [
        name if name == title else f"{title} {name}"
        for name, title in zip(names, short, strict=True)
    ]
    parts: list[str | Table] = [_runs(found.runs, labels), "", _classes(found, short)]
    if found.settings:
        parts += ["", _settings(found.settings, short)]
    lines = [about(found), NOTE, *(f"note: {note}" for note in found.notes)]
    folded = [line for told in lines for line in textwrap.wrap(told, WIDTH, **WHOLE)]
    return terminal.shown(*parts, "", *folded)


def about(found: "Comparison") -> str:
    """What was measured on, in a line."""
    return (
        f"{found.images} photographs of split {found.split!r} in {found.data}, "
        f"{len(found.classes)} classes."
    )


def titles(names: Sequence[str]) -> list[str]:
    """What runs are called over columns: their numbers where names have no room.

    >>> titles(["a", "b"]), titles(["a" * 40, "b" * 40])
    (['a', 'b'], ['1', '2'])
    """
    if sum(len(name) + 2 for name in names) <= ROOM:
        return list(names)
    return [f"{i}" for i in range(1, len(names) + 1)]


def ends(interval: intervals.Interval | None, form: str = ".1f") -> str:
    """An interval in percent.

    >>> ends([0.8, 0.855]), ends([-0.01, 0.02], SIGNED), ends(None)
    ('80.0 to 85.5', '-1.0 to +2.0', '-')
    """
    return " to ".join(f"{100 * end:{form}}" for end in interval or ()) or "-"


def away(difference: float) -> str:
    """A difference in points.

    >>> away(-0.0161), away(-0.0001)
    ('-1.6', '+0.0')
    """
    return f"{100 * difference:{SIGNED}}"


def value(of_setting: Any) -> str:
    """A setting as a person reads it.

    >>> value(["cat", "dog"]), value(None), value(True), value(0.0003)
    ('cat, dog', 'null', 'true', '0.0003')
    """
    if isinstance(of_setting, list):
        return ", ".join(map(value, of_setting)) or "none"
    if of_setting is None or isinstance(of_setting, bool):
        return {None: "null", True: "true", False: "false"}[of_setting]
    return str(of_setting)


def _runs(runs: Sequence["Compared"], labels: Sequence[str]) -> Table:
    """A row for each run; photographs a second where they were measured."""
    is_timed = any(run.photographs_per_second for run in runs)
    rows = [
        [label, *_cells(run), *([_rate(run)] if is_timed else [])]
        for label, run in zip(labels, runs, strict=True)
    ]
    heads = ["", *TITLES, *(["photographs/s"] if is_timed else [])]
    return terminal.table("~" + ">" * (len(heads) - 1), rows, heads)


def _cells(run: "Compared") -> list[str]:
    difference = ["", ""]
    if run.difference:
        area = run.difference["area"]
        difference = [away(area.mAP), ends(area.interval, SIGNED)]
    return [
        text.percent(run.mAP["area"]),
        ends(run.interval["area"]),
        *difference,
        str(run.learned_from),
        f"{run.size_mb:.1f}",
    ]


def _rate(run: "Compared") -> str:
    rate = run.photographs_per_second
    return "-" if rate is None else f"{rate:.1f}"


def _classes(found: "Comparison", short: Sequence[str]) -> Table:
    rows = [
        [name, *(text.percent(run.AP[name]["area"]) for run in found.runs)]
        for name in found.classes
    ]
    rows.append(["mean", *(text.percent(run.mAP["area"]) for run in found.runs)])
    return terminal.table("~" + ">" * len(short), rows, ["AP %", *short])


def _settings(settings: dict[str, list[Any]], short: Sequence[str]) -> Table:
    rows = [[key, *map(value, values)] for key, values in settings.items()]
    return terminal.table("~" * (1 + len(short)), rows, ["settings", *short])
