"""A photograph explained: score maps, regions and the windows that score highest."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from midlevel.datasets import Example
from midlevel.features import batch
from midlevel.features.batch import Failure
from midlevel.images import pixels
from midlevel.images.pixels import Photograph
from midlevel.pages import drawing
from midlevel.pages.explain import odds, reasons
from midlevel.pages.explain.reasons import ExplainedClass
from midlevel.pages.explain.truth import Truth
from midlevel.prediction import localising
from midlevel.prediction.model import Model
from midlevel.prediction.window_scores import WindowScores

DIM = 0.1  # maps that are lower everywhere stay dark
MAP = 256  # cells along the long side of a score map
SIDE = 112  # pixels of a window in a strip on the page
CANVAS = 800  # pixels of the long side of a picture
ON_PAGE = 560  # the same on the page
LETTERS = 0.85  # size of the numbers on a map
LINE = 3  # pixels
TRUE, REGION = drawing.PALETTE[2], drawing.PALETTE[1]


@dataclass(frozen=True)
class ExplainedPhotograph:
    """A photograph with all that is said of it.

    Attributes:
        path: its file.
        verdicts: of each class, see `reasons.verdicts`.
        content: what the page says of it.
        pictures: RGB uint8, by class.
    """

    path: Path
    verdicts: dict[str, str]
    content: dict
    pictures: dict[str, np.ndarray]

    @property
    def has_mistake(self) -> bool:
        """Whether a label is wrong or missed."""
        return any(v in reasons.MISTAKES for v in self.verdicts.values())


def explain_photograph(
    model: Model, known: Truth, names: Sequence[str], path: Path
) -> ExplainedPhotograph | Failure:
    """What there is to say of a photograph; why nothing, where it cannot be read.

    Args:
        known: what photographs really show.
        names: the classes to explain; by default see `reasons.chosen`.
    """
    photograph = batch.read(path, model.extractor.of_bytes)
    if isinstance(photograph, Failure):
        return photograph
    (found,) = model.many([photograph])
    truth = known.of(path, photograph.size_wh)
    probabilities = model.probabilities(found)
    verdicts = reasons.verdicts(model, probabilities, truth)
    by_name = dict(zip(model.classes, probabilities.tolist(), strict=True))
    rows = [
        reasons.explain_class(model, found, name, by_name[name], verdicts[name], truth)
        for name in reasons.chosen(model, probabilities, verdicts, names)
    ]
    maps = {row.name: _map(found, row.name) for row in rows}
    peak = max(float(one.max()) for one in maps.values())
    top = max(peak, DIM)
    canvas = _Canvas(photograph, truth, found, top)
    explained, pictures = [], {}
    for row in rows:
        heat = canvas.heat(row, maps[row.name])
        pictures[row.name] = canvas.stacked(row, heat)
        explained.append(canvas.content(row, heat))
    content = {
        "size_wh": photograph.size_wh,
        "picture": drawing.data_uri(drawing.fitted(canvas.photograph(), ON_PAGE)),
        "bars": _bars(model, by_name, verdicts),
        "explained": explained,
        "peak": peak,
        "top": top,
        "reach": odds.reach(row.parts for row in rows),
        "objects": _objects(truth, model.classes),
    }
    return ExplainedPhotograph(path, verdicts, content, pictures)


class _Canvas:
    """A photograph to draw on, and what is drawn."""

    def __init__(
        self,
        photograph: Photograph,
        truth: Example | None,
        found: WindowScores,
        top: float,
    ):
        self.pixels, self.found, self.top = photograph.pixels, found, top
        self.scale = photograph.pixels.shape[1] / photograph.size_wh[0]
        self.true = truth.boxes if truth else np.empty((0, 4))
        self.own = truth.classes if truth else np.empty(0, int)

    def photograph(self) -> np.ndarray:
        """The photograph with its true boxes."""
        small = drawing.sized(self.pixels, CANVAS)
        return drawing.boxed(small, self.true, TRUE, LINE, self._per_pixel(small))

    def heat(self, row: ExplainedClass, score_map: np.ndarray) -> np.ndarray:
        """The score map of a class, its true boxes, and the regions of a label."""
        drawn = drawing.heat(drawing.sized(self.pixels, CANVAS), score_map, self.top)
        scale = self._per_pixel(drawn)
        number = self.found.classes.index(row.name) + 1
        drawn = drawing.boxed(drawn, self.true[self.own == number], TRUE, LINE, scale)
        if row.probability < row.threshold:
            return drawn
        plan, column = self.found.plan, self.found.of_class(row.name)
        boxes, peaks = localising.find(plan.boxes, column, plan.size_wh)
        drawn = drawing.boxed(drawn, boxes, REGION, LINE, scale)
        for box, peak in zip(boxes, peaks, strict=True):
            drawn = drawing.tagged(drawn, f"{peak:.2f}", box[:2] * scale, LETTERS)
        return drawn

    def strip(self, row: ExplainedClass, side: int) -> np.ndarray:
        """The windows that score highest, with their scores."""
        cuts = [pixels.cut(self.pixels, box * self.scale, side) for box in row.windows]
        scored = zip(cuts, row.scores, strict=True)
        tiles = [drawing.tagged(tile, f"{score:.2f}") for tile, score in scored]
        return drawing.rows(tiles, len(tiles))

    def stacked(self, row: ExplainedClass, heat: np.ndarray) -> np.ndarray:
        """A score map with its strip below it, made about as wide."""
        wide = heat.shape[1]
        gaps = drawing.GAP * (reasons.TOP - 1)
        strip = self.strip(row, max(SIDE // 2, (wide - gaps) // reasons.TOP))
        wide, high = max(wide, strip.shape[1]), len(heat) + drawing.GAP
        whole = np.full((high + len(strip), wide, 3), drawing.PAPER, np.uint8)
        whole[: len(heat), : heat.shape[1]] = heat
        whole[high:, : strip.shape[1]] = strip
        return whole

    def content(self, row: ExplainedClass, heat: np.ndarray) -> dict:
        """What the page says of a class."""
        return {
            **asdict(row),
            "heat": drawing.data_uri(drawing.fitted(heat, ON_PAGE)),
            "strip": drawing.data_uri(self.strip(row, SIDE)),
        }

    def _per_pixel(self, small: np.ndarray) -> float:
        return small.shape[1] / self.found.plan.size_wh[0]


def _map(found: WindowScores, name: str) -> np.ndarray:
    return found.map(name, localising.map_size(found.plan.size_wh, MAP))


def _bars(
    model: Model, probabilities: dict[str, float], verdicts: dict[str, str]
) -> list[dict]:
    """What the page says of every class, the most probable first."""
    return [
        {
            "name": name,
            "probability": probability,
            "threshold": model.thresholds[name],
            "verdict": verdicts[name],
        }
        for name, probability in sorted(
            probabilities.items(), key=lambda item: -item[1]
        )
    ]


def _objects(truth: Example | None, classes: Sequence[str]) -> list[str] | None:
    """What is really there, those alike counted; None where nobody knows."""
    if truth is None:
        return None
    rows = zip(truth.classes, truth.difficult, strict=True)
    boxed = [f"{classes[i - 1]}{' (difficult)' if hard else ''}" for i, hard in rows]
    counts = Counter(boxed + [f"{classes[i - 1]} (no box)" for i in truth.unboxed])
    return [
        f"{count} x {name}" if count > 1 else name for name, count in counts.items()
    ]
