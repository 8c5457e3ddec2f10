"""The accuracy and speed of every way in one picture."""

from pathlib import Path

from bench.predict import accuracy
from midlevel import errors

COLOURS = {"paper": "#0072b2", "octaves": "#009e73", "single": "#d55e00"}  # Okabe, Ito
OTHER = "#666666"
MARKERS = {"openvino": "o", "tensorflow": "s", "keras": "X"}
TITLES = {"openvino": "OpenVINO", "tensorflow": "TensorFlow", "keras": "Keras"}


def points(measured: dict, rows: list[dict]) -> list[dict]:
    """The rows that have an accuracy, with it.

    Raises:
        errors.MidlevelError: none has.
    """
    accuracy(rows, measured)
    found = [row for row in rows if "mAP" in row]
    if not found:
        known = ", ".join(one["way"] for one in measured["ways"])
        raise errors.MidlevelError(
            f"No row has an accuracy. Expected ways such as single, paper-crops; "
            f"received: {known}."
        )
    return found


def draw(measured: dict, predicted: dict, output: Path) -> None:
    """Write the picture to `output`.

    Args:
        measured: the JSON of compare_paths.py.
        predicted: the JSON of `predict`.
    """
    pyplot = load_pyplot()
    rows = points(measured, predicted["rows"])
    figure, axes = pyplot.subplots(figsize=(9, 6), layout="constrained")
    for row in rows:
        draw_point(axes, row)
    axes.set_xscale("log")
    axes.margins(x=0.06, y=0.06)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.4 * (high - low))  # room for the names
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xlabel("photographs a second (log scale)")
    axes.set_ylabel("area mAP %, mean and standard deviation over seeds")
    axes.grid(alpha=0.3, linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    machine = predicted["machine"]
    axes.set_title(f"{machine['cpu']}, {machine['cores']} cores {machine['gpu']}")
    figure.savefig(output, dpi=150)
    pyplot.close(figure)


def draw_point(axes, row: dict) -> None:
    """A point and its error bar, with its name above: points lie side by side."""
    x, y, error = row["images_per_s"], 100 * row["mAP"]["mean"], 100 * row["mAP"]["std"]
    is_crops, is_exact = row["method"] != "maps", row["precision"] == "f32"
    colour = OTHER if is_crops else COLOURS.get(row["pyramid"], OTHER)
    axes.errorbar(
        x,
        y,
        yerr=error,
        marker=MARKERS[row["engine"]],
        color=colour,
        markerfacecolor=colour if is_exact else "white",
        capsize=3,
        linewidth=1,
        markersize=8,
    )
    axes.annotate(
        label(row),
        (x, y + error),
        (0, 5),
        textcoords="offset points",
        rotation=90,
        ha="center",
        fontsize=8,
        color=colour,
    )


def label(row: dict) -> str:
    """
    >>> label({"method": "maps", "pyramid": "single", "engine": "openvino",
    ...        "precision": "bf16", "name": "single-openvino-bf16"})
    'single, OpenVINO bf16'
    """
    if row["method"] != "maps":
        return f"{row['name']} ({TITLES[row['engine']]})"
    return f"{row['pyramid']}, {TITLES[row['engine']]} {row['precision']}"


def load_pyplot():
    """matplotlib's pyplot, drawing to files.

    Raises:
        errors.MissingDependency: it is not installed.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise errors.MissingDependency(
            "The picture needs matplotlib. Install it: pip install matplotlib"
        ) from error
    matplotlib.use("agg")
    from matplotlib import pyplot

    return pyplot
