"""How well regions fit objects: detection AP and CorLoc.

The regions are those that `predict` draws for labels (`prediction.localising`), here of
every class in every photograph. A detection's score is the photograph's probability
times the region's height as a share of the photograph's highest region: heights of two
photographs tell little of which of them shows the class, probabilities do.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from midlevel.evaluation import pointing
from midlevel.method import detection, metrics
from midlevel.prediction import localising

if TYPE_CHECKING:
    from midlevel.evaluation.validation import Seen

BOUNDS = {"AP50": 0.5, "AP70": 0.7}
RULE = (
    "Regions, boxes around what scored, of all classes, as detections: a photograph's "
    "probability times a region's height there, 1 for the highest. AP50, AP70: area "
    "under precision at an IoU of 0.5, 0.7 with an object; difficult objects count "
    "neither way, a second hit of one is false (VOC). AP: the mean over 0.5, 0.55, "
    "..., 0.95. CorLoc: of the photographs with a box of the class that is not "
    "difficult, the share whose highest region has an IoU of 0.5 with a box of it, "
    "difficult or not; whole: the same of the whole photograph as the box."
)


class Localisation:
    """Compares regions with boxes, photograph by photograph."""

    def __init__(self, classes: Sequence[str]):
        self._classes = classes
        self._count = 0
        self._found = [_OfClass() for _ in classes]

    def add(self, seen: "Seen") -> None:
        """Count a photograph; not for a class that it shows and nobody says where."""
        example, whole = seen.example, np.array([0, 0, *seen.size_wh], np.float32)
        known = pointing.is_boxed(example, len(self._classes))
        regions = localising.each(seen.windows, seen.scores[:, 1:], seen.size_wh)
        for i, (boxes, peaks) in enumerate(regions):
            if not known[i]:
                continue
            own = example.classes == i + 1
            heights = peaks / peaks[:1]  # the highest is first
            objects, difficult = example.boxes[own], example.difficult[own]
            self._found[i].add(self._count, boxes, heights, objects, difficult, whole)
        self._count += 1

    def table(self, probabilities: np.ndarray) -> dict[str, Any] | None:
        """What was counted.

        Args:
            probabilities: `(photographs, classes)` in [0, 1] of the photographs that
                were counted, in their order.

        Returns:
            means over the classes, `AP50`, `AP70`, `AP`, `corloc` and `whole`, in
            [0, 1]; `classes`, for each the same, its `objects` and how many
            `photographs` CorLoc is of, None where there are none; `rule`. None where
            no photograph has a box that is not difficult.
        """
        rows = {
            name: self._found[i].row(probabilities[:, i])
            for i, name in enumerate(self._classes)
        }
        if not any(row["objects"] for row in rows.values()):
            return None
        means = {
            key: metrics.mean(row[key] for row in rows.values())
            for key in (*BOUNDS, "AP", "corloc", "whole")
        }
        return {**means, "classes": rows, "rule": RULE}


class _OfClass:
    """The regions of one class."""

    def __init__(self) -> None:
        self._numbers: list[int] = []  # of the photograph of each region
        self._heights: list[np.ndarray] = []
        self._hits: list[np.ndarray] = []
        self._best: list[tuple[bool, bool]] = []  # the highest region, the photograph
        self._objects = 0

    def add(
        self,
        number: int,
        boxes: np.ndarray,
        heights: np.ndarray,
        objects: np.ndarray,
        difficult: np.ndarray,
        whole: np.ndarray,
    ) -> None:
        self._numbers += [number] * len(boxes)
        self._heights.append(heights)
        found = detection.hits(boxes, heights, objects, difficult, detection.COCO)
        self._hits.append(found)
        self._objects += int((~difficult).sum())
        if not difficult.all():
            best = len(boxes) > 0 and detection.is_found(boxes[0], objects)
            self._best.append((best, detection.is_found(whole, objects)))

    def row(self, probabilities: np.ndarray) -> dict[str, Any]:
        none = np.zeros((len(detection.COCO), 0), np.int8)
        hits = np.concatenate([none, *self._hits], axis=1)
        heights = np.concatenate([np.zeros(0), *self._heights])
        scores = heights * probabilities[np.array(self._numbers, int)]
        aps = {
            bound: detection.average_precision(scores, row, self._objects)
            for bound, row in zip(detection.COCO, hits, strict=True)
        }
        corloc, whole = np.array(self._best, float).reshape(-1, 2).T
        found = {name: aps[bound] for name, bound in BOUNDS.items()}
        found["AP"] = float(np.mean(list(aps.values())))
        return {
            **{key: None if np.isnan(ap) else ap for key, ap in found.items()},
            "corloc": metrics.mean(corloc),
            "whole": metrics.mean(whole),
            "objects": self._objects,
            "photographs": len(corloc),
        }
