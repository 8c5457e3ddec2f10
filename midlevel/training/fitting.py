"""Fit a head on window features: epochs, early stopping, a state to go on from.

After every epoch the folder holds all that is needed to go on as if nothing had
happened: `state.json`, and the heads it names with their optimizer.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from midlevel import errors
from midlevel.networks import heads
from midlevel.settings.config import Training
from midlevel.system import files, runtime
from midlevel.system.progress import Progress
from midlevel.training.batches import WindowSet

MIN_GAIN = 1e-4  # a validation mAP that rises by less does not count as better


MOMENTUM, WEIGHT_DECAY = 0.9, 5e-4
PLATEAU = 0.01  # training loss that falls by less than 1 % in an epoch is stable
SGD_DROPS = 3  # 1e-2, 1e-3, 1e-4: "stop training after three iterations" (3.2)


@dataclass
class State:
    """Where fitting stands after an epoch."""

    epoch: int = 0
    best_mAP: float = -1.0
    best_epoch: int = 0
    drops: int = 0
    finished: bool = False
    history: list[dict] = field(default_factory=list)


def compile_head(head, settings: Training):
    """Give a new head its loss and optimizer."""
    keras = runtime.load_keras()
    if settings.optimizer == "sgd":
        # Krizhevsky's decay goes through the momentum, Keras' does not. Biases decay
        # here too: Keras does not save which weights were spared.
        decay = WEIGHT_DECAY / (1 - MOMENTUM)
        optimizer = keras.optimizers.SGD(
            settings.learning_rate, momentum=MOMENTUM, weight_decay=decay
        )
    else:
        optimizer = keras.optimizers.Adam(settings.learning_rate)
    head.compile(optimizer, "sparse_categorical_crossentropy", jit_compile=False)


def fit(
    head,
    windows: WindowSet,
    validate: Callable,
    settings: Training,
    seed: int,
    folder: Path,
    progress: Progress,
):
    """Fit `head`; returns the best head by validation mAP, and the final `State`.

    Goes on from `folder` if an earlier call left a state there. On CPU the same seed
    gives the same weights twice, interrupted or not.

    Args:
        settings: `resolved`.
        validate: takes what `heads.score` does, gives `{"mAP": ..., "k": ...}`.
        folder: for the state.
    """
    state = read_state(folder)
    if state.epoch:
        head = _load_head(folder, state.epoch)
    else:
        compile_head(head, settings)
    scorer = heads.in_training(head)
    while not state.finished:
        number = state.epoch + 1
        with progress.task(f"epoch {number}", len(windows)) as advance:
            loss = _epoch(head, windows, settings.batch, (seed, number), advance)
        row = {"epoch": number, "loss": loss, **validate(scorer)}
        row["learning_rate"] = float(head.optimizer.learning_rate)
        _advance(state, row, head, settings)
        _save(state, head, folder)
        progress.say(
            f"epoch {number}: loss {loss:.4f}, validation mAP {row['mAP']:.4f} "
            f"with k = {row['k']:g}"
        )
    return _load_head(folder, state.best_epoch, compile=False), state


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


def _load_head(folder: Path, epoch: int, compile: bool = True):
    keras, path = runtime.load_keras(), checkpoint(folder, epoch)
    try:
        heads.check_parts(path)
        return keras.saving.load_model(path, compile=compile)
    except heads.UNREADABLE as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> errors.MidlevelError:
    return errors.MidlevelError(
        f"{path}: is damaged: {str(error)[:200]}. Delete {path.parent} to fit from the "
        "start; the features stay."
    )


def checkpoint(folder: Path, epoch: int) -> Path:
    """Where the head of an epoch is; the best and the last are kept."""
    return folder / f"epoch-{epoch:03d}.keras"


def _epoch(head, windows, batch, seed, advance) -> float:
    """One pass over all windows in an order of its own; returns the mean loss."""
    rng = np.random.default_rng(seed)
    _seed_dropout(head, rng)
    total = 0.0
    for some in windows.batches(rng, batch):
        head.reset_metrics()  # else an older Keras gives a running mean
        loss = head.train_on_batch(some.features, some.ids, some.weights)
        total += float(loss) * len(some.ids)
        advance(len(some.ids))
    return total / len(windows)


def _seed_dropout(head, rng):
    """Begin an epoch's dropout anew: Keras does not save where it stood."""
    keras = runtime.load_keras()
    for layer in head.layers:
        if isinstance(layer, keras.layers.Dropout) and layer.rate > 0:
            layer.seed_generator.state.assign(rng.integers(0, 2**31, 2))


def _advance(state: State, row: dict, head, settings: Training):
    """Take an epoch's results in; lower the learning rate, decide whether to stop."""
    before = state.history[-1]["loss"] if state.history else float("inf")
    state.history.append(row)
    state.epoch = row["epoch"]
    if row["mAP"] > state.best_mAP + MIN_GAIN:
        state.best_mAP, state.best_epoch = row["mAP"], state.epoch
    if settings.optimizer == "sgd" and row["loss"] > before * (1 - PLATEAU):
        state.drops += 1
        head.optimizer.learning_rate = head.optimizer.learning_rate / 10
    stale = state.epoch - state.best_epoch >= settings.patience
    stable = state.drops >= SGD_DROPS if settings.optimizer == "sgd" else stale
    state.finished = stable or state.epoch >= settings.epochs


def _save(state: State, head, folder: Path):
    """The head first, then the state that names it, then what nobody needs goes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = checkpoint(folder, state.epoch)
    with files.whole(path) as waiting:
        head.save(waiting)
    files.write_text(folder / "state.json", json.dumps(asdict(state), indent=1))
    for old in folder.glob("epoch-*.keras"):
        if old not in (path, checkpoint(folder, state.best_epoch)):
            old.unlink()
