"""`midlevel evaluate`: how good a trained model is on a labelled split."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from midlevel.datasets import reading
from midlevel.evaluation import localisation, pointing
from midlevel.evaluation.validation import Scored, Seen, Validation
from midlevel.features import preparation
from midlevel.features.preparation import Prepared
from midlevel.images.augment import ORIGINAL
from midlevel.method import intervals, metrics
from midlevel.method.aggregation import Aggregation
from midlevel.prediction.model import Model
from midlevel.system import runtime, terminal, text
from midlevel.system.progress import Progress

if TYPE_CHECKING:
    import pandas

WIDTH = 80  # characters of a line of text
FORMS = tuple(zip(metrics.FORMS, ("area", "11-point", "non-interpolated"), strict=True))
NO_BOXES = "pointing and regions: not measured; the split has no boxes of the classes."

APs = dict[str, float | None]  # by form; None for a class that no photograph shows


@dataclass(frozen=True)
class Evaluation:
    """How good a model is on a labelled split; as text, a table.

    Attributes:
        mAP: mean average precision in [0, 1]: `area`, `eleven_point` and
            `non_interpolated`.
        AP: the same of each class.
        interval: of each mAP the 95 % interval `[low, high]`, over photographs drawn
            again; None where there is no mAP.
        pointing: see `pointing.Game.table`.
        localisation: see `localisation.Localisation.table`; None where the split has
            no boxes.
        run: the model's folder.
        data: the data set.
        split: of it.
        images: photographs that were measured on.
        aggregation: of window scores to image scores, see `Aggregation`.
        k: exponent of the image score; None where it is no power mean.
        left_out: a line on everything that was wrong.
    """

    mAP: APs
    AP: dict[str, APs]
    interval: dict[str, intervals.Interval | None]
    pointing: dict[str, Any]
    localisation: dict[str, Any] | None
    run: str
    data: str
    split: str
    images: int
    aggregation: dict[str, Any]
    k: float | None
    left_out: list[str]

    def __str__(self) -> str:
        return as_table(self)

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return asdict(self)

    def to_pandas(self) -> "pandas.DataFrame":
        """A row for each class and one for the mean: AP in three forms, pointing.

        Raises:
            errors.MissingDependency: pandas is not installed.
        """
        pandas = runtime.load("pandas", "pandas", extra="")
        of_class = self.pointing["classes"]
        rows = {
            name: {**ap, **_pointed(of_class, name)} for name, ap in self.AP.items()
        }
        rows["mean"] = {**self.mAP, "pointing": self.pointing["mean"]}
        return pandas.DataFrame.from_dict(rows, orient="index")


def _pointed(classes: dict[str, Any], name: str) -> dict[str, float | None]:
    return {"pointing": classes[name]["share"] if name in classes else None}


def evaluate(
    model: Model,
    data: str | Path | None = None,
    split: str | None = None,
    progress: Progress | None = None,
    form: str | None = None,
) -> Evaluation:
    """Average precision, pointing and regions of a trained model on a labelled split.

    Args:
        data: the data set; by default the one the model was trained on.
        split: by default the run's validation split.
        form: the format of `data`; by default it is found, or the run's own for the
            data that it learned from.

    Raises:
        errors.MidlevelError: the data or the split cannot be used.
    """
    progress = progress or Progress()
    split = split or model.config.data.val
    prepared = prepare(model, {split: [ORIGINAL]}, progress, data, form)
    game = pointing.Game(model.classes)
    places = localisation.Localisation(model.classes)
    scored = _scored(model, prepared, split, game.add, places.add)
    found, targets = scored.at(model.aggregation), scored.targets
    scores = scored.ranking(model.aggregation, model.calibration)
    return Evaluation(
        **metrics.table(scores, targets, model.classes),
        interval=intervals.of_forms(scores, targets),
        pointing=game.table(scores),
        localisation=places.table(model.calibration(found, scored.whole)),
        run=str(model.run.folder),
        data=str(Path(data or model.run.record["data"])),
        split=split,
        images=len(targets),
        aggregation=asdict(model.aggregation),
        k=model.k,
        left_out=prepared.left_out,
    )


def prepare(
    model: Model,
    views: Mapping[str, Sequence[str]],
    progress: Progress,
    data: str | Path | None = None,
    form: str | None = None,
) -> Prepared:
    """The data of a run, or other data as it sees them, with their features.

    Args:
        views: for each split the views of its photographs.
        data: see `reading.for_run`, and `form`.

    Raises:
        errors.MidlevelError: the data or the splits cannot be used.
    """
    dataset = reading.for_run(model.run, progress, data, form)
    place = model.config.features.store
    return preparation.prepare(dataset, views, model.extractor, place, progress)


def score(
    model: Model, prepared: Prepared, split: str
) -> tuple[np.ndarray, np.ndarray]:
    """What a split is measured by: its scores and targets, both `(images, classes)`.

    Raises:
        errors.DataError: none of its photographs shows one of the classes.
    """
    scored = _scored(model, prepared, split)
    return scored.ranking(model.aggregation, model.calibration), scored.targets


def _scored(
    model: Model, prepared: Prepared, split: str, *watching: Callable[[Seen], None]
) -> Scored:
    """The image scores of a split; for `watching` see `Validation.scored`."""
    validation = Validation(prepared, split, (model.aggregation,))
    return validation.scored(model.head, *watching, whole=model.whole)


def as_table(found: Evaluation) -> str:
    """What `evaluate` found, for a person: in percent."""
    about = [_interval_in_words(found.interval)]
    if found.localisation is None:
        return "\n".join([ap_table(found.to_dict()), *about, NO_BOXES])
    points = found.pointing
    shares = [row["share"] for row in points["classes"].values()] + [points["mean"]]
    about += _pointing_in_words(points), _localisation_in_words(found.localisation)
    return "\n".join([ap_table(found.to_dict(), {"pointing": shares}), *about])


def ap_table(
    found: dict[str, Any], more: dict[str, list[float | None]] | None = None
) -> str:
    """AP of each class and in mean, in percent, and what was measured.

    Args:
        found: `AP`, `mAP` and facts as `evaluate` returns them; without an
            `aggregation`, the mean of one window.
        more: columns of shares, a row for each class and the mean.
    """
    measured = [*found["AP"].values(), found["mAP"]]
    columns = {title: [row[form] for row in measured] for form, title in FORMS}
    columns |= more or {}
    cells = ([text.percent(share) for share in column] for column in columns.values())
    rows = zip([*found["AP"], "mean"], *cells, strict=True)
    table = terminal.table("~" + ">" * len(columns), rows, ["AP %", *columns])
    how = Aggregation(**found.get("aggregation", {"by": 1.0}))
    about = (
        f"{found['images']} photographs of split {found['split']!r} in "
        f"{found['data']}; model {found['run']}, {how.in_short}"
    )
    return terminal.shown(table, about)


def _interval_in_words(interval: dict[str, intervals.Interval | None]) -> str:
    parts = [
        f"{title} {' to '.join(map(text.percent, ends))}"
        for form, title in FORMS
        if (ends := interval[form])
    ]
    told = (
        f"{100 * intervals.LEVEL:.0f} % interval of the mean, over photographs drawn "
        f"again: {', '.join(parts)}."
    )
    return "\n".join(textwrap.wrap(told, WIDTH))


def _pointing_in_words(points: dict[str, Any]) -> str:
    hits, pairs, inside, bare, middle = (
        sum(row[key] for row in points["classes"].values())
        for key in ("hits", "pairs", "inside", "bare", "middle")
    )
    if not pairs:
        return "pointing: not measured; no box is large enough."
    told = (
        f"pointing: {hits} of {pairs} ({inside} strictly inside, without the root "
        f"{bare}, the middle of the photograph {middle}); point AP "
        f"{text.percent(points['AP'])}. {points['rule']}"
    )
    return "\n".join(textwrap.wrap(told, WIDTH))


def _localisation_in_words(places: dict[str, Any]) -> str:
    ap50, ap70, ap, corloc, whole = (
        text.percent(places[key]) for key in ("AP50", "AP70", "AP", "corloc", "whole")
    )
    told = (
        f"regions: AP50 {ap50}, AP70 {ap70}, AP {ap}; CorLoc {corloc}, of the whole "
        f"photograph as the box {whole}."
    )
    return "\n".join(textwrap.wrap(told, WIDTH))
