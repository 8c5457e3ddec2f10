"""Run every exported file of a run on photographs, in its own runtime, beside the run.

    midlevel export --model RUN --format all
    python scripts/verify_exports.py RUN PHOTOGRAPH...

Prints a table: format, size, largest difference of a score from the run's over windows
and over images, seconds an image. Where files take one size of image, photographs are
put into it, for the run too. Leaves with 1 if a difference is above `MOST`, or above
what the format's tolerance allows where that is more.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import midlevel
from midlevel.exports import contents, formats, verification
from midlevel.images import pixels

MOST = 1e-3
ROW = "{:12} {:>8} {:>10} {:>10} {:>10}"


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("photographs", type=Path, nargs="+")
    parser.add_argument("--exports", type=Path, help="by default RUN/exports")
    asked = parser.parse_args()
    model = midlevel.load(asked.run, precision="f32")
    shown = {str(path): pixels.read(path) for path in asked.photographs}
    folder = asked.exports or asked.run / "exports"
    if not (folder / contents.FILE).exists():
        parser.error(f"{folder}: holds no exports. Make them: midlevel export")
    rows = json.loads((folder / contents.FILE).read_text("utf-8"))["files"]
    print(ROW.format("format", "MB", "windows", "images", "s/image"))
    own = median_seconds(score_of(model), [image[None] for image in shown.values()])
    print(ROW.format("the run", "", "", "", f"{own:.3f}"))
    sys.exit(max(of_format(form, rows, folder, model, shown) for form in formats.TABLE))


def of_format(form, rows, folder: Path, model, shown: dict) -> bool:
    """Print the line of a format; whether it differs too much."""
    cells, worst = {"windows": "-", "images": "-"}, 0.0
    names = [f"{kind}{form.ending}" for kind in ("window", "image")]
    of_it = [row for row in rows if row["file"] in names]
    seconds = "-"
    for row in of_it:
        score, kind = form.room.load(folder / row["file"]), row["takes"]["name"]
        compared = verification.COMPARISONS[kind[:-1]](
            model, shown, fixed_wh(row, kind)
        )
        found = compared.worst(score)
        cells[kind], worst = f"{found:.1e}", max(worst, found)
        if kind == "images":
            seconds = f"{median_seconds(score, compared.batches):.3f}"
    if of_it:
        size = max(row["bytes"] for row in of_it) / 1e6
        name = form.name if form.precision == "f32" else f"{form.name} {form.precision}"
        print(ROW.format(name, f"{size:.1f}", *cells.values(), seconds))
    return not worst <= max(MOST, form.tolerance)


def fixed_wh(row: dict, kind: str) -> tuple[int, int] | None:
    """The one size of image that a file takes."""
    _, height, width, _ = row["takes"]["shape"]
    return (width, height) if kind == "images" and width else None


def score_of(model):
    """The run itself as a function of a batch of one."""
    return lambda batch: model.probabilities(model.windows(batch[0]))


def median_seconds(score, batches) -> float:
    """Of one image, the second of its size: some runtimes compile at the first."""
    found = []
    for batch in batches:
        score(batch)
        start = time.perf_counter()
        score(batch)
        found.append(time.perf_counter() - start)
    return statistics.median(found)


if __name__ == "__main__":
    main()
