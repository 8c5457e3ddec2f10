"""Tables for people: plain text, aligned, at most a hundred columns wide."""

import textwrap
from collections.abc import Callable, Sequence

from bench import machine, stopwatch

WIDTH = 100
Column = tuple[str, str, Callable[[dict], str]]  # two lines of title; the cell


def number(value: float | None) -> str:
    """Three digits that count, or all before the point; empty for None.

    >>> number(0.012345), number(3.0), number(18234.5), number(None)
    ('0.0123', '3.00', '18,234', '')
    """
    if value is None:
        return ""
    if abs(value) >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:#.3g}".rstrip(".")


def percent(value: float | None) -> str:
    """
    >>> percent(0.256), percent(None)
    ('26 %', '')
    """
    return "" if value is None else f"{100 * value:.0f} %"


def plain(name: str, form: Callable = number) -> Callable[[dict], str]:
    """The cell of a figure, empty where a row lacks it."""
    return lambda row: form(row.get(name))


def mean_ap(row: dict) -> str:
    """Mean area mAP in percent."""
    return f"{100 * row['mAP']['mean']:.1f}" if "mAP" in row else ""


def aligned(columns: Sequence[Column], rows: list[dict]) -> str:
    """A table; the first column is text, others are numbers."""
    lines = [[top for top, _, _ in columns], [below for _, below, _ in columns]]
    lines += [[cell(row) for _, _, cell in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            text.ljust(width) if i == 0 else text.rjust(width)
            for i, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


PREDICT: tuple[Column, ...] = (
    ("", "", lambda row: row["name"]),
    ("s per", "image", plain("seconds_per_image")),
    ("images", "per s", plain("images_per_s")),
    ("win.", "per s", plain("windows_per_s")),
    ("x naive", "at 500", plain("times_naive_500")),
    ("x naive", "", plain("times_naive")),
    ("of", "limit", plain("share_of_limit", percent)),
    ("net", "alone", plain("network_share_of_limit", percent)),
    ("not", "net", plain("not_network", percent)),
    ("peak", "MB", plain("peak_mb")),
    ("mAP", "%", mean_ap),
)
PREDICT_NOTES = """\
x naive: how many times as fast as Keras' predict on crops in the same turn; at 500:
for an image of five hundred windows, the paper's "about 500"; else for the same
photographs, with all the windows that the paper's pyramid has on them.
of limit: the arithmetic of backbone and head, over the time, against the rate of a
product of large f32 matrices on the same device; net alone: over the time in calls of
the networks, in one thread; not net: share of that thread's time outside of them."""


def of_predict(found: dict, stages: bool) -> str:
    """The table of `predict`, and how to read it."""
    rows = found["rows"]
    columns = [c for c in PREDICT if any(c[2](row) for row in rows)]
    notes = [f"left out: {name}: {why}" for name, why in found["left_out"].items()]
    parts = [
        machine.in_words(found["machine"]),
        limits(found["limits"]),
        "",
        aligned(columns, rows),
        "",
    ]
    if stages:
        parts += ["milliseconds per image, in one thread", of_stages(rows), ""]
    return "\n".join([*parts, PREDICT_NOTES, *(textwrap.fill(n, WIDTH) for n in notes)])


def of_stages(rows: list[dict]) -> str:
    """Milliseconds by stage; stages that no row has are left out."""
    used = [s for s in stopwatch.STAGES if any(r["ms_by_stage"][s] for r in rows)]
    cells = [
        ("", s, lambda row, s=s: number(row["ms_by_stage"][s] or None)) for s in used
    ]
    return aligned([("", "", lambda row: row["name"]), *cells], rows)


def limits(found: list[dict]) -> str:
    """The rates of matrix products, in one line."""
    rates = (
        f"{one['precision']} on the {one['device']} {one['flops'] / 1e9:,.0f} GFLOP/s"
        for one in found
    )
    return f"matrix products: {', '.join(rates)}"
