"""The tasks of an earlier run, onto which a new one is learned.

All that is needed of that run is copied when the new run begins, so that it may go.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from midlevel import errors
from midlevel.evaluation import overlap
from midlevel.method.calibration import Calibration
from midlevel.method.whole import WholeModel
from midlevel.networks import growing, heads, tasks
from midlevel.prediction import facts
from midlevel.prediction.facts import Facts
from midlevel.runs import Run, whole_model_file
from midlevel.runs.run import EARLIER
from midlevel.settings.config import Config
from midlevel.system import files

if TYPE_CHECKING:
    import keras

FOLDER = "earlier"  # among a run's checkpoints
TASK_FILES = ("head.keras", "whole.npz", "config.yaml", "run.json")  # the last one last
NETWORK_FILES = ("backbone.bin", "backbone.weights.h5", "backbone.xml")


@dataclass(frozen=True)
class Earlier:
    """The tasks of an earlier run.

    Attributes:
        run: the copied files, of which `checkpoints/earlier` is made.
        facts: what its `run.json` says of the model.
        count: how many tasks there are.
    """

    run: Run
    facts: Facts
    count: int

    def new_head(self, classes: int, config: Config, background: bool) -> "keras.Model":
        """A head for a new task, whose new layers alone learn."""
        return self._grown(self._frozen(), classes, config, background)

    def joined(self, fitted: "keras.Model", config: Config) -> "keras.Model":
        """The head of all tasks, of which `new_head` and fitting made the newest."""
        old, background = self._frozen(), heads.has_background(fitted)
        classes = fitted.output_shape[-1] - 1
        new = self._grown(old, classes, config, background)
        for layer in new.layers:
            layer.set_weights(fitted.get_layer(layer.name).get_weights())
        return tasks.joined([old, new])

    def head(self) -> "keras.Model":
        """The head of the earlier tasks, as it was."""
        return heads.load(self.run.head_file)

    def calibration(self, new: Calibration) -> Calibration:
        """That of the earlier classes, as it was, and the new ones'."""
        old = self.facts.calibrated
        whole_slopes = (*old.whole_slopes, *new.whole_slopes)
        if whole_slopes:  # a task without a whole model has slopes of nought
            whole_slopes = (*_or_noughts(old), *_or_noughts(new))
        return Calibration(
            (*old.slopes, *new.slopes), (*old.intercepts, *new.intercepts), whole_slopes
        )

    def whole(
        self, new: WholeModel | None, shape: tuple[int, int]
    ) -> WholeModel | None:
        """The whole model of all classes; None where no task has one.

        Args:
            shape: of the new task's weights, `(levels * channels, classes)`.
        """
        has_old, count = self.facts.calibration.whole_slopes, len(self.facts.classes)
        of_old = (shape[0], count)
        if not has_old and new is None:
            return None
        parts = [
            whole_model_file.read(self.run.whole_file, of_old)
            if has_old
            else _says_nothing(of_old),
            new or _says_nothing(shape),
        ]
        return WholeModel(
            np.concatenate([part.weights for part in parts], axis=1),
            np.concatenate([part.intercepts for part in parts]),
        )

    def _frozen(self) -> "keras.Model":
        head = self.head()
        for layer in head.layers:
            layer.trainable = False
        return head

    def _grown(
        self, old: "keras.Model", classes: int, config: Config, background: bool
    ) -> "keras.Model":
        """A head that shares the layers of the newest of the old tasks."""
        return growing.grow(
            tasks.parts(old)[-1],
            classes,
            config.growth.new_units,
            config.seed,
            background,
            suffix=str(self.count + 1),
        )


def _or_noughts(fitted: Calibration) -> Sequence[float]:
    return fitted.whole_slopes or (0.0,) * len(fitted.slopes)


def _says_nothing(shape: tuple[int, int]) -> WholeModel:
    return WholeModel(np.zeros(shape, np.float32), np.zeros(shape[1], np.float32))


def tasks_of(run: Run) -> list[dict[str, Any]]:
    """What `run.json` says of each task of a run; of one task it has no list."""
    record = run.record
    if found := record.get("tasks"):
        return list(found)
    return [
        {
            "classes": record["classes"],
            "run": str(run.folder.resolve()),
            "data": record["data"],
            "level": run.config.labels.level,
        }
    ]


def before(run: Run, source: Run | None) -> list[dict[str, Any]]:
    """The tasks that were learned before the one that `run` learns.

    Args:
        source: the run to learn onto, where `run` has not begun.
    """
    if run.has_begun:
        return list(run.record.get("tasks", [])[:-1])
    return tasks_of(source) if source else []


def kept_in(run: Run) -> Earlier | None:
    """What a run that has begun keeps of an earlier one; None if it learns from none.

    Raises:
        errors.MidlevelError: files of the earlier run cannot be copied or read.
    """
    if not (earlier_tasks := before(run, None)):
        return None
    folder, source = run.checkpoints / FOLDER, Run(run.record["from"])
    if not (folder / TASK_FILES[-1]).exists():
        folder.mkdir(parents=True, exist_ok=True)
        _check_there(source, run)
        rows = [{"file": str(path.resolve())} for path in overlap.photographs(source)]
        run.write_csv(EARLIER, rows)
        _copy(source, run.folder, NETWORK_FILES)
        _copy(source, folder, TASK_FILES)
    copied = Run(folder)
    said = facts.read(copied, copied.record)
    return Earlier(copied, said, len(earlier_tasks))


def _check_there(source: Run, run: Run) -> None:
    if not source.head_file.exists():
        raise errors.MidlevelError(
            f"{source.head_file}: is missing, and {run.folder} was to be learned onto "
            "it. Restore that run, or train a new one."
        )


def _copy(source: Run, folder: Path, names: Sequence[str]) -> None:
    for name in names:
        if (source.folder / name).exists():
            with files.whole(folder / name) as waiting:
                shutil.copyfile(source.folder / name, waiting)
