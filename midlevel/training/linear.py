"""Fitting a linear classifier on windows of the frozen network, by scikit-learn.

Softmax regression, or a linear SVM for each class against all else (Girshick et al.,
CVPR 2014, section 2.3). Both see features as heads do, normalised, and become a head
without a hidden layer, so that all that takes heads takes them.
"""

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from midlevel.networks import heads
from midlevel.settings.linear import Linear
from midlevel.system import runtime
from midlevel.system.progress import Progress
from midlevel.training import labelled_windows, stages
from midlevel.training.batches import Batch, WindowSet
from midlevel.training.fitting import State
from midlevel.training.stages import FittedHead, Job

STAGE = "linear"
ITERATIONS = 100  # of the solver, at most
BIAS = 10.0  # what the intercept is a weight of in the SVM, as in R-CNN's released code
FAR = 20.0  # log-odds by which a class that no window shows lies below the others


def fit(job: Job, progress: Progress) -> FittedHead:
    """Fit the classifier that the settings describe; the same data gives the same.

    It leaves no checkpoint: a run that was interrupted fits it again.

    Raises:
        errors.DataError: no window shows an object.
    """
    config = job.config
    windows = labelled_windows.collect(job.prepared, config, progress)
    settings = config.linear
    head = stages.new_head(job, background=config.has_background)
    batch = _drawn(windows, settings.windows, config.seed, progress)
    found = of_windows(heads.below_last(head), batch, settings, _count(job))
    heads.set_last(head, found.weights, found.intercepts)
    watched = job.validation(heads.in_training(head)) if job.validation else {}
    row = {"epoch": 1, "loss": found.loss, **watched, "learning_rate": 0.0}
    if watched:
        progress.say(f"linear {settings.kind}: validation mAP {watched['mAP']:.4f}")
    state = State(1, watched.get("mAP", -1.0), 1, finished=True, history=[row])
    return FittedHead(head, {STAGE: state}, windows.ids)


@dataclass(frozen=True, eq=False)
class Classifier:
    """A linear classifier.

    Attributes:
        weights: `(units, classes)`, of softmax with the background before them.
        intercepts: one for each.
        loss: weighted mean over the windows it learned from; of svm the hinge loss.
    """

    weights: np.ndarray
    intercepts: np.ndarray
    loss: float


def of_windows(
    see: heads.Scorer, batch: Batch, settings: Linear, classes: int
) -> Classifier:
    """What scikit-learn makes of some windows.

    Args:
        see: from features to what is classified.
        classes: how many there are; one that no window shows gets scores near 0.
    """
    vectors = heads.score(see, batch.features)
    fit_kind = {"softmax": _softmax, "svm": _svm}[settings.kind]
    return fit_kind(vectors, batch, settings.c, classes)


def _softmax(
    vectors: np.ndarray, batch: Batch, strength: float, classes: int
) -> Classifier:
    linear_model = runtime.load("sklearn.linear_model", "scikit-learn")
    model = linear_model.LogisticRegression(C=strength, max_iter=ITERATIONS)
    with _quiet():
        model.fit(vectors, batch.ids, batch.weights)
    # Of two classes it has one row, the second's against the first's.
    is_one = len(model.coef_) == 1
    rows = np.pad(model.coef_, ((1, 0), (0, 0))) if is_one else model.coef_
    odds = np.pad(model.intercept_, (1, 0)) if is_one else model.intercept_
    weights = np.zeros((vectors.shape[1], 1 + classes), np.float32)
    intercepts = np.full(1 + classes, odds.min() - FAR, np.float32)
    weights[:, model.classes_], intercepts[model.classes_] = rows.T, odds
    scores = vectors @ weights + intercepts
    tops = scores.max(axis=1, keepdims=True)
    totals = np.log(np.exp(scores - tops).sum(axis=1)) + tops[:, 0]
    losses = totals - scores[np.arange(len(scores)), batch.ids]
    return Classifier(weights, intercepts, _mean(losses, batch.weights))


def _svm(
    vectors: np.ndarray, batch: Batch, strength: float, classes: int
) -> Classifier:
    svm = runtime.load("sklearn.svm", "scikit-learn")
    vectors = vectors.astype(np.float64)  # once, and not for each class
    weights = np.zeros((vectors.shape[1], classes), np.float32)
    intercepts, losses = np.full(classes, -FAR, np.float32), np.zeros(len(vectors))
    for number in range(classes):
        shows = batch.ids == 1 + number
        if shows.any() and not shows.all():
            model = svm.LinearSVC(C=strength, dual=False, intercept_scaling=BIAS)
            with _quiet():
                model.fit(vectors, shows, batch.weights)
            weights[:, number] = model.coef_[0]
            intercepts[number] = np.squeeze(model.intercept_)
            margins = np.where(shows, 1, -1) * model.decision_function(vectors)
            losses += np.maximum(0, 1 - margins) ** 2
    return Classifier(weights, intercepts, _mean(losses, batch.weights))


def _drawn(windows: WindowSet, most: int, seed: int, progress: Progress) -> Batch:
    """All windows, or as many as memory and `most` allow, drawn evenly."""
    batch = next(windows.batches(np.random.default_rng(seed), most))
    if len(batch) < len(windows):
        progress.say(
            f"learns from {len(batch)} of {len(windows)} windows, drawn evenly "
            "(linear.windows, training.memory)"
        )
    return batch


def _count(job: Job) -> int:
    return len(job.prepared.dataset.classes)


def _mean(losses: np.ndarray, weights: np.ndarray) -> float:
    return float(np.average(losses, weights=weights))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it may stop at `ITERATIONS`
        yield
