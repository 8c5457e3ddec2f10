"""How many photographs a second runs label, from file to record, on this machine."""

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from midlevel.prediction.model import Model
from midlevel.system.progress import Progress

COUNT = 24  # photographs of a turn
TURNS = 3  # of each model; what else the machine does meets all of them alike


def measure(
    models: Sequence[Model], paths: Sequence[Path], progress: Progress
) -> list[float]:
    """Photographs a second of each model, the median of its turns.

    All take the same photographs, one model after another, turn by turn; a first turn,
    in which networks are compiled and files come into memory, is not counted.
    """
    taken = paths[:COUNT]
    seconds: list[list[float]] = [[] for _ in models]
    with progress.task("timing", (TURNS + 1) * len(models)) as advance:
        for turn in range(TURNS + 1):
            for model, of_model in zip(models, seconds, strict=True):
                begun = time.perf_counter()
                for _ in model.stream(taken):
                    pass
                if turn:
                    of_model.append(time.perf_counter() - begun)
                advance()
    return [len(taken) / median(of_model) for of_model in seconds]
