"""A trial of both engines with the default backbone: `midlevel doctor --thorough`."""

import time

import numpy as np

from midlevel import backbones, engines, errors
from midlevel.doctor import FINE, MEND, NOTE, TENSORFLOW, Finding, version

SIDE = 224  # pixels
ALIKE = 1e-3  # largest difference of a feature between engines; their largest is near 6


def run() -> list[Finding]:
    """Load both engines and run the default backbone once on each; takes seconds."""
    image = np.random.default_rng(0).integers(0, 256, (1, SIDE, SIDE, 3), np.uint8)
    findings, maps = [], {}
    for name in ("openvino", "tensorflow"):
        try:
            finding, maps[name] = _try(name, image)
        except errors.MissingDependency as error:
            has_tensorflow = bool(version(*TENSORFLOW))
            finding = Finding(
                f"trial {name}", MEND if has_tensorflow else NOTE, str(error)
            )
        except Exception as error:  # whatever is broken here, that is the finding
            text = f"{type(error).__name__}: {error}"
            finding = Finding(f"trial {name}", MEND, text, "install midlevel again")
        findings.append(finding)
    if len(maps) == 2:
        findings.append(_compare(*maps.values()))
    return findings


def _try(name: str, image: np.ndarray) -> tuple[Finding, np.ndarray]:
    engine = engines.choose(name)
    backbone = backbones.build(backbones.DEFAULT, engine=engine)
    backbone.network(image)  # the first call compiles
    start = time.perf_counter()
    found = backbone.network(image)
    seconds = time.perf_counter() - start
    text = f"{engine.device}, {engine.precision}: {SIDE} x {SIDE} pixels in "
    return Finding(f"trial {name}", FINE, f"{text}{1000 * seconds:.0f} ms"), found


def _compare(first: np.ndarray, second: np.ndarray) -> Finding:
    worst = float(np.abs(first - second).max())
    text = f"the engines differ by at most {worst:.1e} of {np.abs(first).max():.1f}"
    state = FINE if worst < ALIKE else MEND
    advice = "" if state == FINE else "use the engine that trained the run"
    return Finding("trial", state, text, advice)
