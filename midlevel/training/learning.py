"""How a head comes about: what the strategy says, by Keras or by scikit-learn."""

from midlevel.system.progress import Progress
from midlevel.training import linear, stages, together
from midlevel.training.stages import FittedHead, Job


def fit(job: Job, progress: Progress) -> FittedHead:
    """Fit a head on the frozen network, and join it to those of earlier tasks.

    Raises:
        errors.MidlevelError: see `stages.fit` and `linear.fit`.
    """
    way = linear.fit if job.config.way.is_linear else stages.fit
    return together.fit(job, way(job, progress), progress)
