"""Fitting: epochs, early stopping or a schedule, a state to go on from.

What is learned from, how a step learns, and what is validated are arguments; other
losses, quotas and rates need no other loop. From time to time, and in the end, the
folder is given all that is needed to go on as if nothing had happened: `state.json`,
and the models it names with their optimizer.
"""

import json
import math
import time
from collections.abc import Callable, Sized
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np

from midlevel import errors
from midlevel.networks import heads
from midlevel.system import files
from midlevel.system.keras_defaults import keras_defaults
from midlevel.system.progress import Progress
from midlevel.training.batches import Batches
from midlevel.training.steps import Step

if TYPE_CHECKING:
    import keras

MIN_GAIN = 1e-4  # a validation mAP that rises by less does not count as better
PLATEAU = 0.01  # training loss that falls by less than 1 % in an epoch is stable
SGD_DROPS = 3  # 1e-2, 1e-3, 1e-4: "stop training after three iterations" (3.2)

SAVED_EVERY = 10.0  # seconds at least between two saves where only the last counts

B = TypeVar("B", bound=Sized)  # a batch
T = TypeVar("T")
Validate = Callable[[heads.Scorer], dict]


@dataclass(frozen=True)
class Schedule:
    """How long fitting goes on.

    Attributes:
        epochs: at most.
        batch: what a step takes.
        patience: epochs without a gain after which it stops, and the best model is
            kept; None: validation is watched alone, and the last model is kept.
        drops: whether the learning rate falls when the loss is stable, and fitting
            stops after `SGD_DROPS` of that, whatever the patience.
        title: what an epoch is called.
        section: of the settings, that has its learning rate.
    """

    epochs: int
    batch: int
    patience: int | None = None
    drops: bool = False
    title: str = "epoch"
    section: str = "training"

    def steps(self, count: int) -> int:
        """How many steps all epochs have, of `count` photographs or windows."""
        return self.epochs * math.ceil(count / self.batch)


@dataclass
class State:
    """Where fitting stands after an epoch."""

    epoch: int = 0
    best_mAP: float = -1.0
    best_epoch: int = 0
    drops: int = 0
    finished: bool = False
    history: list[dict] = field(default_factory=list)


@keras_defaults()
def fit(
    step: Step[B],
    batches: Batches[B],
    validate: Validate | None,
    schedule: Schedule,
    seed: int,
    folder: Path,
    progress: Progress,
) -> tuple["keras.Model", State]:
    """Fit a step's model; returns the best one, or the last, and the final state.

    The best is the one of the highest validation mAP.

    Goes on from `folder` if an earlier call left a state there. On CPU the same seed
    gives the same weights twice, interrupted or not.

    Args:
        validate: takes the step's scorer, gives `{"mAP": ...}`, and what else is to be
            written down; None where the schedule has no patience, and nobody watches.
        folder: for the state.

    Raises:
        errors.MidlevelError: the state is damaged, or the loss is no longer finite.
    """
    state = read_state(folder)
    if state.epoch:
        _read(step.load, checkpoint(folder, state.epoch))
    else:
        step.begin()
    scorer = step.scorer()
    saved = time.monotonic()
    while not state.finished:
        number = state.epoch + 1
        with progress.task(f"{schedule.title} {number}", len(batches)) as advance:
            rng = np.random.default_rng((seed, number))
            loss = _epoch(step, batches, schedule.batch, rng, advance)
        if not math.isfinite(loss):
            raise _lost(loss, number, step.rate, schedule.section)
        found = validate(scorer) if validate else {}
        row = {"epoch": number, "loss": loss, **found, "learning_rate": step.rate}
        _advance(state, row, step, schedule)
        # A save takes as long as an epoch of few photographs.
        is_due = time.monotonic() - saved > SAVED_EVERY
        if state.finished or is_due or schedule.patience is not None:
            _save(state, step, folder)
            saved = time.monotonic()
        tell = progress.say if state.finished else progress.meanwhile
        tell(f"{schedule.title} {number}: {_said(row)}")
    return _read(step.trained, checkpoint(folder, state.best_epoch)), state


def _said(row: dict) -> str:
    """An epoch's results, for a person."""
    if "mAP" not in row:
        return f"loss {row['loss']:.4f}"
    with_k = f" with k = {row['k']:g}" if "k" in row else ""
    return f"loss {row['loss']:.4f}, validation mAP {row['mAP']:.4f}{with_k}"


def read_state(folder: Path) -> State:
    """The state that an earlier `fit` left in `folder`, or a new one.

    Raises:
        errors.MidlevelError: it is damaged.
    """
    path = folder / "state.json"
    if not path.exists():
        return State()
    try:
        return State(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise _damaged(path, error) from error


def checkpoint(folder: Path, epoch: int) -> Path:
    """Where the model of an epoch is; the best and the last are kept."""
    return folder / f"epoch-{epoch:03d}.keras"


def _read(load: Callable[[Path], T], path: Path) -> T:
    try:
        return load(path)
    except heads.UNREADABLE as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> errors.MidlevelError:
    return errors.MidlevelError(
        f"{path}: is damaged: {str(error)[:200]}. Delete {path.parent} to fit from the "
        "start; the features stay."
    )


def _lost(loss: float, epoch: int, rate: float, section: str) -> errors.MidlevelError:
    return errors.MidlevelError(
        f"Epoch {epoch}: expected a loss that is a finite number. Received: {loss}, "
        f"with a learning rate of {rate:g}. Lower {section}.learning_rate and train a "
        "new run; this one stays unfinished."
    )


def _epoch(
    step: Step[B],
    batches: Batches[B],
    size: int,
    rng: np.random.Generator,
    advance: Callable[[int], None],
) -> float:
    """One pass over all batches; the mean loss, nan or infinite as soon as it is so."""
    step.begin_epoch(rng)
    total = 0.0
    for some in batches.batches(rng, size):
        total += step.learn(some) * len(some)
        if not math.isfinite(total):
            return total
        advance(len(some))
    return total / len(batches)


def _advance(state: State, row: dict, step: Step[B], schedule: Schedule) -> None:
    """Take an epoch's results in; lower the learning rate, decide whether to stop."""
    before = state.history[-1]["loss"] if state.history else float("inf")
    state.history.append(row)
    state.epoch = row["epoch"]
    chooses = schedule.patience is not None
    if not chooses or row["mAP"] > state.best_mAP + MIN_GAIN:
        state.best_mAP = row.get("mAP", state.best_mAP)
        state.best_epoch = state.epoch
    if schedule.drops and row["loss"] > before * (1 - PLATEAU):
        state.drops += 1
        step.lower_rate()
    stale = chooses and state.epoch - state.best_epoch >= cast(int, schedule.patience)
    is_over = state.drops >= SGD_DROPS if schedule.drops else stale
    state.finished = is_over or state.epoch >= schedule.epochs


def _save(state: State, step: Step[B], folder: Path) -> None:
    """The model first, then the state that names it, then what nobody needs goes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = checkpoint(folder, state.epoch)
    step.save(path)
    files.write_text(folder / "state.json", json.dumps(asdict(state), indent=1))
    for old in folder.glob("epoch-*.keras"):
        if old not in (path, checkpoint(folder, state.best_epoch)):
            old.unlink()
