"""The page that `midlevel compare --output` writes: one file, no pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from midlevel import errors
from midlevel.evaluation import comparison_text
from midlevel.evaluation.comparison import Compared, Comparison
from midlevel.method.intervals import Interval
from midlevel.pages import outputs, rendering
from midlevel.pages.scale import Scale
from midlevel.system import text


def write(found: Comparison, path: Path) -> None:
    """Write the page.

    Raises:
        errors.MidlevelError: it cannot be written.
    """
    outputs.write_file(path, rendering.render("compare.html", **_drawn(found)))


def _drawn(found: Comparison) -> dict[str, Any]:
    """What the page says and shows."""
    rows = [_row(run) for run in found.runs]
    drawn = [row["drawn"] for row in rows if row["drawn"]]
    away = [row["away"] for row in rows if row["away"]]
    return {
        "found": found,
        "about": errors.plain(comparison_text.about(found)),
        "rows": rows,
        "scale": _scale(drawn),
        "from_first": _scale([*away, [0.0, 0.0, 0.0]]),
        "is_timed": any(run.photographs_per_second for run in found.runs),
        "best": {name: _best(found.runs, name) for name in found.classes},
        "settings": {
            key: [errors.plain(comparison_text.value(one)) for one in values]
            for key, values in found.settings.items()
        },
        "note": comparison_text.NOTE,
        "notes": [errors.plain(note) for note in found.notes],
    }


def _row(run: Compared) -> dict[str, Any]:
    """A run's figures in words, and for the bars low end, value and high end."""
    area = run.difference["area"] if run.difference else None
    return {
        "name": errors.plain(run.name),
        "run": run,
        "interval": comparison_text.ends(run.interval["area"]),
        "drawn": _three(run.mAP["area"], run.interval["area"]),
        "difference": comparison_text.away(area.mAP) if area else "",
        "difference_interval": _signed(area.interval) if area else "",
        "away": _three(area.mAP, area.interval) if area else None,
        "verdict": _verdict(area.interval) if area else "",
    }


def _signed(interval: Interval | None) -> str:
    return comparison_text.ends(interval, comparison_text.SIGNED)


def _three(value: float | None, interval: Interval | None) -> list[float] | None:
    if value is None or interval is None:
        return None
    return [interval[0], value, interval[1]]


def _scale(drawn: Sequence[Sequence[float]]) -> Scale:
    return Scale.of([value for three in drawn for value in three] or [0.0, 1.0])


def _verdict(interval: Interval | None) -> str:
    """What a difference is called where its interval leaves 0 out.

    >>> _verdict([0.01, 0.02]), _verdict([-0.03, -0.01]), _verdict([-0.01, 0.01])
    ('good', 'bad', '')
    """
    if interval is None or interval[0] <= 0 <= interval[1]:
        return ""
    return "good" if interval[0] > 0 else "bad"


def _best(runs: Sequence[Compared], name: str) -> str | None:
    """The highest AP of a class, as the page says it; None where all have the same."""
    known = [ap for run in runs if (ap := run.AP[name]["area"]) is not None]
    is_same = len({text.percent(ap) for ap in known}) < 2
    return None if is_same else text.percent(max(known))
