"""Trying a candidate: what held-out training photographs say of it, and what it costs.

The validation split is not looked at: it measures what is chosen here.
"""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from midlevel import errors, runs
from midlevel.advising.candidates import Candidate
from midlevel.datasets import Dataset
from midlevel.evaluation import fit_calibration
from midlevel.features import preparation, trunk_maps
from midlevel.features.extractor import Extractor
from midlevel.features.preparation import Prepared
from midlevel.images import augment
from midlevel.method import metrics
from midlevel.settings.config import Config
from midlevel.system.progress import Progress
from midlevel.training import holding_out, train


@dataclass(frozen=True)
class Sample:
    """Photographs to try candidates on.

    Attributes:
        dataset: with a training split of so many photographs as are looked at.
        train: its name.
        folder: for what is needed meanwhile: networks, checkpoints.
    """

    dataset: Dataset
    train: str
    folder: Path

    def __len__(self) -> int:
        return len(self.dataset.split(self.train))

    @classmethod
    def drawn(
        cls, dataset: Dataset, train: str, count: int, seed: int, folder: Path
    ) -> "Sample":
        """At most `count` photographs of the training split, in an order drawn."""
        rows = dataset.split(train)
        order = np.random.default_rng(seed).permutation(len(rows))
        rows = [rows[i] for i in order[:count]]
        return cls(replace(dataset, splits={train: rows}), train, folder)

    def first(self, count: int) -> "Sample":
        """The first photographs of it."""
        rows = self.dataset.split(self.train)[:count]
        dataset = replace(self.dataset, splits={self.train: rows})
        return replace(self, dataset=dataset)

    def run(self, config: Config) -> runs.Run:
        """Where a backbone is kept meanwhile."""
        settings = config.backbone
        return runs.Run(self.folder / f"{settings.name} {settings.map}")

    def extractor(self, config: Config) -> Extractor:
        """What makes features with a candidate's backbone."""
        run = self.run(config)
        run.folder.mkdir(parents=True, exist_ok=True)
        return train.kept_extractor(run, config)

    def prepared(
        self, config: Config, views: Mapping[str, Sequence[str]], progress: Progress
    ) -> Prepared:
        """The photographs with their features, and maps where a tail is to learn."""
        extractor = self.extractor(config)
        place = config.features.store
        found = preparation.prepare(self.dataset, views, extractor, place, progress)
        if not config.tail.learns:
            return found
        weights = self.run(config).weights(config.backbone)
        maps = trunk_maps.prepare(found, config, weights, progress)
        return replace(found, maps=maps)


@dataclass(frozen=True)
class Tried:
    """What a trial found.

    Attributes:
        mAP: on held-out training photographs, area, in [0, 1].
        seconds: that learning took, held-out photographs included.
    """

    mAP: float
    seconds: float


def tried(candidate: Candidate, sample: Sample, seed: int, progress: Progress) -> Tried:
    """Learn from some training photographs and score the others, see `holding_out`.

    Raises:
        errors.MidlevelError: too few photographs for some to be held out.
    """
    update = {"seed": seed, "select": "heldout"}
    config = candidate.config.model_copy(update=update)
    prepared = sample.prepared(config, views_to_learn(config), progress)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(dir=sample.folder) as folder:
        found = holding_out.score(prepared, config, Path(folder), progress)
    if found is None:
        raise errors.DataError(
            f"{sample.dataset.folder}: expected {holding_out.LEAST} photographs or "
            f"more to learn from, some of which can be held out. Received: "
            f"{len(sample)} in split {sample.train!r}. Add photographs; until then "
            "train with the settings as they are."
        )
    scored = found.scored
    aggregation, _ = scored.best()
    fitted = fit_calibration.fit(
        scored.at(aggregation), scored.targets, config.scores, scored.whole
    )
    ranking = scored.ranking(aggregation, fitted.calibration)
    area = metrics.mean_average_precision(ranking, scored.targets)
    return Tried(area, time.monotonic() - begun)


def views_to_learn(config: Config) -> dict[str, list[str]]:
    """The views of the training split that learning and scoring need."""
    views = dict.fromkeys([*config.features.views, augment.ORIGINAL])
    return {config.data.train: list(views)}
