"""What windows and the whole photograph each add to a probability, in log-odds."""

from collections.abc import Iterable
from dataclasses import dataclass

from midlevel.prediction.model import Model
from midlevel.prediction.window_scores import WindowScores


@dataclass(frozen=True)
class Parts:
    """The parts of a class's log-odds, whose sum gives its probability.

    Attributes:
        windows: what the windows add.
        whole: what the whole photograph adds.
        start: what is there before both: the calibration's intercept.
    """

    windows: float
    whole: float
    start: float


def of_class(model: Model, found: WindowScores, name: str) -> Parts | None:
    """The parts of one class; None where the run has no whole model."""
    if found.whole is None:
        return None
    i = model.classes.index(name)
    image_scores = model.aggregation(found.scores[:, 1:])
    windows, whole = model.calibration.parts(image_scores, found.whole)
    return Parts(
        float(windows[i]), float(whole[i]), float(model.calibration.intercepts[i])
    )


def reach(several: Iterable[Parts | None]) -> float:
    """The farthest from zero that a part of any reaches: half of a bar's width."""
    known = [part for part in several if part]
    far = [abs(v) for p in known for v in (p.windows, p.whole, p.start)]
    return max(far, default=1.0) or 1.0
