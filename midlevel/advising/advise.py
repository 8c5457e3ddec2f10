"""`midlevel advise`: from labelled photographs to what to train.

Nothing is asked: how many photographs there are is counted, how near they are to
ImageNet is measured, and strategies are tried on training photographs held out.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from midlevel import errors
from midlevel.advising import candidates, costs, similarity, trials
from midlevel.advising.candidates import Candidate
from midlevel.advising.costs import Cost
from midlevel.advising.trials import Sample
from midlevel.datasets import Dataset, reading
from midlevel.datasets.dataset import count_shown
from midlevel.evaluation import advice_text
from midlevel.evaluation.advice import Advice, Option, Size
from midlevel.settings import config as config_
from midlevel.settings import strategies
from midlevel.settings.config import Config
from midlevel.system import files
from midlevel.system.progress import Progress
from midlevel.training import holding_out

MINUTES = 30.0  # to try candidates in
SEEDS = 3
AT_MOST = 400  # photographs that are tried; a ranking needs no more
# What is tried: settings that have to be left open, and what that is.
OPEN = {
    "strategy": "auto",
    "backbone.map": "last",
    "tail.cut": "none",
    "image_loss.mean_epochs": 0,
}
# Few photographs, near to ImageNet: CS231n's four scenarios of transfer learning.
SCENARIOS = {
    (True, True): "linear",
    (True, False): "early",
    (False, True): "tail",
    (False, False): "all",
}
ADVICE = "Name another file with --save, or make room."
CLOSE = 0.003  # mAP by which a slower option has to be better than a quicker one


@dataclass(frozen=True)
class Limits:
    """How much is tried.

    Attributes:
        minutes: in all; candidates that would take longer are not tried.
        seeds: each with another part of the photographs held out.
        photographs: at most.
    """

    minutes: float = MINUTES
    seeds: int = SEEDS
    photographs: int = AT_MOST

    def check(self) -> None:
        """Make sure that something can be tried.

        Raises:
            errors.MidlevelError: it cannot.
        """
        least = holding_out.LEAST
        for name, value, smallest in (
            ("minutes", self.minutes, 0),
            ("seeds", self.seeds, 1),
            ("photographs", self.photographs, least),
        ):
            if not value >= smallest:
                raise errors.MidlevelError(
                    f"{name}: expected {smallest} or more. Received: {value}."
                )


def advise(
    data: str | Path,
    config: Config,
    progress: Progress,
    limits: Limits | None = None,
    wanted: Sequence[str] = (),
    backbones: Sequence[str] = (),
) -> Advice:
    """Try strategies with backbones, and say which to train with.

    Args:
        config: the settings that all have in common.
        wanted: strategies; by default linear, head and tail, and of photographs far
            from ImageNet early.
        backbones: names; by default those whose weights travel with midlevel.

    Raises:
        errors.MidlevelError: the data cannot be read, or are too few; a strategy or a
            backbone is unknown.
    """
    limits, given = limits or Limits(), config_.given(config)
    limits.check()
    _check_open(given)
    asked = [given["backbone.name"]] if "backbone.name" in given else []
    names = backbones or asked or candidates.at_hand()
    candidates.check(wanted, names)
    dataset = reading.for_training(data, config, progress)
    train = config.data.train
    with tempfile.TemporaryDirectory() as folder:
        sample = Sample.drawn(
            dataset, train, limits.photographs, config.seed, Path(folder)
        )
        probes = similarity.measure(sample, config, names[0], progress)
        is_near = similarity.is_near(probes)
        some = wanted or (candidates.NEAR if is_near else candidates.FAR)
        found = candidates.of(config, dataset, progress, some, names)
        known = _timed(found, sample, dataset, config, progress)
        options = _tried(found, known, sample, dataset, limits, progress)
    size = _size(dataset, train, len(sample))
    best = recommended(options)
    return Advice(
        str(data),
        list(dataset.classes),
        size,
        probes,
        options,
        best,
        _reasons(size, probes, options, best),
    )


def _check_open(given: dict[str, Any]) -> None:
    """Refuse settings of which several are tried, and those that are not timed.

    Raises:
        errors.MidlevelError: one is given.
    """
    for key, left in OPEN.items():
        if given.get(key, left) != left:
            raise errors.MidlevelError(
                f"advise tries {key} itself, or does without: expected {left}. "
                f"Received: {given[key]}. Leave it out, or name what is to be tried "
                "with --strategy."
            )
    if given.get("image_loss.epochs") == 0:
        raise errors.MidlevelError(
            "advise tries heads with an image loss. Received: image_loss.epochs=0. "
            "Leave it out."
        )


def recommended(options: Sequence[Option]) -> Option:
    """The quickest of those that are about as good as the best.

    Of those not tried none is.
    """
    tried = [one for one in options if one.mean is not None]
    highest = max(one.mean or 0.0 for one in tried)
    close = [one for one in tried if (one.mean or 0.0) >= highest - CLOSE]
    return min(close, key=lambda one: one.minutes)


def _timed(
    found: Sequence[Candidate],
    sample: Sample,
    dataset: Dataset,
    config: Config,
    progress: Progress,
) -> list[Cost]:
    count = len(dataset.split(config.data.train))
    with progress.task("timing", len(found)) as advance:
        costs_ = []
        for one in found:
            costs_.append(costs.timed(one, sample, count))
            advance()
    return costs_


def _tried(
    found: Sequence[Candidate],
    known: Sequence[Cost],
    sample: Sample,
    dataset: Dataset,
    limits: Limits,
    progress: Progress,
) -> list[Option]:
    """An option for each candidate; the quickest are tried, as long as time is left."""
    seconds = [
        costs.trial_seconds(cost, one.config, sample, limits.seeds)
        for one, cost in zip(found, known, strict=True)
    ]
    options: dict[int, Option] = {}
    left = 60 * limits.minutes
    for i in sorted(range(len(found)), key=seconds.__getitem__):
        one = found[i]
        option = _option(one, known[i], dataset)
        if options and seconds[i] > left:
            note = f"not tried: {seconds[i] / 60:.0f} minutes"
            options[i] = replace(option, note=note)
            continue
        left -= seconds[i]
        options[i] = replace(option, mAP=_scores(one, sample, limits, progress))
    return [options[i] for i in range(len(found))]


def _scores(
    one: Candidate, sample: Sample, limits: Limits, progress: Progress
) -> list[float]:
    """The mAP of each seed."""
    scores = [
        trials.tried(one, sample, one.config.seed + i, progress.silent()).mAP
        for i in range(limits.seeds)
    ]
    told = ", ".join(f"{100 * score:.1f}" for score in scores)
    progress.say(f"{one.name}: {told} on held-out training photographs")
    return scores


def _option(one: Candidate, cost: Cost, dataset: Dataset) -> Option:
    data = one.config.data
    learn_from, validate = (len(dataset.split(name)) for name in (data.train, data.val))
    seconds = costs.training_seconds(cost, one.config, learn_from, validate)
    return Option(
        one.strategy, one.backbone, [], seconds / 60, cost.size_mb, one.settings
    )


def _size(dataset: Dataset, train: str, looked_at: int) -> Size:
    rows = dataset.split(train)
    shown = count_shown(rows, len(dataset.classes)).tolist()
    by_class = dict(zip(dataset.classes, shown, strict=True))
    boxes = sum(len(row.boxes) for row in rows)
    return Size(len(rows), boxes, by_class, looked_at)


def _reasons(
    size: Size, probes: dict[str, float], options: Sequence[Option], best: Option
) -> list[str]:
    """Why: what was found, what CS231n's notes have for it, and what was measured."""
    is_near = similarity.is_near(probes)
    row = strategies.STRATEGIES[SCENARIOS[size.is_small, is_near]]
    amount = "few" if size.is_small else "many"
    place = "near to ImageNet" if is_near else "far from ImageNet"
    by_map = ", ".join(f"{name} {100 * mAP:.1f}" for name, mAP in probes.items())
    lines = [
        f"{size.boxes} boxes, and {min(size.shown.values())} photographs or more of "
        f"each class, are {amount}.",
        f"A linear model of whole photographs has, by map, mAP {by_map}: they are "
        f"{place}.",
        f"For {amount} photographs {place} {strategies.CS231N}, has {row.name}: "
        f"{row.line}.",
    ]
    tried = [one for one in options if one.mean is not None]
    highest = max(tried, key=lambda one: one.mean or 0)
    if highest is not best:
        more = 100 * ((highest.mean or 0) - (best.mean or 0))
        lines.append(
            f"{highest.name} had {more:.1f} points more than {best.name}, which may be "
            "chance, and takes longer."
        )
    if best.strategy != row.name:
        lines.append(
            f"Measured, {best.name} was better than {row.name}."
            if any(one.strategy == row.name for one in tried)
            else f"{row.name} was not tried here."
        )
    return lines


def save(found: Advice, path: Path) -> None:
    """Write the recommended settings as a file that `midlevel train --config` takes.

    Raises:
        errors.MidlevelError: it cannot be written.
    """
    tree: dict[str, Any] = {}
    for key, value in found.settings.items():
        *parents, last = key.split(".")
        place = tree
        for name in parents:
            place = place.setdefault(name, {})
        place[last] = value
    said = [advice_text.about(found), *found.reasons]
    lines = [f"# {line}" for told in said for line in advice_text.folded(told)]
    text = "\n".join([*lines, yaml.safe_dump(tree, sort_keys=False)])
    with files.explained(path, ADVICE):
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(path, text)
