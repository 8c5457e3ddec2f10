"""Average precision in three forms, precision-recall, and thresholds.

Targets are int `(n,)`: 1 the class is present, 0 it is not, -1 only as an object that
VOC marks difficult, which counts neither way (VOC 2007 devkit, VOCevalcls.m).
Examples of equal score are taken together, so the order of the input never matters.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from midlevel import errors

FORMS = ("area", "eleven_point", "non_interpolated")


def precision_recall(
    scores: ArrayLike, targets: ArrayLike
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and threshold at each distinct score, highest score first.

    >>> p, r, t = precision_recall(np.array([0.9, 0.8, 0.1]), np.array([1, 0, 1]))
    >>> p.round(3).tolist(), r.tolist(), t.tolist()
    ([1.0, 0.5, 0.667], [0.5, 0.5, 1.0], [0.9, 0.8, 0.1])

    Raises:
        errors.MidlevelError: a score is not finite, so has no place in the order.
    """
    scores, targets = finite(scores), np.asarray(targets)
    counted = targets >= 0
    order = np.argsort(-scores[counted], kind="stable")
    scores, present = scores[counted][order], targets[counted][order] == 1
    last = np.append(np.diff(scores) != 0, True)[: len(scores)]  # end of each tie
    hits = np.cumsum(present)[last]
    seen = np.arange(1, len(scores) + 1)[last]
    return hits / seen, hits / max(present.sum(), 1), scores[last]


def average_precision(
    scores: ArrayLike, targets: ArrayLike, form: str = "area"
) -> float:
    """Average precision of one class in [0, 1]; nan where no example is present.

    `area`: under the monotone envelope (VOC 2010 and later). `eleven_point`: mean of
    the envelope at recalls 0, 0.1, ..., 1 (VOC 2007). `non_interpolated`: the mean of
    the precision at each present example, as scikit-learn has it.

    >>> s, t = np.array([0.9, 0.8, 0.1]), np.array([1, 0, 1])
    >>> [round(average_precision(s, t, form), 3) for form in FORMS]
    [0.833, 0.848, 0.833]

    Raises:
        errors.MidlevelError: a score is not finite, or there is no such form.
    """
    if form not in FORMS:
        raise errors.MidlevelError(
            f"The form of average precision must be one of {', '.join(FORMS)}. "
            f"Received: {form}."
        )
    scores = finite(scores)
    if not (np.asarray(targets) == 1).any():
        return float("nan")
    precision, recall, _ = precision_recall(scores, targets)
    return float(of_curve(precision, recall, form))


def of_curve(precision: np.ndarray, recall: np.ndarray, form: str) -> np.ndarray:
    """Average precision of curves `(..., thresholds)`, see `average_precision`.

    Args:
        recall: rising along the last axis; it ends at 1.
    """
    gained = np.diff(recall, prepend=0)
    if form == "non_interpolated":
        return (precision * gained).sum(axis=-1)
    envelope = np.maximum.accumulate(precision[..., ::-1], axis=-1)[..., ::-1]
    if form == "area":
        return (envelope * gained).sum(axis=-1)
    points = np.linspace(0, 1, 11) - 1e-9  # recall, a ratio: 3 / 10 must reach 0.3
    first = np.stack([(recall < point).sum(axis=-1) for point in points], axis=-1)
    beyond = np.zeros((*envelope.shape[:-1], 1))  # where recall does not get there
    envelope = np.concatenate([envelope, beyond], axis=-1)
    return np.take_along_axis(envelope, first, axis=-1).mean(axis=-1)


def table(
    scores: np.ndarray, targets: np.ndarray, classes: Sequence[str]
) -> dict[str, Any]:
    """AP of every class and its mean, in the three forms.

    Args:
        scores: `(images, classes)`.
        targets: `(images, classes)` of 1, 0, -1.

    Returns:
        `{"mAP": {form: value}, "AP": {class: {form: value}}}`; a class of which no
        image has an example is None and out of the mean; mAP is None without any.
    """
    ap = {
        name: {
            form: _number(average_precision(scores[:, i], targets[:, i], form))
            for form in FORMS
        }
        for i, name in enumerate(classes)
    }
    return {
        "mAP": {form: mean(row[form] for row in ap.values()) for form in FORMS},
        "AP": ap,
    }


def mean_average_precision(
    scores: np.ndarray, targets: np.ndarray, form: str = "area"
) -> float:
    """Mean AP over the classes that have an example; nan where none has.

    >>> mean_average_precision(np.eye(2), np.eye(2))
    1.0
    """
    ap = [
        average_precision(s, t, form) for s, t in zip(scores.T, targets.T, strict=True)
    ]
    ap = [value for value in ap if not np.isnan(value)]
    return float(np.mean(ap)) if ap else float("nan")


def best_threshold(scores: np.ndarray, targets: np.ndarray) -> float:
    """The score at and above which saying "present" has the highest F1; nan if none.

    It lies half-way to the next lower score, so that it does not hang on one image.

    >>> best_threshold(np.array([0.9, 0.8, 0.1]), np.array([1, 1, 0]))
    0.45
    """
    if not (np.asarray(targets) == 1).any():
        return float("nan")
    precision, recall, scores = precision_recall(scores, targets)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return _half_way(scores, int(f1.argmax()))


def threshold_of_precision(
    scores: np.ndarray, targets: np.ndarray, precision: float
) -> float:
    """The lowest score at and above which "present" is right as often as `precision`.

    Where no threshold reaches it, the one of the highest precision; nan if no example
    is present. It lies half-way to the next lower score.

    >>> s, t = np.array([0.9, 0.8, 0.6, 0.1]), np.array([1, 0, 1, 0])
    >>> round(threshold_of_precision(s, t, 0.6), 3)
    0.35
    """
    if not (np.asarray(targets) == 1).any():
        return float("nan")
    found, _, scores = precision_recall(scores, targets)
    enough = np.flatnonzero(found >= min(precision, found.max()))
    return _half_way(scores, int(enough[-1]))


def finite(scores: ArrayLike) -> np.ndarray:
    """`scores` as an array.

    Raises:
        errors.MidlevelError: one is not finite, so has no place in the order.
    """
    found = np.asarray(scores)
    bad = found[~np.isfinite(found)]
    if len(bad):
        raise errors.MidlevelError(
            f"Scores must be finite numbers. Received: {len(bad)} of {found.size} that "
            f"are not, such as {bad[0]}. Look for what made them."
        )
    return found


def _half_way(scores: np.ndarray, i: int) -> float:
    below = scores[i + 1] if i + 1 < len(scores) else 0.0
    return float((scores[i] + below) / 2)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value


def mean(values: Iterable[float | None]) -> float | None:
    """Of what is known: neither None nor nan; None where nothing is.

    >>> mean([0.5, None, 1.0]), mean([None])
    (0.75, None)
    """
    known = [value for value in values if value is not None and not np.isnan(value)]
    return float(np.mean(known)) if known else None
