"""What `midlevel advise` found, for a person: a table in percent, and why."""

import shlex
import textwrap
from typing import TYPE_CHECKING, Any

import yaml

from midlevel.system import terminal, text

if TYPE_CHECKING:
    from midlevel.evaluation.advice import Advice, Option

WIDTH = 80  # characters of a line of text
TITLES = ("strategy", "backbone", "mAP %", "spread", "minutes", "MB", "")
NOTE = (
    "mAP is the mean area AP on training photographs that were held out, over seeds, "
    "and spread its standard deviation; the validation split was not looked at. "
    "Minutes: a whole training on this machine, timed on a part. MB: the files that "
    "OpenVINO predicts from."
)
BEST = "recommended"
MANY = 8  # settings; more are a file


def as_text(found: "Advice") -> str:
    """The table, the reasons, and how to train so."""
    rows = [_row(one, one is found.recommended) for one in found.options]
    table = terminal.table("<<>>>>~", rows, TITLES)
    lines = [line for told in (NOTE, *found.reasons) for line in folded(told)]
    return terminal.shown(table, "", *lines, "", f"train so: {command(found)}")


def about(found: "Advice") -> str:
    """What was looked at, in a line."""
    size = found.size
    some = "" if size.looked_at == size.photographs else f", {size.looked_at} tried"
    return (
        f"{found.data}: {size.photographs} photographs to learn from{some}, "
        f"{size.boxes} boxes, {len(found.classes)} classes."
    )


def command(found: "Advice") -> str:
    """How to train as advised."""
    if len(found.settings) > MANY:
        return f"midlevel train {shlex.quote(found.data)} --config FILE, as --save FILE"
    pairs = [f"{key}={_value(value)}" for key, value in found.settings.items()]
    told = " ".join(f"--set {shlex.quote(pair)}" for pair in pairs)
    return f"midlevel train {shlex.quote(found.data)} {told}"


def _value(value: Any) -> str:
    """As `--set` reads it.

    >>> _value(["cat", "dog"]), _value(None), _value(True)
    ('[cat, dog]', 'null', 'true')
    """
    told = yaml.safe_dump(value, default_flow_style=True, width=float("inf"))
    return told.removesuffix("\n").removesuffix("\n...")


def spread(one: "Option") -> str:
    """Over seeds, in points.

    >>> from midlevel.evaluation.advice import Option
    >>> spread(Option("head", "vgg16", [0.8, 0.82], 3.0, 9.0, {}))
    '1.4'
    """
    return "" if one.spread is None else f"{100 * one.spread:.1f}"


def minutes(of: float) -> str:
    """As exact as it is known.

    >>> minutes(0.26), minutes(3.2), minutes(41.7)
    ('0.3', '3.2', '42')
    """
    return f"{of:.1f}" if of < 10 else f"{of:.0f}"


def _row(one: "Option", is_best: bool) -> list[str]:
    return [
        one.strategy,
        one.backbone,
        "-" if one.mean is None else text.percent(one.mean),
        spread(one),
        minutes(one.minutes),
        f"{one.size_mb:.0f}",
        BEST if is_best else one.note,
    ]


def folded(told: str) -> list[str]:
    """Broken into lines."""
    return textwrap.wrap(told, WIDTH, break_long_words=False, break_on_hyphens=False)
