"""A trial of both engines with the default backbone: `midlevel doctor --thorough`."""

import time
from dataclasses import dataclass

import numpy as np

from midlevel import errors
from midlevel.networks import backbones, engines

SIDE = 224  # pixels
ALIKE = 1e-3  # largest difference of a feature between engines; their largest is near 6


@dataclass(frozen=True)
class Outcome:
    """What came of running a network.

    Attributes:
        engine: its name; empty where engines were compared.
        text: what was found.
        map: the backbone's, float32 `(1, rows, columns, channels)`; None if it failed.
        is_missing: the engine is not installed.
        advice: what to do, where it is not as it should be.
    """

    engine: str
    text: str
    map: np.ndarray | None = None
    is_missing: bool = False
    advice: str = ""


def run() -> list[Outcome]:
    """Load both engines and run the default backbone once on each; takes seconds."""
    image = np.random.default_rng(0).integers(0, 256, (1, SIDE, SIDE, 3), np.uint8)
    found = [_try(name, image) for name in ("openvino", "tensorflow")]
    maps = [outcome.map for outcome in found if outcome.map is not None]
    return [*found, _compare(*maps)] if len(maps) == 2 else found


def _try(name: str, image: np.ndarray) -> Outcome:
    try:
        engine = engines.choose(name)
        backbone = backbones.build(backbones.DEFAULT, engine=engine)
        backbone.network(image)  # the first call compiles
        start = time.perf_counter()
        found = backbone.network(image)
        seconds = time.perf_counter() - start
    except errors.MissingDependency as error:
        return Outcome(name, str(error), is_missing=True)
    except Exception as error:  # whatever is broken here, that is the finding
        text = f"{type(error).__name__}: {error}"
        return Outcome(name, text, advice="install midlevel again")
    text = f"{engine.device}, {engine.precision}: {SIDE} x {SIDE} pixels in "
    return Outcome(name, f"{text}{1000 * seconds:.0f} ms", found)


def _compare(first: np.ndarray, second: np.ndarray) -> Outcome:
    worst = float(np.abs(first - second).max())
    text = f"the engines differ by at most {worst:.1e} of {np.abs(first).max():.1f}"
    advice = "" if worst < ALIKE else "use the engine that trained the run"
    return Outcome("", text, first, advice=advice)
