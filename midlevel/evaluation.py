"""`midlevel evaluate`: how good a trained model is on a labelled split."""

from pathlib import Path

from midlevel import config as config_
from midlevel import datasets, metrics, preparation
from midlevel.augment import ORIGINAL
from midlevel.datasets import splitting
from midlevel.model import Model
from midlevel.progress import Progress
from midlevel.validation import Validation


def evaluate(
    model: Model,
    data: str | Path | None = None,
    split: str | None = None,
    progress: Progress | None = None,
    form: str | None = None,
) -> dict:
    """Average precision of a trained model on a labelled split.

    Args:
        data: the data set; by default the one the model was trained on.
        split: by default the run's validation split.
        form: the format of `data`; by default it is found, or the run's own for the
            data that it learned from.

    Returns:
        `mAP` and `AP` per class, each with `area`, `eleven_point` and
        `non_interpolated` in [0, 1] (None for a class no photograph shows), `split`,
        `images`, `k`, `run` and `left_out`, a line on everything that was wrong.

    Raises:
        errors.MidlevelError: the data or the split cannot be used.
    """
    progress = progress or Progress()
    config = model.config
    split = split or config.data.val
    folder = Path(data or model.run.record["data"])
    dataset = _read(folder, model, form, progress)
    prepared = preparation.prepare(
        dataset, {split: [ORIGINAL]}, model.extractor, config.features.store, progress
    )
    scored = Validation(prepared, split, (model.k,)).scored(model.head)
    return {
        **metrics.table(scored.at(model.k), scored.targets, model.classes),
        "run": str(model.run.folder),
        "data": str(folder),
        "split": split,
        "images": len(scored.targets),
        "k": model.k,
        "left_out": [*map(str, dataset.problems), *prepared.failures],
    }


def _read(folder: Path, model: Model, form: str | None, progress: Progress):
    """The data set; a split that training drew is the one that the run wrote down."""
    config, classes = model.config, model.classes
    is_own = folder.resolve() == Path(model.run.record["data"])
    if form or not is_own:
        config = config_.load(config, {"data.format": form or datasets.AUTO})
    dataset = preparation.labelled(folder, config, classes)
    preparation.say_ignored(dataset, progress)
    preparation.say_problems(dataset.problems, progress)
    if is_own and not dataset.splits.get(config.data.val):
        dataset = splitting.pick(dataset, model.run.split_files)
    return dataset


def as_table(found: dict) -> str:
    """What `evaluate` found, for a person: AP in percent."""
    names = [*found["AP"], "mean"]
    width = max(map(len, names))
    lines = [f"{'AP %':{width}}   area  11-point  non-interpolated"]
    for name, row in zip(names, [*found["AP"].values(), found["mAP"]], strict=True):
        area, eleven, non = (
            "-" if row[form] is None else f"{100 * row[form]:.1f}"
            for form in metrics.FORMS
        )
        lines.append(f"{name:{width}}  {area:>5}  {eleven:>8}  {non:>16}")
    lines.append(
        f"{found['images']} photographs of split {found['split']!r} in "
        f"{found['data']}; model {found['run']}, k = {found['k']:g}"
    )
    return "\n".join(lines)
