"""`midlevel evaluate`: how good a trained model is on a labelled split."""

import textwrap
from pathlib import Path

from midlevel import datasets
from midlevel.datasets import reading, splitting, summary
from midlevel.evaluation import pointing
from midlevel.evaluation.split_scores import Validation
from midlevel.features import preparation
from midlevel.images.augment import ORIGINAL
from midlevel.method import metrics
from midlevel.prediction.model import Model
from midlevel.settings import config as config_
from midlevel.system import terminal, text
from midlevel.system.progress import Progress

WIDTH = 80  # characters of a line of text
FORMS = tuple(zip(metrics.FORMS, ("area", "11-point", "non-interpolated"), strict=True))


def evaluate(
    model: Model,
    data: str | Path | None = None,
    split: str | None = None,
    progress: Progress | None = None,
    form: str | None = None,
) -> dict:
    """Average precision and pointing of a trained model on a labelled split.

    Args:
        data: the data set; by default the one the model was trained on.
        split: by default the run's validation split.
        form: the format of `data`; by default it is found, or the run's own for the
            data that it learned from.

    Returns:
        `mAP` and `AP` per class, each with `area`, `eleven_point` and
        `non_interpolated` in [0, 1] (None for a class no photograph shows),
        `pointing` as `pointing.Game.table` has it, `split`, `images`, `k`, `run` and
        `left_out`, a line on everything that was wrong.

    Raises:
        errors.MidlevelError: the data or the split cannot be used.
    """
    progress = progress or Progress()
    config = model.config
    split = split or config.data.val
    folder = Path(data or model.run.record["data"])
    dataset = read(folder, model, form, progress)
    prepared = preparation.prepare(
        dataset, {split: [ORIGINAL]}, model.extractor, config.features.store, progress
    )
    game = pointing.Game(model.classes)
    validation = Validation(prepared, split, (model.k,))
    scored = validation.scored(model.head, game.add)
    return {
        **metrics.table(scored.at(model.k), scored.targets, model.classes),
        "pointing": game.table(),
        "run": str(model.run.folder),
        "data": str(folder),
        "split": split,
        "images": len(scored.targets),
        "k": model.k,
        "left_out": [*map(str, dataset.problems), *prepared.failures],
    }


def read(
    folder: Path, model: Model, form: str | None, progress: Progress
) -> datasets.Dataset:
    """The data set; a split that training drew is the one that the run wrote down."""
    config, classes = model.config, model.classes
    is_own = folder.resolve() == Path(model.run.record["data"])
    if form or not is_own:
        config = config_.load(config, {"data.format": form or datasets.AUTO})
    dataset = reading.labelled(folder, config, classes)
    summary.say_ignored(dataset, progress)
    summary.say_problems(dataset.problems, progress)
    if is_own and not dataset.splits.get(config.data.val):
        dataset = splitting.pick(dataset, model.run.split_files)
    return dataset


def as_table(found: dict) -> str:
    """What `evaluate` found, for a person: in percent."""
    points = found["pointing"]
    shares = [row["share"] for row in points["classes"].values()] + [points["mean"]]
    return "\n".join(
        [ap_table(found, {"pointing": shares}), _pointing_in_words(points)]
    )


def ap_table(found: dict, more: dict[str, list[float | None]] | None = None) -> str:
    """AP of each class and in mean, in percent, and what was measured.

    Args:
        found: `AP`, `mAP` and facts as `evaluate` returns them.
        more: columns of shares, a row for each class and the mean.
    """
    measured = [*found["AP"].values(), found["mAP"]]
    columns = {title: [row[form] for row in measured] for form, title in FORMS}
    columns |= more or {}
    cells = ([text.percent(share) for share in column] for column in columns.values())
    rows = zip([*found["AP"], "mean"], *cells, strict=True)
    table = terminal.table("~" + ">" * len(columns), rows, ["AP %", *columns])
    about = (
        f"{found['images']} photographs of split {found['split']!r} in "
        f"{found['data']}; model {found['run']}, k = {found['k']:g}"
    )
    return terminal.shown(table, about)


def _pointing_in_words(points: dict) -> str:
    hits, pairs, inside, bare, middle = (
        sum(row[key] for row in points["classes"].values())
        for key in ("hits", "pairs", "inside", "bare", "middle")
    )
    if not pairs:
        return "pointing: not measured; no box is large enough, or there are none."
    told = (
        f"pointing: {hits} of {pairs} ({inside} strictly inside, without the root "
        f"{bare}, the middle of the photograph {middle}). {points['rule']}"
    )
    return "\n".join(textwrap.wrap(told, WIDTH))
