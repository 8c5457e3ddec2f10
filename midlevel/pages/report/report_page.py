"""`midlevel report`: one page on a run, and the files that hold its numbers.

report.html             the page
report.json             every number on it, but for the two tables below
report-photographs.csv  a row for each validation photograph: probabilities, truth
report-curves.csv       precision and recall of each class at each threshold
"""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

from midlevel import errors
from midlevel.evaluation import evaluate, measuring, mistakes
from midlevel.evaluation.measuring import Measured
from midlevel.features import preparation
from midlevel.features.preparation import Prepared
from midlevel.method.aggregation import Aggregation
from midlevel.pages import rendering
from midlevel.pages.report import curves, gallery
from midlevel.prediction.model import Model
from midlevel.system import files
from midlevel.system.progress import Progress

TABLES = ("photographs", "curves")  # CSV files beside the page
FEW = 20  # photographs; below, one moves a class's figures by points
ADVICE = "Name another file with --output, or make room."
LEARNED = {  # by level of labels
    "box": "boxes",
    "mixed": "boxes, and labels without boxes",
    "image": "labels of photographs alone",
}


def report(
    model: Model,
    output: str | Path | None = None,
    progress: Progress | None = None,
    prepared: Prepared | None = None,
) -> Path:
    """Write the page on a run, and beside it the files with its numbers.

    Args:
        output: the HTML file; by default report.html in the run.
        prepared: the run's data with both splits; by default it is read again.

    Returns:
        The page.

    Raises:
        errors.MidlevelError: the run's data or files cannot be read, or the page cannot
            be written.
    """
    progress = progress or Progress()
    path = Path(output) if output else model.run.report
    _check_free(path)
    prepared = prepared or prepare(model, progress)
    measured = measuring.measure(model, prepared)
    rows = _classes(model, measured, progress)
    page = rendering.render(
        "report.html", **_drawn(measured), rows=rows, name=path.stem
    )
    with files.explained(path, ADVICE):
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_numbers(path.with_suffix(""), measured)
        files.write_text(path, page)
    return path


def _check_free(path: Path) -> None:
    """Refuse a name beside which the numbers would take the place of other files."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise errors.MidlevelError(
            f"{path}: expected a name that ends in .html. Name another --output."
        )
    for name in _numbers(path):
        if name.exists() and not _is_ours(path.with_suffix(".json")):
            raise errors.MidlevelError(
                f"{name}: is there already, and no report wrote it. Name another "
                f"--output than {path.name}, whose numbers would take its place."
            )


def _numbers(path: Path) -> list[Path]:
    """The files with the numbers of a page."""
    tables = [path.with_name(f"{path.stem}-{name}.csv") for name in TABLES]
    return [path.with_suffix(".json"), *tables]


def _is_ours(path: Path) -> bool:
    try:
        return json.loads(files.read_text(path)).get("schema") == measuring.SCHEMA
    except (OSError, ValueError, AttributeError):
        return False


def prepare(model: Model, progress: Progress) -> Prepared:
    """The run's data, both splits, as training had them."""
    config = model.config
    data = Path(model.run.record["data"])
    if not data.exists():
        raise errors.MidlevelError(
            f"{data}: the data of {model.run.folder} is gone, and a report is of it. "
            "Put it back; or measure other data with: midlevel evaluate DATA --model "
            f"{model.run.folder}"
        )
    views = preparation.views_by_split(config, config.features.views[:1])
    return evaluate.prepare(model, views, progress)


def _drawn(measured: Measured) -> dict:
    """What the page says and shows of the run as a whole."""
    numbers = measured.numbers
    calibrated = numbers["calibration"]
    shown = [name for name, row in numbers["classes"].items() if row["val"]]
    shown.sort(key=lambda name: numbers["AP"][name]["area"])
    few = [n for n in shown if numbers["classes"][n]["val"] < FEW]
    return {
        "run": numbers,
        "gain": _gain(numbers["mAP"]["area"], numbers["baseline"]["mAP"]["area"]),
        "worst_to_best": shown,
        "few": few,
        "few_is": FEW,
        "kinds": {kind: _shown_kind(kind, numbers["level"]) for kind in mistakes.KINDS},
        "made": _made(numbers),
        "training_curve": curves.training(
            numbers["history"],
            numbers["best_epoch"],
            "held-out" if numbers["chosen_on"] == "heldout" else "validation",
        ),
        "reliability_curve": curves.reliability(
            calibrated["before"], calibrated["after"]
        ),
    }


def _shown_kind(kind: str, level: str) -> str:
    """What the page calls a kind of mistake; labels alone know no background.

    >>> _shown_kind("background", "image"), _shown_kind("other", "image")
    ('no object', 'other')
    """
    return "no object" if (kind, level) == ("background", "image") else kind


def _gain(found: float, baseline: float) -> str:
    """How a run compares with the baseline, in words.

    >>> _gain(0.843, 0.797), _gain(0.5, 0.512)
    ('4.6 points above', '1.2 points below')
    """
    gain = 100 * (found - baseline)
    return f"{abs(gain):.1f} points {'below' if gain < 0 else 'above'}"


def _made(numbers: dict) -> dict[str, str]:
    """How the run was made, a line for each fact."""
    environment, engine = numbers["environment"], numbers["engine"]
    versions = environment["versions"].items()
    names = {name: str(value) for name, value in numbers["settings"].items()}
    found = {
        "run": numbers["run"],
        "data": f"{numbers['data']} ({numbers['format']})",
        "command": shlex.join(environment["command"]),
        "settings": "; ".join(f"{n}={v}" for n, v in names.items()) or "the defaults",
        "backbone": f"{numbers['backbone']['name']}, {numbers['backbone']['weights']}",
        "engine": ", ".join(engine[key] for key in ("name", "device", "precision")),
        "labels": LEARNED[numbers["level"]],
        "image scores": str(Aggregation(**numbers["aggregation"])),
        "started": environment["started"],
        "time": _seconds(numbers["timings"] or {}),
        "versions": ", ".join(f"{name} {version}" for name, version in versions),
        "machine": f"Python {environment['python']}, {environment['platform']}",
    }
    return {name: errors.plain(text) for name, text in found.items()}


def _seconds(timings: dict[str, float]) -> str:
    """Times as a person reads them.

    >>> _seconds({"features_s": 4.2, "head_s": 300.0})
    'features 4 s, head 300 s'
    """
    parts = (f"{n.removesuffix('_s')} {value:.0f} s" for n, value in timings.items())
    return ", ".join(parts)


def _classes(model: Model, measured: Measured, progress: Progress) -> list[dict]:
    """What the page says and shows of each class."""
    found = []
    with progress.task("pictures of classes", len(model.classes)) as advance:
        for i, name in enumerate(model.classes):
            found.append(_of_class(model, measured, i, name))
            advance()
    return found


def _of_class(model: Model, measured: Measured, i: int, name: str) -> dict:
    numbers = measured.numbers
    row = numbers["classes"][name]
    curve, histogram = measured.curves[name], numbers["histograms"][name]
    drawn: dict[str, str | None] = {"precision_recall": None, "histogram": None}
    if row["val"]:
        at = row["recall"] or 0.0, row["precision"] or 0.0
        drawn["precision_recall"] = curves.precision_recall(curve, at)
        drawn["histogram"] = curves.histogram(histogram, row["threshold"])
    columns = measured.probabilities[:, i], measured.validation.targets[:, i]
    picked = gallery.pick(*columns, gallery.count(len(model.classes)))
    numbers_ = [number for some in picked.values() for number in some]
    made = gallery.tiles(model, measured.validation, numbers_, name)
    tiles = {tile.number: tile for tile in made}
    pictures = {
        kind: [_picture(measured, tiles[n], i) for n in some if n in tiles]
        for kind, some in picked.items()
    }
    return {"name": name, "number": i + 1, **row, **drawn, "pictures": pictures}


def _picture(measured: Measured, tile: gallery.Tile, i: int) -> dict:
    photograph = measured.photographs[tile.number]
    return {
        "file": errors.plain(photograph["file"]),
        "probability": float(measured.probabilities[tile.number, i]),
        "is_labelled": bool(measured.labelled[tile.number, i]),
        "shows": photograph["shows"],
        "photograph": tile.photograph,
        "map": tile.map,
    }


def _write_numbers(stem: Path, measured: Measured) -> None:
    text = json.dumps(measured.numbers, indent=2, ensure_ascii=False, allow_nan=False)
    text += "\n"
    files.write_text(stem.with_name(f"{stem.name}.json"), text)
    for name, rows in zip(TABLES, (_photograph_rows, _curve_rows), strict=True):
        files.write_csv(stem.with_name(f"{stem.name}-{name}.csv"), rows(measured))


def _photograph_rows(measured: Measured) -> Iterator[list]:
    names = measured.numbers["classes"]
    yield ["file", *(f"{kind} {n}" for kind in ("probability", "shows") for n in names)]
    targets = measured.validation.targets
    columns = measured.photographs, measured.probabilities.round(6), targets
    for photograph, probabilities, truth in zip(*columns, strict=True):
        yield [photograph["file"], *probabilities.tolist(), *truth.tolist()]


def _curve_rows(measured: Measured) -> Iterator[list]:
    yield ["class", "threshold", "precision", "recall"]
    for name, curve in measured.curves.items():
        keys = ("threshold", "precision", "recall")
        for row in zip(*(curve[key] for key in keys), strict=True):
            yield [name, *row]
