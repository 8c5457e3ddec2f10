"""Why a model says what it says of a photograph: the numbers behind `explain`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from midlevel.datasets import Example
from midlevel.method import boxes as boxes_
from midlevel.method import labels
from midlevel.pages.explain import odds
from midlevel.pages.explain.odds import Parts
from midlevel.prediction.model import Model
from midlevel.prediction.window_scores import WindowScores

TOP = 5  # windows in a strip
NEAREST = 5  # windows that speak for an object that qualifies for none
TAKEN_FOR = 3  # classes that are named
NOTHING = "no true object"  # what a window lies on
NOT_SAID = "not said"  # the verdict where nobody knows whether a class is shown
VERDICTS = {  # (said, true): 1 shown, 0 not shown, -1 difficult objects alone
    (True, 1): "right",
    (True, 0): "wrong",
    (False, 1): "missed",
    (False, 0): "absent",
    (True, -1): "difficult",
    (False, -1): "difficult",
}
MISTAKES = ("wrong", "missed")


@dataclass(frozen=True)
class TakenFor:
    """What the windows over one object say.

    Attributes:
        box: the object, `(4,)`; the whole photograph where its label has no box.
        windows: how many windows.
        scores: the highest of their mean scores, as `(name, score)`, of
            `Model.columns`.
    """

    box: np.ndarray
    windows: int
    scores: list[tuple[str, float]]


@dataclass(frozen=True)
class ExplainedClass:
    """What there is to say of one class in one photograph.

    Attributes:
        name: the class.
        probability, threshold: the class is a label where the first reaches the second.
        verdict: a value of `VERDICTS`, or `NOT_SAID`; empty where nobody knows the
            truth of any class.
        windows: `(m, 4)`, that score highest for it, none much on top of another.
        scores: `(m,)`, of these.
        taken_for: of a class that was missed, what its objects were taken for.
        lies_on: of a wrong label, what its best window lies on: the class of a true
            object, or `NOTHING`; empty where not all objects have boxes.
        parts: what made the probability; None where the run has no whole model.
    """

    name: str
    probability: float
    threshold: float
    verdict: str
    windows: np.ndarray
    scores: np.ndarray
    taken_for: list[TakenFor]
    lies_on: str
    parts: Parts | None


def verdicts(
    model: Model, probabilities: np.ndarray, truth: Example | None
) -> dict[str, str]:
    """For each class a value of `VERDICTS` or `NOT_SAID`; nothing without `truth`."""
    if truth is None:
        return dict.fromkeys(model.classes, "")
    said = model.labelled(probabilities).tolist()
    targets = truth.targets(len(model.classes)).tolist()
    rows = zip(model.classes, said, targets, strict=True)
    found = {name: VERDICTS[is_said, shown] for name, is_said, shown in rows}
    return found | {model.classes[i - 1]: NOT_SAID for i in truth.not_said}


def chosen(
    model: Model, probabilities: np.ndarray, found: dict[str, str], asked: Sequence[str]
) -> list[str]:
    """The classes to explain: those asked for; else the labels, best first, then what
    was missed; else the most probable class.

    Args:
        found: see `verdicts`.
    """
    if asked:
        return list(dict.fromkeys(asked))
    ordered = sorted(_by_name(model, probabilities), key=lambda row: -row[1])
    names = [name for name, p in ordered if p >= model.thresholds[name]]
    names += [name for name, _ in ordered if found[name] == "missed"]
    return names or [ordered[0][0]]


def explain_class(
    model: Model,
    found: WindowScores,
    name: str,
    probability: float,
    verdict: str,
    truth: Example | None,
) -> ExplainedClass:
    """What there is to say of one class.

    Args:
        found: window scores of the photograph.
        truth: its example, boxes in pixels; None where nobody knows.
    """
    windows, scores = found.plan.boxes, found.of_class(name)
    best = boxes_.suppress(windows, scores, TOP)
    objects, on = [], ""
    if truth and verdict == "missed":
        objects = [taken_for(model, found, box) for box in _objects(found, truth, name)]
    if truth and verdict == "wrong" and _is_all_boxed(truth):
        i = labels.lies_on(windows[best[:1]], truth)[0]
        on = labels.names_by_id(found.classes)[i] if i else NOTHING
    return ExplainedClass(
        name,
        float(probability),
        model.thresholds[name],
        verdict,
        windows[best],
        scores[best],
        objects,
        on,
        odds.of_class(model, found, name),
    )


def taken_for(model: Model, found: WindowScores, box: np.ndarray) -> TakenFor:
    """What the windows over an object say: those that would have taught its class.

    Where there is none, the nearest ones.

    Args:
        box: `(4,)`.
    """
    windows, rules = found.plan.boxes, model.config.labels.rules()
    least = rules.min_of_window, rules.min_of_box
    over = np.flatnonzero(labels.qualifies(windows, box[None], *least)[:, 0])
    if not len(over):
        over = np.argsort(-boxes_.iou(windows, box[None])[:, 0], kind="stable")[
            :NEAREST
        ]
    means = found.scores[over].mean(axis=0)
    names = model.columns
    order = np.argsort(-means, kind="stable")[:TAKEN_FOR]
    return TakenFor(box, len(over), [(names[i], float(means[i])) for i in order])


def _is_all_boxed(truth: Example) -> bool:
    """Whether there is a box around each object that a photograph shows."""
    return not any(map(len, (truth.unboxed, truth.not_said, truth.partly_boxed)))


def _objects(found: WindowScores, truth: Example, name: str) -> list[np.ndarray]:
    """Boxes of a class; the whole photograph where its label has none."""
    number = found.classes.index(name) + 1
    boxes = truth.boxes[(truth.classes == number) & ~truth.difficult]
    return list(boxes) or [np.array([0, 0, *found.plan.size_wh], np.float32)]


def _by_name(model: Model, probabilities: np.ndarray) -> list[tuple[str, float]]:
    return list(zip(model.classes, probabilities.tolist(), strict=True))
