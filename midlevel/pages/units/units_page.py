"""`midlevel units`: a page and sheets of the windows that excite units most."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from midlevel import errors
from midlevel.datasets import Example
from midlevel.evaluation import evaluate
from midlevel.features import preparation
from midlevel.features.preparation import Prepared
from midlevel.images.augment import ORIGINAL
from midlevel.networks import heads
from midlevel.pages import outputs, rendering
from midlevel.pages.explain import reasons
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
    count: int = excitement.COUNT
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
    see `units.heaviest`; of a backbone those that vary most.

    Args:
        output: an empty folder; by default a new one in runs/units.

    Raises:
        errors.DataError: the data or the split cannot be used.
        errors.MidlevelError: the head has no hidden layer, a unit does not exist, or
            the output cannot be written.
    """
    progress = progress or Progress()
    layer = _layer(model, asked.of)
    _check(asked, layer.units)
    split = asked.split or model.config.data.val
    folder = Path(asked.data or model.run.record["data"])
    dataset = evaluate.read(folder, model, None, progress)
    store = model.config.features.store
    prepared = preparation.prepare(
        dataset, {split: [ORIGINAL]}, model.extractor, store, progress
    )
    examples = prepared.readable(split)
    found = _strongest(prepared, examples, layer, asked.count, progress)
    why = _chosen(asked, layer, found, model.classes)
    place = outputs.folder(output, FOLDER)
    sheets = unit_sheets.Sheets(model, examples, found)
    rows = sheets.make(list(why), place, asked.of, progress)
    names = ("background", *model.classes)
    shown = [
        {**row, "why": why[row["unit"]], "leaning": layer.leaning(row["unit"], names)}
        for row in rows
    ]
    text = rendering.render(
        "units.html",
        run=str(model.run.folder),
        of=asked.of,
        total=layer.units,
        shown=shown,
        split=split,
        photographs=len(examples),
    )
    return outputs.write_page(place, text)


@dataclass(frozen=True)
class _Layer:
    """Units: how many, from features to activations, and weights towards classes."""

    units: int
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


def _strongest(
    prepared: Prepared,
    examples: list[Example],
    layer: _Layer,
    count: int,
    progress: Progress,
) -> excitement.Strongest:
    """The windows that excite each unit most; features are read in their order."""
    found = excitement.Strongest(layer.units, len(prepared.dataset.classes), count)
    with progress.task("units", len(examples)) as advance:
        for example in examples:
            key = prepared.keys[example.path][ORIGINAL]
            size_wh = prepared.store.entries[key].size_wh
            on = reasons.lies_on(prepared.extractor.plan(size_wh).boxes, example)
            features = np.asarray(prepared.store.load(key), np.float32)
            found.take(layer.activations(features), on)
            advance()
    return found


def _check(asked: Asked, total: int):
    missing = [unit for unit in asked.numbers if not 0 <= unit < total]
    if missing:
        raise errors.MidlevelError(
            f"There is no unit {missing[0]} in the {asked.of}: expected numbers from 0 "
            f"to {total - 1}. Name another with --unit."
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
    most = np.argsort(-found.variance, kind="stable")[: excitement.UNITS].tolist()
    return dict.fromkeys(most, "varies much")
