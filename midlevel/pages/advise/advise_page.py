"""The page that `midlevel advise --output` writes: one file, no pictures."""

from pathlib import Path
from typing import Any

from midlevel import errors
from midlevel.evaluation import advice_text
from midlevel.evaluation.advice import Advice, Option
from midlevel.pages import outputs, rendering
from midlevel.pages.scale import Scale


def write(found: Advice, path: Path) -> None:
    """Write the page.

    Raises:
        errors.MidlevelError: it cannot be written.
    """
    outputs.write_file(path, rendering.render("advise.html", **_drawn(found)))


def _drawn(found: Advice) -> dict[str, Any]:
    """What the page says and shows."""
    scores = [score for one in found.options for score in one.mAP]
    return {
        "found": found,
        "about": errors.plain(advice_text.about(found)),
        "rows": [_row(one, one is found.recommended) for one in found.options],
        "scale": Scale.of(scores),
        "shown": {errors.plain(name): n for name, n in found.size.shown.items()},
        "of_maps": Scale(0.0, max(found.probes.values())),
        "reasons": [errors.plain(line) for line in found.reasons],
        "note": advice_text.NOTE,
        "command": errors.plain(advice_text.command(found)),
    }


def _row(one: Option, is_best: bool) -> dict[str, Any]:
    return {
        "option": one,
        "spread": advice_text.spread(one),
        "minutes": advice_text.minutes(one.minutes),
        "is_best": is_best,
        "said": advice_text.BEST if is_best else one.note,
    }
