"""`midlevel train`: from boxed photographs to a run."""

import shutil
import time
from pathlib import Path

import numpy as np

from midlevel import (
    augment,
    errors,
    evaluation,
    fitting,
    heads,
    metrics,
    preparation,
    runs,
    samples,
    scores,
)
from midlevel import config as config_
from midlevel.config import Config
from midlevel.preparation import Prepared
from midlevel.progress import Progress


def train(
    data: str | Path | None = None,
    *,
    config: str | Path | Config | None = None,
    settings: dict | None = None,
    seed: int | None = None,
    run: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> runs.Run:
    """Learn new classes from photographs with boxes.

    Args:
        data: a folder with boxed photographs; by default the demo set.
        config: settings, or a YAML file with them.
        settings: dotted keys over `config`, such as `{"data.classes": ["cat"]}`.
        seed: the same seed gives the same weights on a CPU; over `settings`.
        run: the folder to write; by default a new one in `runs/train`.
        resume: go on with an interrupted run, the newest if `run` is not given, with
            its own settings.
        progress: where to say how it goes; by default on stderr.

    Returns:
        The finished run.

    Raises:
        errors.MidlevelError: what the user gave cannot be used; the message says why.
        errors.Interrupted: Ctrl-C; what was finished is saved.
    """
    progress = progress or Progress()
    if seed is not None:
        settings = {**(settings or {}), "seed": seed}
    if resume:
        run = runs.Run(run) if run else runs.newest(finished=False)
        data, config = _resumed(run, data, settings or config)
    else:
        run = runs.create(run)
        data = Path(data) if data else preparation.demo_folder()
        config = config_.load(config, settings)
    try:
        return _train(data, config, run, progress)
    except KeyboardInterrupt as error:
        if not run.has_begun:
            raise errors.Interrupted("Interrupted; nothing is written yet.") from error
        raise errors.Interrupted(
            "Interrupted; what was finished is saved. Go on with: "
            f"midlevel train --resume --run {run.folder}"
        ) from error


def _resumed(run: runs.Run, data, settings) -> tuple[Path, Config]:
    record = run.record
    if record["finished"]:
        raise errors.MidlevelError(f"{run.folder}: is finished; nothing to resume.")
    if settings:
        raise errors.MidlevelError(
            "--resume goes on with the run's own settings: leave out --config, --set "
            "and --seed, or train a new run."
        )
    return Path(data or record["data"]), run.config


def _train(data: Path, config: Config, run: runs.Run, progress: Progress) -> runs.Run:
    started = time.monotonic()
    dataset = preparation.read(data, config, progress)
    run.begin(config, {"data": str(data.resolve()), "classes": list(dataset.classes)})
    if run.record["classes"] != list(dataset.classes):
        raise errors.DataError(
            f"{data}: expected the classes the run began with: "
            f"{', '.join(run.record['classes'])}. "
            f"Received: {', '.join(dataset.classes)}."
        )
    progress.say(f"run: {run.folder}")

    extractor = preparation.make_extractor(config, run)
    views, place = preparation.training_views(config), config.features.store
    prepared = preparation.prepare(dataset, views, extractor, place, progress)
    extracted = time.monotonic()

    validation = Validation(prepared, config)
    head = heads.build(
        extractor.backbone.channels,
        len(dataset.classes),
        config.head.hidden,
        config.head.dropout,
        config.head.normalise,
        config.seed,
    )
    windows = samples.collect(prepared, config, progress)
    recipe = fitting.recipe(config.training)
    head, state = fitting.fit(
        head, windows, validation, recipe, config.seed, run.checkpoints, progress
    )
    timings = {
        "features_s": round(extracted - started, 1),
        "head_s": round(time.monotonic() - extracted, 1),
    }
    _finish(run, config, prepared, state, validation.scored(head), timings)
    head.save(run.head_file)
    run.update(finished=True)
    shutil.rmtree(run.checkpoints)
    _say_result(run, progress)
    return run


class Validation:
    """Scores the validation split with a head, and chooses k."""

    def __init__(self, prepared: Prepared, config: Config):
        examples = prepared.readable(config.data.val)
        count = len(prepared.dataset.classes)
        self.targets = np.stack([e.targets(count) for e in examples])
        self._keys = [prepared.keys[e.path][augment.ORIGINAL] for e in examples]
        self._store = prepared.store
        chosen = config.scores.k
        self._ks = scores.K_CHOICES if chosen == "auto" else (chosen,)

    def scored(self, head) -> evaluation.Scored:
        """The split's image scores for every k in question."""
        return evaluation.score_split(
            head, self._store, self._keys, self.targets, self._ks
        )

    def __call__(self, head) -> dict:
        """Validation mAP (area) and the k that gives it."""
        k, area = self.scored(head).best()
        return {"map": area, "k": k}


def _finish(run, config, prepared: Prepared, state, scored, timings):
    """Write what the run found."""
    classes = prepared.dataset.classes
    k, _ = scored.best()
    at_k = scored.at(k)
    pairs = zip(at_k.T, scored.targets.T, strict=True)
    thresholds = [metrics.best_threshold(*pair) for pair in pairs]
    thresholds = np.nan_to_num(thresholds, nan=np.nanmean(thresholds)).tolist()
    table = metrics.table(at_k, scored.targets, classes)
    run.write_csv("history.csv", state.history)
    run.write_csv("split.csv", _split_rows(prepared, config))
    run.write_json(
        "metrics.json",
        {"split": config.data.val, "images": len(at_k), **table, "timings": timings},
    )
    run.update(
        k=k,
        thresholds=dict(zip(classes, thresholds, strict=True)),
        best_epoch=state.best_epoch,
        features=prepared.extractor.fingerprint,
        left_out=[*prepared.dataset.problems, *prepared.failures],
    )


def _split_rows(prepared: Prepared, config: Config) -> list[dict]:
    folder = prepared.dataset.folder
    return [
        {"split": split, "file": example.path.relative_to(folder).as_posix()}
        for split in dict.fromkeys((config.data.train, config.data.val))
        for example in prepared.readable(split)
    ]


def _say_result(run: runs.Run, progress: Progress):
    found = run.metrics
    best = found["mAP"]
    progress.say(
        f"validation mAP on {found['split']!r}: area {best['area']:.4f}, 11-point "
        f"{best['eleven_point']:.4f}, non-interpolated {best['non_interpolated']:.4f}"
    )
    progress.say(f"done: {run.folder}")
    progress.say(f"label photographs: midlevel predict FOLDER --model {run.folder}")
