"""Where a value is on a bar of a page."""

from collections.abc import Sequence
from dataclasses import dataclass

MARGIN = 0.1  # of what a scale shows, free at both of its ends


@dataclass(frozen=True)
class Scale:
    """From a share to a place on a bar, in percent of its width."""

    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Scale":
        """One on which all values have their place.

        >>> Scale.of([0.5, 0.7]).at(0.6)
        50.0
        """
        low, high = min(values), max(values)
        margin = MARGIN * (high - low) or MARGIN
        return cls(low - margin, high + margin)

    def at(self, value: float) -> float:
        """Where a value is, from 0 to 100."""
        return round(100 * (value - self.low) / (self.high - self.low), 2)
