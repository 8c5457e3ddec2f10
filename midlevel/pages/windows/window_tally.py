"""The windows of many photographs, judged and counted as they come."""

import functools
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from midlevel.datasets import Dataset, Example, label_levels, mending, summary
from midlevel.features import batch, store
from midlevel.features.batch import Failure
from midlevel.images import pixels
from midlevel.images.augment import ORIGINAL
from midlevel.method import labels, windows
from midlevel.pages.windows import window_counts
from midlevel.settings.config import Config
from midlevel.settings.geometry import geometry_of
from midlevel.system import machine, threads
from midlevel.system.progress import Progress


@dataclass(frozen=True)
class Sampled:
    """A photograph and what its windows teach.

    Attributes:
        example: with boxes in pixels of the photograph.
        plan: its windows.
        judged: what they teach.
        numbers: int `(n,)`, the size of each, see `window_counts.size_names`.
    """

    example: Example
    plan: windows.Plan
    judged: labels.Judged
    numbers: np.ndarray


class Tally:
    """Counts over photographs, as they come.

    Attributes:
        sizes: names of the window sizes.
        columns: class names, then reasons to learn no class.
        counts: int `(sizes, columns)`, windows.
        boxes: of each class, how many boxes teach and how many do not, by reason.
        photographs: how many were counted.
    """

    def __init__(self, dataset: Dataset, config: Config):
        self.dataset, self.config = dataset, config
        self.geometry = geometry_of(config)
        self.sizes = window_counts.size_names(self.geometry)
        self.columns = window_counts.columns(dataset.classes)
        self.counts = np.zeros((len(self.sizes), len(self.columns)), int)
        self.boxes: dict[str, Counter[str]] = {n: Counter() for n in dataset.classes}
        self.photographs = 0

    def take(
        self, examples: list[Example], keep: set[int], progress: Progress
    ) -> list[Sampled]:
        """Count photographs; those whose numbers are in `keep` are given back."""
        kept: list[Sampled] = []
        lines: list[str] = []
        work = functools.partial(sample, config=self.config, geometry=self.geometry)
        with progress.task("windows", len(examples)) as advance:
            found = threads.in_order(examples, work, machine.cores())
            for number, (sampled, said) in enumerate(found):
                advance()
                lines += said
                if sampled:
                    self._add(sampled)
                    kept += [sampled] if number in keep else []
        summary.say_problems(lines, progress)
        return kept

    def count(self, sampled: Sampled) -> np.ndarray:
        """Windows of one photograph, int `(sizes, columns)`."""
        return window_counts.count(
            sampled.judged, sampled.numbers, len(self.sizes), self.dataset.classes
        )

    def taught(self, sampled: Sampled) -> list[window_counts.Taught]:
        """What each box of a photograph teaches."""
        boxes, config = sampled.plan.boxes, self.config
        return window_counts.of_boxes(boxes, sampled.example, sampled.judged, config)

    def _add(self, sampled: Sampled) -> None:
        self.photographs += 1
        self.counts += self.count(sampled)
        for number, taught in zip(
            sampled.example.classes, self.taught(sampled), strict=True
        ):
            name = self.dataset.classes[number - 1]
            self.boxes[name][window_counts.kind(taught, self.config)] += 1


def sample(
    example: Example, config: Config, geometry: windows.Geometry
) -> tuple[Sampled | None, list[str]]:
    """A photograph judged, or None; and lines on what is wrong with it."""
    file = batch.opened(example.path)
    if isinstance(file, Failure):
        return None, [summary.left_out(file.reason)]
    photograph = batch.read(file, _smallest)
    if isinstance(photograph, Failure):
        return None, [summary.left_out(photograph.reason)]
    fitted, problems = mending.fit_or_leave_out(example, photograph.size_wh)
    if fitted is None:
        return None, list(map(str, problems))
    plan = windows.plan(photograph.size_wh, geometry)
    key = store.content_key(file.data, ORIGINAL)
    if config.labels.level == label_levels.IMAGE:
        judged = labels.judge_alone(len(plan))
    else:
        rules = config.labels.rules()
        judged = labels.judge(plan.boxes, fitted, rules, config.seed, key)
    numbers = window_counts.size_numbers(plan, geometry)
    return Sampled(fitted, plan, judged, numbers), list(map(str, problems))


def _smallest(data: bytes, name: str | Path) -> pixels.Photograph:
    """A photograph as small as it is cheaply decoded: its size is all that counts."""
    return pixels.of_bytes(data, name, lambda _: (1, 1))
