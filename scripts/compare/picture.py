"""The curves from few photographs, or boxes, to more, as pictures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.frontier import load_pyplot

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00")  # Okabe, Ito
MARKERS = "osXD^"
APART = 1.02  # times as far to the right as the line before, lest bars hide each other
BESIDE = 0.7  # per cent of the photographs to the right, for the same
STYLES = ("-", "--")

Line = dict[str, list[float]]


def lines(
    found: Mapping[str, Any], x: str = "a_class", measure: str = "mAP"
) -> dict[str, Line]:
    """For each way `x`, a number of its tasks, and `y` and `spread`, percent.

    Args:
        found: `tasks` of what `curve` or `effort` writes as JSON.
        measure: of the rows; mAP is the area.
    """
    drawn: dict[str, Line] = {}
    for task in found.values():
        for row in task["rows"]:
            line = drawn.setdefault(row["way"], {"x": [], "y": [], "spread": []})
            value = row["mAP"]["area"] if measure == "mAP" else row[measure]
            if value["mean"] is None:
                continue
            line["x"].append(task[x])
            line["y"].append(100 * value["mean"])
            line["spread"].append(100 * (value["std"] or 0))
    return drawn


def draw(found: Mapping[str, Any], output: Path) -> None:
    """Write the picture of `curve` to `output`.

    Raises:
        errors.MissingDependency: matplotlib is not installed.
    """
    pyplot = load_pyplot()
    figure, axes = pyplot.subplots(figsize=(7, 5), layout="constrained")
    for i, (name, line) in enumerate(lines(found["tasks"]).items()):
        _line(axes, i, {**line, "x": [x * APART**i for x in line["x"]]}, name)
    counts = sorted({task["a_class"] for task in found["tasks"].values()})
    axes.set_xscale("log")
    axes.set_xticks(counts, [f"{count}" for count in counts])
    axes.minorticks_off()
    axes.set_xlabel("photographs a class to learn from (log scale)")
    axes.set_ylabel("area mAP %, mean and standard deviation over seeds")
    _finish(axes)
    _save(figure, output)
    pyplot.close(figure)


def draw_effort(found: Mapping[str, Any], output: Path) -> None:
    """Write the picture of `effort` to `output`: what is there, and where.

    Raises:
        errors.MissingDependency: matplotlib is not installed.
    """
    pyplot = load_pyplot()
    figure, panels = pyplot.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
    tasks = found["tasks"]
    titles = ("What is in a photograph", "Where it is")
    measured = ({"mAP": "area mAP"}, {"pointing": "pointing", "corloc": "CorLoc"})
    is_alone = len(found["settings"]) == 1
    for axes, title, measures in zip(panels, titles, measured, strict=True):
        for style, (measure, label) in zip(STYLES, measures.items(), strict=False):
            for i, (way, line) in enumerate(lines(tasks, "share", measure).items()):
                shown = {**line, "x": [x + BESIDE * i for x in line["x"]]}
                name = label if is_alone else f"{way}, {label}"
                _line(axes, i, shown, name, style)
        axes.set_title(title)
        axes.set_xticks([task["share"] for task in tasks.values()])
        axes.set_xlabel("photographs with boxes %; all have labels")
        axes.set_ylabel(f"{' and '.join(measures.values())} %")
        _finish(axes, "best")
    figure.supxlabel(
        f"Mean and standard deviation over {found['seeds']} seeds", fontsize="small"
    )
    _save(figure, output)
    pyplot.close(figure)


def _line(axes: Any, i: int, line: Line, name: str, style: str = "-") -> None:
    axes.errorbar(
        line["x"],
        line["y"],
        yerr=line["spread"],
        label=name,
        color=COLOURS[i % len(COLOURS)],
        marker=MARKERS[i % len(MARKERS)],
        linestyle=style,
        capsize=3,
    )


def _finish(axes: Any, where: str = "lower right") -> None:
    axes.grid(alpha=0.3, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc=where)


def _save(figure: Any, output: Path) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(output, dpi=150)
