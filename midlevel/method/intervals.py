"""How far mean average precision would move with other photographs of the same kind.

The percentile bootstrap: as many photographs as there are are drawn again from them,
with replacement, many times over, and the middle 95 % of what is measured on these
resamples is the interval (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
chapter 13). Two models are compared on the same resamples, so that what makes a
photograph hard for both cancels out.

The interval is about the photographs that were measured on. It knows nothing of other
photographs to learn from, nor of other seeds.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from midlevel.method import metrics

ROUNDS = 1000  # resamples; chapter 13 has a thousand or more for percentiles
LEAST = 200  # resamples of however many photographs; the ends then are rougher
WORK = 10**8  # rounds x photographs x classes: a thousand of 5000 with 20 classes
LEVEL = 0.95
BLOCK = 1 << 19  # drawn photographs held in memory at once, some 4 MB an array

Interval = list[float]  # its two ends


def of_forms(
    scores: np.ndarray, targets: np.ndarray, seed: int = 0
) -> dict[str, Interval | None]:
    """The interval of mAP in each form; None where no class can be measured.

    All forms are measured on the same resamples; how many these are, see `rounds_for`.

    Args:
        scores: `(images, classes)`.
        targets: `(images, classes)` of 1, 0, -1.
    """
    found = _measured(scores, targets, metrics.FORMS, rounds_for(*scores.shape), seed)
    return {form: of(row) for form, row in zip(metrics.FORMS, found, strict=True)}


def rounds_for(images: int, classes: int) -> int:
    """Resamples of so many photographs: fewer of large splits, for time's sake.

    Large splits have narrow intervals, of which rough ends say enough.

    >>> rounds_for(450, 8), rounds_for(10_000, 20), rounds_for(50_000, 80)
    (1000, 500, 200)
    """
    return min(ROUNDS, max(LEAST, WORK // max(images * classes, 1)))


def of(values: np.ndarray, level: float = LEVEL) -> Interval | None:
    """The middle of what was found on resamples; nan is out, None if nothing is left.

    >>> of(np.arange(101), 0.5)
    [25.0, 75.0]
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return None
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2]).tolist()
    return [low, high]


def resampled(
    scores: np.ndarray,
    targets: np.ndarray,
    form: str = "area",
    rounds: int | None = None,
    seed: int = 0,
) -> np.ndarray:
    """mAP on photographs drawn again, float64 `(rounds,)`.

    A class that a resample does not show is out of its mean, as in `metrics`; nan where
    it shows none. The resamples are the same for all scores of the same number of
    photographs and classes, so two results may be subtracted.

    Args:
        scores: `(images, classes)`.
        targets: `(images, classes)` of 1, 0, -1.
        form: see `metrics.average_precision`.
        rounds: how many resamples; by default see `rounds_for`.
        seed: of the draws.

    Raises:
        errors.MidlevelError: a score is not finite.
    """
    rounds = rounds or rounds_for(*scores.shape)
    return _measured(scores, targets, [form], rounds, seed)[0]


def _measured(
    scores: np.ndarray,
    targets: np.ndarray,
    forms: Sequence[str],
    rounds: int,
    seed: int,
) -> np.ndarray:
    """mAP in each form on each resample, float64 `(forms, rounds)`."""
    pairs = list(zip(metrics.finite(scores).T, targets.T, strict=True))
    found = []
    for times in _draws(len(scores), rounds, seed):
        aps = np.stack([_average_precisions(*pair, times, forms) for pair in pairs])
        known = ~np.isnan(aps)
        count = known.sum(axis=0)
        total = np.where(known, aps, 0).sum(axis=0)
        found.append(np.where(count > 0, total / np.maximum(count, 1), np.nan))
    return np.concatenate(found, axis=1)


def _draws(count: int, rounds: int, seed: int) -> Iterator[np.ndarray]:
    """How often each photograph is in each resample, int32 `(count, some rounds)`."""
    rng, at_once = np.random.default_rng(seed), max(1, BLOCK // count)
    shares = np.full(count, 1 / count)
    for begin in range(0, rounds, at_once):
        drawn = rng.multinomial(count, shares, size=min(at_once, rounds - begin))
        yield np.ascontiguousarray(drawn.T, np.int32)


def _average_precisions(
    scores: np.ndarray, targets: np.ndarray, times: np.ndarray, forms: Sequence[str]
) -> np.ndarray:
    """AP of one class where each photograph counts so many times, `(forms, rounds)`.

    The photographs are sorted once; drawing them again only changes how much each adds.
    Recall rises, and precision can, only at scores of which some photograph shows the
    class: the others are no points of the curve that any form looks at.
    """
    counted = np.flatnonzero(targets >= 0)
    order = counted[np.argsort(-scores[counted], kind="stable")]
    present = targets[order] == 1
    if not present.any():
        return np.full((len(forms), times.shape[1]), np.nan)
    last = np.append(np.diff(scores[order]) != 0, True)  # end of each tie
    tie = np.append(0, np.cumsum(last)[:-1])  # which each photograph is in
    ends = np.flatnonzero(last)[np.unique(tie[present])]
    hits = _up_to(ends, np.flatnonzero(present), times[order[present]])
    seen = _up_to(ends, np.arange(len(order)), times[order])
    total = hits[-1]
    precision = (hits / np.maximum(seen, 1)).T
    recall = (hits / np.maximum(total, 1)).T
    found = [metrics.of_curve(precision, recall, form) for form in forms]
    return np.where(total > 0, found, np.nan)


def _up_to(ends: np.ndarray, places: np.ndarray, times: np.ndarray) -> np.ndarray:
    """How many were drawn up to each end, `(ends, rounds)`; some are up to the first.

    Args:
        places: of the rows of `times`, rising as `ends` are.
    """
    starts = np.searchsorted(places, np.append(0, ends[:-1] + 1))
    reached = times[: np.searchsorted(places, ends[-1], side="right")]
    return np.cumsum(np.add.reduceat(reached, starts, axis=0), axis=0)
