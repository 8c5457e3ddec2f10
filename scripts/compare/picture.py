"""The curve from few photographs to more, as a picture."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.frontier import load_pyplot

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00")  # Okabe, Ito
MARKERS = "osXD^"
APART = 1.02  # times as far to the right as the line before, lest bars hide each other

Line = dict[str, list[float]]


def lines(found: Mapping[str, Any]) -> dict[str, Line]:
    """For each way `x`, photographs a class, and `y` and `spread`, percent.

    Args:
        found: `tasks` of what `curve` writes as JSON.
    """
    drawn: dict[str, Line] = {}
    for task in found.values():
        for row in task["rows"]:
            line = drawn.setdefault(row["way"], {"x": [], "y": [], "spread": []})
            area = row["mAP"]["area"]
            line["x"].append(task["a_class"])
            line["y"].append(100 * area["mean"])
            line["spread"].append(100 * (area["std"] or 0))
    return drawn


def draw(found: Mapping[str, Any], output: Path) -> None:
    """Write the picture to `output`.

    Raises:
        errors.MissingDependency: matplotlib is not installed.
    """
    pyplot = load_pyplot()
    figure, axes = pyplot.subplots(figsize=(7, 5), layout="constrained")
    for i, (name, line) in enumerate(lines(found["tasks"]).items()):
        axes.errorbar(
            [x * APART**i for x in line["x"]],
            line["y"],
            yerr=line["spread"],
            label=name,
            color=COLOURS[i % len(COLOURS)],
            marker=MARKERS[i % len(MARKERS)],
            capsize=3,
        )
    counts = sorted({task["a_class"] for task in found["tasks"].values()})
    axes.set_xscale("log")
    axes.set_xticks(counts, [f"{count}" for count in counts])
    axes.minorticks_off()
    axes.set_xlabel("photographs a class to learn from (log scale)")
    axes.set_ylabel("area mAP %, mean and standard deviation over seeds")
    axes.grid(alpha=0.3, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, dpi=150)
    pyplot.close(figure)
