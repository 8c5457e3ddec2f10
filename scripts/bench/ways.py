"""Ways from photographs to their scores: what is compared."""

import fnmatch
from dataclasses import dataclass

from midlevel import engines, errors
from midlevel.engines import gpu

PYRAMIDS = ("paper", "octaves", "single")
EMULATED = "bf16 is emulated: this CPU has no instructions for it"


@dataclass(frozen=True)
class Way:
    """A way from photographs to their scores.

    Attributes:
        method: `naive`, `crops` or `maps`; the first two cut every window out.
        engine: `keras`, `tensorflow` or `openvino`.
        device: `CPU` or `GPU`.
        note: what a reader must know.
    """

    method: str
    pyramid: str
    engine: str
    precision: str = "f32"
    device: str = "CPU"
    note: str = ""

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


def at_hand(emulated: bool = False) -> tuple[list[Way], dict[str, str]]:
    """The ways this machine has, the slow ones first; and why others are left out.

    Args:
        emulated: take bf16 also where the CPU has no instructions for it.
    """
    device = "GPU" if gpu.usable() else "CPU"
    crops = [
        Way("naive", "paper", "keras", device=device),
        Way("crops", "paper", "tensorflow", device=device),
    ]
    exact = engines.PRECISIONS if device == "GPU" else ("f32",)
    parts = [("tensorflow", precision, device, "") for precision in exact]
    left_out, note = {}, "" if has_bf16() else EMULATED
    parts.append(("openvino", "f32", "CPU", ""))
    if emulated or not note:
        parts.append(("openvino", "bf16", "CPU", note))
    else:
        left_out["*-openvino-bf16"] = f"{note} (--emulated measures it)"
    maps = [Way("maps", pyramid, *part) for pyramid in PYRAMIDS for part in parts]
    return crops + maps, left_out


def has_bf16() -> bool:
    """Whether the CPU has bfloat16 instructions, as far as OpenVINO knows."""
    from midlevel.engines import openvino

    return openvino.has_bf16()


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
