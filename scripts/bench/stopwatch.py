"""Which part of the work takes how long, in midlevel's own code as it stands."""

import contextlib
import time
from collections import defaultdict
from unittest import mock

from midlevel.images import decoding, pixels
from midlevel.method import pooling, whole
from midlevel.method.aggregation import Aggregation
from midlevel.prediction import records

PARTS = {  # what midlevel calls by these names belongs to the stage
    "decode": ((pixels, "read_bytes"), (decoding, "decode")),
    "levels": ((pixels, "levels"),),
    "cuts": ((pixels, "cut"),),
    "pooling": ((pooling, "pool"), (whole, "of_maps")),
    "record": ((records, "of_image"), (Aggregation, "__call__")),
}
NETWORKS = ("backbone", "head", "crops")  # stages that are calls of a network
STAGES = (*PARTS, *NETWORKS, "other")


class Stopwatch:
    """Adds up the seconds of each stage of one thread.

    A stage within another, such as the image scores in a record, counts as the outer.
    """

    def __init__(self):
        self.seconds = defaultdict(float)
        self._inside = False

    def of(self, stage: str, call):
        """`call`, its seconds counted as those of `stage`."""

        def timed(*arguments, **named):
            if self._inside:
                return call(*arguments, **named)
            self._inside, begun = True, time.perf_counter()
            try:
                return call(*arguments, **named)
            finally:
                self.seconds[stage] += time.perf_counter() - begun
                self._inside = False

        return timed

    @contextlib.contextmanager
    def watching(self):
        """While this lasts, midlevel's own functions are timed; counts from zero."""
        self.seconds.clear()
        with contextlib.ExitStack() as patches:
            for stage, places in PARTS.items():
                for module, name in places:
                    timed = self.of(stage, getattr(module, name))
                    patches.enter_context(mock.patch.object(module, name, timed))
            begun = time.perf_counter()
            yield self
            whole = time.perf_counter() - begun
        self.seconds["other"] = whole - sum(self.seconds.values())

    @property
    def network(self) -> float:
        """Seconds in calls of a network."""
        return sum(self.seconds[stage] for stage in NETWORKS)

    @property
    def whole(self) -> float:
        """Seconds that `watching` lasted."""
        return sum(self.seconds.values())
