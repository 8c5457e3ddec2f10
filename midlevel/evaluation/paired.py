"""Ways of doing the same, measured on the same photographs: each against the first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from midlevel.method import intervals, metrics

Pair = tuple[np.ndarray, np.ndarray]  # scores and targets, (photographs, classes) both


@dataclass(frozen=True)
class Row:
    """What a way reaches, in mAP.

    Attributes:
        values: one for each seed.
        interval: 95 %, over photographs drawn again, of the mean over seeds.
        differences: from the first way with the same seed.
        difference_interval: of their mean, both measured on the same resamples.
    """

    values: list[float]
    interval: intervals.Interval | None
    differences: list[float]
    difference_interval: intervals.Interval | None


def rows(ways: Iterable[Sequence[Pair]], form: str = "area") -> list[Row]:
    """A row for each way, compared with the first.

    Args:
        ways: of each a pair for each seed, all of the same photographs and classes, in
            the same order.
        form: of average precision, see `metrics.average_precision`.

    Raises:
        errors.MidlevelError: a score is not finite.
    """
    found: list[Row] = []
    first = np.array([])
    for pairs in ways:
        values = [metrics.mean_average_precision(*pair, form) for pair in pairs]
        # The mean over seeds on each resample
        drawn = np.mean([intervals.resampled(*pair, form) for pair in pairs], axis=0)
        if not found:
            first = drawn
        before = found[0].values if found else values
        row = Row(
            values,
            intervals.of(drawn),
            np.subtract(values, before).tolist(),
            intervals.of(drawn - first),
        )
        found.append(row)
    return found
