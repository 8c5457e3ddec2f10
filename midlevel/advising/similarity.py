"""How near the photographs are to what the backbone has learned from, measured.

Early layers see edges and textures, late ones the things of ImageNet (Yosinski et al.,
NIPS 2014, "How transferable are features in deep neural networks?"). Where a linear
model of the last map knows the classes best, the photographs are near to ImageNet;
where one of an earlier map does, they are far from it, and CS231n's notes on transfer
learning advise to begin there.
"""

import warnings

import numpy as np

from midlevel.advising.trials import Sample
from midlevel.images.augment import ORIGINAL
from midlevel.method import metrics
from midlevel.networks import backbones
from midlevel.networks.backbones.table import LAST
from midlevel.settings import config as config_
from midlevel.settings.config import Config
from midlevel.system import runtime
from midlevel.system.progress import Progress

STRENGTHS = (1e2, 1e3, 1e4)  # of the ridge, on standardised vectors
PARTS = 5  # each photograph is judged by a model of the other four
ENOUGH = 300  # photographs; of more the same is found
NEAR = 0.01  # mAP by which an earlier map has to be better, to count


def measure(
    sample: Sample, config: Config, backbone: str, progress: Progress
) -> dict[str, float]:
    """The mAP of a ridge regression on each map of a backbone, the last one first.

    Of photographs of the training split, each judged by others; a vector a photograph.

    Args:
        config: where features are stored, and what computes them.
        backbone: its name.
    """
    spec = backbones.find(backbone)
    names, some = [LAST, *(one.name for one in spec.maps)], sample.first(ENOUGH)
    with progress.task("how near to ImageNet", len(names)) as advance:
        found = {}
        for name in names:
            one = _seeing(config, backbone, name)
            found[name] = _of_map(some, one, progress.silent())
            advance()
    return found


def is_near(probes: dict[str, float]) -> bool:
    """Whether the last map knows the classes as well as any other.

    >>> is_near({"last": 0.80, "stride16": 0.70}), is_near({"last": 0.5, "early": 0.6})
    (True, False)
    """
    return probes[LAST] >= max(probes.values()) - NEAR


def _seeing(config: Config, backbone: str, name: str) -> Config:
    """Settings of features of one level, from a map."""
    return config_.load(
        None,
        {
            "backbone.name": backbone,
            "backbone.map": name,
            "windows.pyramid": "single",
            "features.store": config.features.store,
            "data.train": config.data.train,
            "engine": config.engine,
            "precision": config.precision,
        },
    )


def _of_map(sample: Sample, config: Config, progress: Progress) -> float:
    prepared = sample.prepared(config, {sample.train: [ORIGINAL]}, progress)
    views = list(prepared.views(sample.train, [ORIGINAL]))
    vectors = np.stack([view.whole.mean(axis=0) for view in views])
    count = len(prepared.dataset.classes)
    targets = np.stack([view.example.targets(count) for view in views])
    return max(judged(vectors, targets, strength) for strength in STRENGTHS)


def judged(vectors: np.ndarray, targets: np.ndarray, strength: float) -> float:
    """mAP of photographs, each judged by a ridge regression on those of other parts.

    Args:
        vectors: `(photographs, channels)`.
        targets: `(photographs, classes)` of 1, 0, -1; what is not said counts as 0 in
            what is learned, and not at all in what is judged.
    """
    linear_model = runtime.load("sklearn.linear_model", "scikit-learn")
    selection = runtime.load("sklearn.model_selection", "scikit-learn")
    pipeline = runtime.load("sklearn.pipeline", "scikit-learn")
    scaling = runtime.load("sklearn.preprocessing", "scikit-learn")
    model = pipeline.make_pipeline(
        scaling.StandardScaler(), linear_model.Ridge(strength)
    )
    parts = selection.KFold(min(PARTS, len(vectors)), shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # vectors of fewer photographs than channels
        shows = (targets == 1).astype(float)
        found = selection.cross_val_predict(model, vectors, shows, cv=parts)
    return metrics.mean_average_precision(found.reshape(targets.shape), targets)
