"""Named settings, each trained on the same tasks with the same seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import subsets

from compare import asked, tables, trials
from compare.tasks import TRAIN, VAL, Task, photographs
from compare.trials import Result
from midlevel import datasets
from midlevel.evaluation import comparing
from midlevel.settings import config
from midlevel.system.progress import Progress


@dataclass(frozen=True)
class Place:
    """Where results are kept, and what all of them have in common.

    Attributes:
        data: a folder laid out as PASCAL VOC.
        output: a folder.
        common: settings.
        seeds: 0, 1, ... so many.
        keep_runs: whether runs stay when they are scored.
        progress: where to say how it goes.
    """

    data: Path
    output: Path
    common: asked.Settings
    seeds: int
    keep_runs: bool
    progress: Progress

    def linked(self, name: str, seed: int, chosen: Mapping[str, list[Path]]) -> Path:
        """A VOC folder of the photographs that a task has with a seed."""
        folder = self.output / name / f"data-{seed}"
        subsets.link(self.data, folder, chosen)
        return folder

    def settings(
        self, named: asked.Settings, classes: Sequence[str], seed: int
    ) -> asked.Settings:
        """All settings of a run."""
        fixed = {"data.classes": list(classes), "report": False, "seed": seed}
        return {**asked.PROTOCOL, **self.common, **named, **fixed}

    def trained(
        self, task: str, name: str, seed: int, data: Path, settings: asked.Settings
    ) -> Result:
        """The result of a run, from the output folder if it is there."""
        self.progress.say(f"== {task}, {name}, seed {seed} ==")
        wanted = {**decisive(settings), "splits": listed(data)}
        run = self.output / task / name / f"run-{seed}"
        return trials.kept(
            self.output / task / name / f"{seed}.npz",
            wanted,
            lambda: trials.train_and_score(
                data, settings, run, self.keep_runs, self.progress
            ),
        )


def decisive(settings: asked.Settings) -> asked.Settings:
    """All that decide what is learned, the defaults too, which may change.

    >>> found = decisive({"training.epochs": 3})
    >>> found["training.epochs"], found["training.optimizer"], "report" in found
    (3, 'adam', False)
    """
    asked_for = config.load(None, settings)
    training = asked_for.training.resolved()
    resolved = config.flat(asked_for.model_copy(update={"training": training}))
    return {
        key: value
        for key, value in resolved.items()
        if key not in comparing.INDIFFERENT
    }


def listed(data: Path) -> dict[str, list[str]]:
    """The photographs of a linked folder."""
    lists = data / "ImageSets" / "Main"
    return {
        split: (lists / f"{split}.txt").read_text(encoding="utf-8").split()
        for split in (TRAIN, VAL)
    }


def compare(
    place: Place, tasks: Mapping[str, Task], named: Mapping[str, asked.Settings]
) -> dict[str, Any]:
    """For each task how many photographs it has, and `tables.rows`."""
    dataset = datasets.read(place.data)
    # What cannot be drawn is said before any work.
    drawn = {
        name: [photographs(task, dataset, seed) for seed in range(place.seeds)]
        for name, task in tasks.items()
    }
    found = {}
    for task, by_seed in drawn.items():
        results: dict[str, list[Result]] = {name: [] for name in named}
        for seed, chosen in enumerate(by_seed):
            data = place.linked(task, seed, chosen)
            for name, own in named.items():
                full = place.settings(own, tasks[task].classes, seed)
                results[name].append(place.trained(task, name, seed, data, full))
        counts = {split: len(paths) for split, paths in by_seed[0].items()}
        found[task] = {"photographs": counts, "rows": tables.rows(results)}
    return found
