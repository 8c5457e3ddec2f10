"""Curves for pages: SVG that stands inside HTML, drawn by matplotlib.

Colours are the page's own: axes and text its text colour, lines its variables
`--accent` and `--second`, so that curves follow light and dark mode. Text stays text.
The same numbers give the same bytes.
"""

import contextlib
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup, escape

from midlevel.system import runtime

INK, FIRST, SECOND = "#010203", "#010204", "#010205"  # stand for the page's colours
PAGE = {INK: "currentColor", FIRST: "var(--accent)", SECOND: "var(--second)"}
SMALL, WIDE = (3.1, 2.3), (4.6, 2.9)  # inches; 72 of an SVG's points
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "midlevel",
    "font.family": "DejaVu Sans",  # comes with matplotlib; the page names its own
    "font.size": 9.5,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.15,
    "grid.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


@contextlib.contextmanager
def _drawing(
    size: tuple[float, float], x: str, y: str, says: str
) -> Iterator[tuple[Any, list[Markup]]]:
    """Axes to draw on, and the list that the SVG is then put into."""
    matplotlib = runtime.load("matplotlib", "matplotlib")
    figures = runtime.load("matplotlib.figure", "matplotlib")
    done: list[Markup] = []
    with matplotlib.rc_context(STYLE):
        figure = figures.Figure(size, layout="constrained")
        axes = figure.add_subplot(xlabel=x, ylabel=y)
        yield axes, done
        file = io.StringIO()
        figure.savefig(file, format="svg", transparent=True, metadata=METADATA)
    done.append(_inline(file.getvalue(), says))


def _inline(svg: str, says: str) -> Markup:
    """An SVG file as a part of a page, in the page's colours and font."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    used = set(re.findall(r"#([\w-]+)", svg))  # another figure may have the same
    svg = re.sub(r' id="([\w-]+)"', lambda m: m[0] if m[1] in used else "", svg)
    for stand_in, colour in PAGE.items():
        svg = svg.replace(stand_in, colour)
    label = f'<svg role="img" aria-label="{escape(says)}"'
    return Markup(svg.replace("<svg", label, 1).strip())


def training(
    history: Sequence[dict], kept: int | None, watched: str = "validation"
) -> Markup:
    """Loss and mAP by epoch; losses of two stages, which no line joins.

    Args:
        history: rows with `epoch`, `loss` and `mAP`, None where none was measured; and
            `stage` where there are several.
        kept: the epoch whose head was kept; None if none was.
        watched: the photographs that the mAP is of.
    """
    watching = [row for row in history if row["mAP"] is not None]
    epochs, found = ([float(row[key]) for row in watching] for key in ("epoch", "mAP"))
    says = f"Loss and {watched} mAP of {len(history)} epochs"
    with _drawing(WIDE, "epoch", "loss", says) as (axes, done):
        _losses(axes, history)
        axes.set_ylim(bottom=0)
        axes.xaxis.get_major_locator().set_params(integer=True)
        other = axes.twinx()
        other.grid(False)
        other.spines["right"].set_visible(True)
        other.set_ylabel(f"{watched} mAP, %")
        percent = [100 * value for value in found]
        other.plot(epochs, percent, "o-", color=FIRST, markersize=3, label="mAP")
        other.set_ylim(max(0, 10 * (min(percent) // 10) - 10), 101)
        if kept is not None:
            other.axvline(kept, color=INK, linewidth=0.8, linestyle=":")
        lines = [axes.get_lines()[0], other.get_lines()[0]]
        _legend(other, handles=lines)
    return done[0]


def _legend(axes: Any, **options: Any) -> None:
    """A legend in a row above the axes, where it covers nothing."""
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, **options)


def _losses(axes: Any, history: Sequence[dict]) -> None:
    """The loss of each stage, and a light line where the second begins."""
    stages = itertools.groupby(history, key=lambda row: row.get("stage"))
    before = None
    for stage, group in stages:
        rows = list(group)
        epochs, losses = (
            [float(row[key]) for row in rows] for key in ("epoch", "loss")
        )
        axes.plot(epochs, losses, "o--", color=SECOND, markersize=3, label="loss")
        if before is not None:
            border = epochs[0] - 0.5
            axes.axvline(border, color=INK, linewidth=0.8, alpha=0.3)
            top = {"xy": (border, 1), "xycoords": axes.get_xaxis_transform()}
            top["textcoords"] = "offset points"
            axes.annotate(before, xytext=(-5, 3), ha="right", **top)
            axes.annotate(stage, xytext=(5, 3), ha="left", **top)
        before = stage


def precision_recall(curve: dict, at: tuple[float, float]) -> Markup:
    """Precision by recall, and where the threshold is.

    Args:
        curve: lists `precision` and `recall`, highest threshold first.
        at: recall and precision at the class's threshold.
    """
    says = f"Precision by recall; {at[1]:.0%} and {at[0]:.0%} at the threshold"
    with _drawing(SMALL, "recall, %", "precision, %", says) as (axes, done):
        recall, precision = (
            100 * np.array(curve[key]) for key in ("recall", "precision")
        )
        start = np.append(0, recall), np.append(precision[0], precision)
        axes.step(*start, where="pre", color=FIRST)
        axes.plot(100 * at[0], 100 * at[1], "o", color=SECOND, markersize=6)
        axes.set(xlim=(0, 101), ylim=(0, 103))
    return done[0]


def histogram(shares: dict, threshold: float) -> Markup:
    """How probabilities lie: photographs that show a class above, others below.

    Args:
        shares: `edges` `(n + 1,)`, and of bins `(n,)` `present` and `absent`.
    """
    says = "Shares of photographs by probability, that show the class and that do not"
    with _drawing(SMALL, "probability, %", "photographs, %", says) as (axes, done):
        edges = 100 * np.array(shares["edges"])
        width = np.diff(edges) * 0.92
        up, down = (100 * np.array(shares[key]) for key in ("present", "absent"))
        axes.bar(edges[:-1], up, width, align="edge", color=FIRST, label="show it")
        axes.bar(edges[:-1], -down, width, align="edge", color=SECOND, label="do not")
        axes.axhline(0, color=INK, linewidth=0.7)
        axes.axvline(100 * threshold, color=INK, linewidth=0.9, linestyle=":")
        top = 5 * np.ceil(max(up.max(), 25) / 5 + 0.5)
        axes.set(xlim=(0, 100), ylim=(-top, top))
        axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):.0f}")
        _legend(axes)
    return done[0]


def reliability(before: Sequence[dict], after: Sequence[dict]) -> Markup:
    """How often photographs of a probability show the class, before and after.

    Args:
        before: rows with `probability`, `frequency` and `count`.
        after: the same, calibrated.
    """
    says = "Frequency by probability, as scored and calibrated"
    with _drawing(WIDE, "says, %", "is so, %", says) as (axes, done):
        axes.plot([0, 100], [0, 100], color=INK, linewidth=0.8, linestyle=":")
        kinds = ((before, SECOND, "as scored"), (after, FIRST, "calibrated"))
        for rows, colour, name in kinds:
            x, y = (
                [100 * row[key] for row in rows] for key in ("probability", "frequency")
            )
            sizes = [4 + 26 * (row["count"] / _total(rows)) ** 0.5 for row in rows]
            axes.plot(x, y, color=colour, linewidth=1.2)
            axes.scatter(x, y, sizes, color=colour, label=name)
        axes.set(xlim=(-2, 102), ylim=(-2, 102))
        axes.legend(loc="lower right")
    return done[0]


def _total(rows: Sequence[dict]) -> int:
    return sum(row["count"] for row in rows)
