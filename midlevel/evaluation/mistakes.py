"""What a model's mistakes are: false positives by kind, and labels that are wrong.

The kinds are those of Hoiem, Chodpathumwan and Dai 2012 ("Diagnosing error in object
detectors", section 3.1). midlevel is no detector: here a class's detections are the
windows that score highest for it, after the greedy suppression that R-CNN has. Windows
are squares of a few sizes, so many that lie on their object are `localisation`.
"""

import array
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from midlevel.method import boxes as boxes_
from midlevel.method.detection import FOUND

if TYPE_CHECKING:
    from midlevel.evaluation.validation import Seen

KINDS = ("correct", "localisation", "similar", "other", "background")
IGNORED = -1  # a detection of a difficult object counts neither way, as in VOC
TOUCHED = 0.1  # IoU from which a mistake is about an object (Hoiem 2012)
MOST = 10  # detections of a class in one photograph
SIMILAR = (  # Hoiem 2012, section 3.1, of VOC's twenty names
    {"aeroplane", "bicycle", "boat", "bus", "car", "motorbike", "train"},
    {"bird", "cat", "cow", "dog", "horse", "person", "sheep"},
    {"chair", "diningtable", "sofa"},
    {"aeroplane", "bird"},
)
RULE = (
    f"A class's detections are its best windows, at most {MOST} a photograph, none of "
    f"which overlaps a better one by an IoU of {boxes_.SUPPRESSED:g} or more. The N "
    "best of all photographs are sorted, N being the objects that are not difficult. "
    f"Correct: an IoU of at least {FOUND:g} with an object of the class that no better "
    f"one has. Localisation: at least {TOUCHED:g} with one, or a second of the same. "
    f"Similar, other: at least {TOUCHED:g} with an object of such a class. Background: "
    "the rest. Similar are the groups of Hoiem et al. among VOC's names."
)


def similar(name: str, classes: Sequence[str]) -> np.ndarray:
    """Which classes are similar to one, and are not it: bool `(classes,)`.

    >>> similar("cat", ["cat", "dog", "car"]).tolist()
    [False, True, False]
    """
    groups = [group for group in SIMILAR if name in group]
    return np.array([o != name and any(o in g for g in groups) for o in classes], bool)


def kinds(
    overlap: np.ndarray, own: np.ndarray, alike: np.ndarray, difficult: np.ndarray
) -> list[int]:
    """The kind of each detection of one class in a photograph, ids into `KINDS`.

    Args:
        overlap: `(m, n)` IoU of detections, best first, and objects.
        own: bool `(n,)`, objects of the class; `alike` those of similar classes;
            `difficult` those that VOC marks so.
    """
    taken: set[int] = set()
    found: list[int] = []
    for row in overlap:
        best = int(np.where(own, row, -1).argmax()) if own.any() else None
        if best is not None and row[best] >= FOUND and difficult[best]:
            found.append(IGNORED)
        elif best is not None and row[best] >= FOUND and best not in taken:
            taken.add(best)
            found.append(KINDS.index("correct"))
        else:
            touched = row >= TOUCHED
            whose = ((touched & mask).any() for mask in (own, alike, ~own))
            found.append(1 + next((i for i, is_so in enumerate(whose) if is_so), 3))
    return found


class Diagnosis:
    """Sorts the best windows of each class into kinds, photograph by photograph."""

    def __init__(self, classes: Sequence[str]):
        self._classes = classes
        self._similar = [np.append(False, similar(name, classes)) for name in classes]
        self._scores = [array.array("f") for _ in classes]
        self._kinds = [array.array("b") for _ in classes]
        self._objects = np.zeros(len(classes), int)

    def add(self, seen: "Seen") -> None:
        """Sort a photograph's; one that has labels without boxes cannot be judged.

        Nor can a class that may have objects of which nobody has said or boxed any.
        """
        example = seen.example
        if len(example.unboxed):
            return
        for i in range(len(self._classes)):
            if i + 1 in (*example.not_said, *example.partly_boxed):
                continue
            column, own = seen.scores[:, i + 1], example.classes == i + 1
            chosen = boxes_.suppress(seen.windows, column, MOST)
            overlap = boxes_.iou(seen.windows[chosen], example.boxes)
            alike = self._similar[i][example.classes]
            ids = kinds(overlap, own, alike, example.difficult)
            self._scores[i].extend(column[chosen])
            self._kinds[i].extend(ids)
            self._objects[i] += int((own & ~example.difficult).sum())

    def table(self) -> dict:
        """How many of the best detections are of which kind.

        Returns:
            `classes`: for each the `objects`, how many detections are `sorted`, and how
            many are of each of `KINDS`; `all`: their sums; `rule`.
        """
        rows = {name: self._row(i) for i, name in enumerate(self._classes)}
        keys = ("objects", "sorted", *KINDS)
        whole = {key: sum(row[key] for row in rows.values()) for key in keys}
        return {"classes": rows, "all": whole, "rule": RULE}

    def _row(self, i: int) -> dict:
        scores, ids = np.array(self._scores[i]), np.array(self._kinds[i], int)
        ids = ids[np.argsort(-scores, kind="stable")]
        ids = ids[ids != IGNORED][: self._objects[i]]
        count = np.bincount(ids, minlength=len(KINDS)).tolist()
        return {
            "objects": int(self._objects[i]),
            "sorted": len(ids),
            **dict(zip(KINDS, count, strict=True)),
        }


def confusion(labelled: np.ndarray, targets: np.ndarray) -> dict:
    """What else the photographs of a class are said to show, wrongly.

    Args:
        labelled: bool `(photographs, classes)`, which labels were given.
        targets: `(photographs, classes)` of 1, 0, -1.

    Returns:
        `given`, `(1 + classes)` rows of `classes` numbers: of the photographs that show
        the row's class, or none of them in the last row, and do not show the column's,
        the share that is given the column's label; where both are one class, the share
        that is given its own label. None where there is no such photograph. `silent`:
        for each row, the share that is given no label. `photographs`: of each row.
    """
    present = targets == 1
    rows = [*present.T, (targets == 0).all(axis=1)]
    given = [
        [
            _share(labelled[row & (present[:, j] if i == j else targets[:, j] == 0), j])
            for j in range(targets.shape[1])
        ]
        for i, row in enumerate(rows)
    ]
    silent = [_share(~labelled[row].any(axis=1)) for row in rows]
    return {
        "given": given,
        "silent": silent,
        "photographs": [int(row.sum()) for row in rows],
    }


def _share(which: np.ndarray) -> float | None:
    return float(which.mean()) if len(which) else None
