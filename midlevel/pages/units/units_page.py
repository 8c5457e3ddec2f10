"""`midlevel units`: a page and sheets of the windows that excite units most."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from midlevel import errors
from midlevel.evaluation import evaluate
from midlevel.features.preparation import View
from midlevel.images.augment import ORIGINAL
from midlevel.method import labels
from midlevel.networks import heads
from midlevel.pages import outputs, rendering
from midlevel.pages.units import excitement, unit_sheets
from midlevel.prediction.model import Model
from midlevel.system.progress import Progress

FOLDER = Path("runs/units")
MOST = 200  # units on a page: some ten kilobytes a window


@dataclass(frozen=True)
class Asked:
    """What to show.

    Attributes:
        of: `head`, units of its last hidden layer, or `backbone`, its channels.
        numbers: of units; by default those that say most, see `make`.
        count: windows of each.
        split: by default the run's validation split.
        data: by default the data that the run was trained on.
    """

    of: str = "head"
    numbers: Sequence[int] = ()
    count: int = excitement.WINDOWS
    split: str | None = None
    data: Path | None = None


def make(
    model: Model,
    asked: Asked,
    output: str | Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Show the windows of a labelled split that excite units most; the page's path.

    Without numbers of units: of a head those that add most to the score of each class,
    see `excitement.heaviest`; of a backbone those that vary most.

    Args:
        output: an empty folder; by default a new one in runs/units.

    Raises:
        errors.DataError: the data or the split cannot be used.
        errors.MidlevelError: the head has no hidden layer, a unit does not exist, or
            the output cannot be written.
    """
    progress = progress or Progress()
    layer = _layer(model, asked.of)
    _check(asked, layer.width)
    split = asked.split or model.config.data.val
    prepared = evaluate.prepare(model, {split: [ORIGINAL]}, progress, asked.data)
    views = list(prepared.views(split, [ORIGINAL]))
    found = excitement.Strongest(layer.width, len(model.classes), asked.count)
    _take(found, views, layer, progress)
    why = _chosen(asked, layer, found, model.classes)
    place = outputs.folder(output, FOLDER)
    sheets = unit_sheets.Sheets(model, [view.example for view in views], found)
    rows = sheets.make(list(why), place, asked.of, progress)
    names = model.columns
    shown = [
        {**row, "why": why[row["unit"]], "leaning": layer.leaning(row["unit"], names)}
        for row in rows
    ]
    text = rendering.render(
        "units.html",
        run=str(model.run.folder),
        of=asked.of,
        total=layer.width,
        shown=shown,
        split=split,
        photographs=len(views),
    )
    return outputs.write_page(place, text)


@dataclass(frozen=True)
class _Layer:
    """A layer whose units are shown.

    Attributes:
        width: how many units it has.
        activations: of features `(n, channels)`, `(n, width)`.
        weights: `(width, 1 + classes)` towards the scores; None where it has none.
    """

    width: int
    activations: Callable[[np.ndarray], np.ndarray]
    weights: np.ndarray | None = None

    def leaning(self, unit: int, names: Sequence[str]) -> excitement.Leaning | None:
        """Which classes a unit speaks for; None where it has no weights."""
        if self.weights is None:
            return None
        return excitement.leaning(self.weights[unit], names)


def _layer(model: Model, of: str) -> _Layer:
    if of == "backbone":
        channels = model.extractor.backbone.spec.channels
        return _Layer(channels, lambda features: features)
    activations, weights = heads.hidden(heads.load(model.run.head_file))
    return _Layer(len(weights), activations, weights)


def _take(
    found: excitement.Strongest,
    views: Sequence[View],
    layer: _Layer,
    progress: Progress,
) -> None:
    """Take photographs in, one after another."""
    with progress.task("units", len(views)) as advance:
        for view in views:
            on = labels.lies_on(view.plan.boxes, view.example)
            features = np.asarray(view.features, np.float32)
            found.take(layer.activations(features), on)
            advance()


def _check(asked: Asked, width: int) -> None:
    missing = [unit for unit in asked.numbers if not 0 <= unit < width]
    if missing:
        raise errors.MidlevelError(
            f"There is no unit {missing[0]} in the {asked.of}: expected numbers from 0 "
            f"to {width - 1}. Name another with --unit."
        )
    if len(asked.numbers) > MOST:
        raise errors.MidlevelError(
            f"{len(asked.numbers)} units are too many for a page. Name {MOST} at most."
        )


def _chosen(
    asked: Asked, layer: _Layer, found: excitement.Strongest, classes: Sequence[str]
) -> dict[int, str]:
    """Numbers of units, each with why it is shown."""
    if asked.numbers:
        return dict.fromkeys(asked.numbers, "")
    if layer.weights is not None:
        chosen = excitement.heaviest(layer.weights, found.means, classes)
        return {unit: f"adds to {name}" for unit, name in chosen.items()}
    most = np.argsort(-found.variance, kind="stable")[: excitement.SHOWN].tolist()
    return dict.fromkeys(most, "varies much")
