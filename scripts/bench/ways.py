"""Ways from photographs to their scores: what is compared."""

import fnmatch
from dataclasses import dataclass

from midlevel import errors
from midlevel.networks.engines import gpu, precisions

PYRAMIDS = ("paper", "octaves", "single")
NO_BF16 = "this CPU has no instructions for bf16"


@dataclass(frozen=True)
class Way:
    """A way from photographs to their scores.

    Attributes:
        method: `naive`, `crops` or `maps`; the first two cut every window out.
        engine: `keras`, `tensorflow` or `openvino`.
        device: `CPU` or `GPU`.
    """

    method: str
    pyramid: str
    engine: str
    precision: str = "f32"
    device: str = "CPU"

    @property
    def name(self) -> str:
        """What users type and read.

        >>> Way("maps", "single", "openvino", "bf16").name
        'single-openvino-bf16'
        """
        if self.method != "maps":
            return self.method
        return f"{self.pyramid}-{self.engine}-{self.precision}"

    @property
    def measured_as(self) -> str:
        """The way of compare_paths.py with the same features.

        >>> Way("naive", "paper", "keras").measured_as
        'paper-crops'
        """
        if self.method != "maps":
            return f"{self.pyramid}-crops"
        exact = self.precision == "f32"
        return self.pyramid if exact else f"{self.pyramid}-{self.precision}"


def at_hand() -> tuple[list[Way], dict[str, str]]:
    """The ways this machine has, the slow ones first; and why others are left out."""
    device = "GPU" if gpu.usable() else "CPU"
    crops = [
        Way("naive", "paper", "keras", device=device),
        Way("crops", "paper", "tensorflow", device=device),
    ]
    parts = [
        (engine, precision, on)
        for engine, on in (("tensorflow", device), ("openvino", "CPU"))
        for precision in precisions.precisions(engine, on)
    ]
    has_bf16 = ("openvino", "bf16", "CPU") in parts
    left_out = {} if has_bf16 else {"*-openvino-bf16": NO_BF16}
    maps = [Way("maps", pyramid, *part) for pyramid in PYRAMIDS for part in parts]
    return crops + maps, left_out


def chosen(known: list[Way], patterns: str) -> list[Way]:
    """The ways whose names match one of `patterns`, such as `naive,single-*`.

    Raises:
        errors.MidlevelError: a pattern matches none.
    """
    wanted = [pattern.strip() for pattern in patterns.split(",")]
    names = [way.name for way in known]
    for pattern in wanted:
        if not fnmatch.filter(names, pattern):
            raise errors.MidlevelError(
                f"--rows: no row is called {pattern}. Expected some of: "
                f"{', '.join(names)}; * stands for anything."
            )
    return [w for w in known if any(fnmatch.fnmatch(w.name, p) for p in wanted)]
