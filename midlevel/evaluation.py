"""`midlevel evaluate`: how good a trained model is on a labelled split."""

import textwrap
from pathlib import Path

from midlevel import config as config_
from midlevel import datasets, metrics, preparation, telling
from midlevel.augment import ORIGINAL
from midlevel.datasets import splitting
from midlevel.model import Model
from midlevel.progress import Progress
from midlevel.reports import pointing
from midlevel.validation import Validation

WIDTH = 80  # characters of a line of text


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
    dataset = preparation.labelled(folder, config, classes)
    telling.say_ignored(dataset, progress)
    telling.say_problems(dataset.problems, progress)
    if is_own and not dataset.splits.get(config.data.val):
        dataset = splitting.pick(dataset, model.run.split_files)
    return dataset


def as_table(found: dict) -> str:
    """What `evaluate` found, for a person: in percent."""
    names = [*found["AP"], "mean"]
    width = max(map(len, names))
    lines = [f"{'AP %':{width}}   area  11-point  non-interpolated  pointing"]
    points = found["pointing"]
    pointed = [row["share"] for row in points["classes"].values()] + [points["mean"]]
    rows = zip(names, [*found["AP"].values(), found["mAP"]], pointed, strict=True)
    for name, row, share in rows:
        area, eleven, non, hit = (
            "-" if value is None else f"{100 * value:.1f}"
            for value in (*(row[form] for form in metrics.FORMS), share)
        )
        lines.append(f"{name:{width}}  {area:>5}  {eleven:>8}  {non:>16}  {hit:>8}")
    lines.append(
        f"{found['images']} photographs of split {found['split']!r} in "
        f"{found['data']}; model {found['run']}, k = {found['k']:g}"
    )
    hits, pairs, bare, middle = (
        sum(row[key] for row in points["classes"].values())
        for key in ("hits", "pairs", "bare", "middle")
    )
    told = (
        f"pointing: {hits} of {pairs} (without the root {bare}, the middle of the "
        f"photograph {middle}). {points['rule']}"
    )
    return "\n".join([*lines, *textwrap.wrap(told, WIDTH)])
