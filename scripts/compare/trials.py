"""One way of learning, once: trained, measured, and kept, so that it is done once."""

import functools
import json
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import midlevel
from compare.tasks import VAL
from midlevel import errors, runs
from midlevel.evaluation import evaluate
from midlevel.features.preparation import Prepared
from midlevel.images.augment import ORIGINAL
from midlevel.prediction.model import Model
from midlevel.system import files
from midlevel.system.progress import Progress


@dataclass(frozen=True)
class Result:
    """What a way of learning says of the photographs that it is measured on.

    Attributes:
        scores: float64 `(photographs, classes)`, the higher, the surer.
        targets: int8 `(photographs, classes)` of 1, 0, -1.
        classes: names.
        photographs: ids.
        facts: what else is to be known, ready for JSON: `seconds` of the whole training
            and `learning_s` without features, None where it was interrupted.
    """

    scores: np.ndarray
    targets: np.ndarray
    classes: list[str]
    photographs: list[str]
    facts: dict[str, Any]


def kept(file: Path, asked: dict[str, Any], make: Callable[[], Result]) -> Result:
    """The result in `file`, or what `make` gives, which is then kept there.

    Args:
        asked: what decides the result, ready for JSON.

    Raises:
        errors.MidlevelError: the file is a result of something else.
    """
    if file.exists():
        return _read(file, asked)
    found = make()
    about = {
        "asked": asked,
        "classes": found.classes,
        "photographs": found.photographs,
        "facts": {"code": code(), **found.facts},
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    with files.whole(file) as waiting:
        np.savez(
            waiting,
            scores=found.scores,
            targets=found.targets,
            about=np.array(json.dumps(about)),
        )
    return _read(file, asked)


def _read(file: Path, asked: dict[str, Any]) -> Result:
    try:
        with np.load(file, allow_pickle=False) as found:
            scores, targets = found["scores"], found["targets"]
            about = json.loads(str(found["about"]))
    except (OSError, ValueError, KeyError) as error:
        raise errors.MidlevelError(
            f"{file}: is no result: {error}. Delete it; it is made again."
        ) from error
    now = json.loads(json.dumps(asked))
    if differing := sorted(
        key
        for key in {*now, *about["asked"]}
        if now.get(key) != about["asked"].get(key)
    ):
        raise errors.MidlevelError(
            f"{file}: was made with other {', '.join(differing)}. Name these settings "
            "differently, write to another --output, or delete it."
        )
    return Result(
        scores, targets, about["classes"], about["photographs"], about["facts"]
    )


@functools.cache
def code() -> str:
    """The commit of midlevel's source, and whether it is changed; its version else."""
    folder = Path(__file__).parent
    try:
        asked = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
        done = subprocess.run(asked, cwd=folder, capture_output=True, text=True)
    except OSError:
        return midlevel.__version__
    return done.stdout.strip() or midlevel.__version__


def train_and_score(
    data: Path,
    settings: dict[str, Any],
    folder: Path,
    keep: bool,
    progress: Progress,
    more: Callable[[Model], dict[str, Any]] = lambda model: {},
) -> Result:
    """Train as `midlevel train` does, and score the split to measure on.

    Args:
        folder: of the run; an interrupted one is gone on with.
        keep: whether the run stays when it is scored.
        more: other facts to measure.
    """
    is_new = not runs.Run(folder).has_begun
    begun = time.perf_counter()
    run = midlevel.train(data, settings=settings, run=folder, progress=progress)
    seconds = time.perf_counter() - begun
    learning_s = seconds - run.metrics["timings"].get("features_s", 0)
    model = midlevel.load(run)
    prepared = evaluate.prepare(model, {VAL: [ORIGINAL]}, progress)
    scores, targets = evaluate.score(model, prepared, VAL)
    facts = {
        "seconds": round(seconds, 1) if is_new else None,
        "learning_s": round(learning_s, 1) if is_new else None,
        "settings": settings,
        "epoch": run.record["best_epoch"],
        "aggregation": run.record["aggregation"],
        **more(model),
    }
    if not keep:
        shutil.rmtree(run.folder)
    return Result(scores, targets, list(model.classes), ids(prepared), facts)


def ids(prepared: Prepared) -> list[str]:
    """Of the photographs that are measured on."""
    return [example.path.stem for example in prepared.readable(VAL)]
