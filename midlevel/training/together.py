"""Old layers learn with the new ones, once these have been fitted alone.

New layers first, then all: the warm-up of learning without forgetting (Li and Hoiem,
section 3). Old layers learn at a part of the rate, as in the authors' code.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from midlevel.datasets import label_levels
from midlevel.networks import growing, heads, tasks
from midlevel.networks.forgetting import Kept
from midlevel.system.progress import Progress
from midlevel.training import continuing, fitting, labelled_windows, stages
from midlevel.training.fitting import Schedule
from midlevel.training.stages import FittedHead, Job
from midlevel.training.together_step import TogetherStep

if TYPE_CHECKING:
    import keras

    from midlevel.settings.config import Config

TOGETHER = "together"  # the stage, and its folder
EPOCH = "epoch of old and new layers"


def fit(job: Job, fitted: FittedHead, progress: Progress) -> FittedHead:
    """Join a new task's head to the earlier ones; as it is where there are none.

    With `growth.learn` other than `new`, go on with all of it.

    Raises:
        errors.MidlevelError: see `fitting.fit`.
    """
    earlier, config = job.earlier, job.config
    if earlier is None:
        return fitted
    head = earlier.joined(fitted.head, config)
    if config.growth.learn == "new":
        return replace(fitted, joined=head)
    shared = let_learn(head, config)
    progress.say(
        f"growth.learn={config.growth.learn}: of the run's own layers, "
        f"{', '.join(shared)} learn{'s' if len(shared) == 1 else ''} too, at "
        f"1/{config.growth.new_factor:g} of the new ones' rate. The run's own classes "
        "get other scores, and keep calibration and thresholds: midlevel evaluate on "
        "photographs of these says what they are worth"
    )
    windows = None
    if config.labels.level != label_levels.IMAGE:
        windows = labelled_windows.collect(job.prepared, config, progress.silent())
    photographs = stages.photograph_set(job, windows)
    count, batch = len(photographs), config.image_loss.batch
    epochs = stages.epochs_of(config.tasks.steps, count, batch)
    schedule = Schedule(epochs, batch, title=EPOCH, section=stages.LOSS)
    kept = None
    if config.tasks.keep == "lwf":
        kept = Kept(earlier.head(), config.tasks.weight, config.tasks.temperature)
    steps = schedule.steps(count)
    step = TogetherStep(head, config, stages.in_loss(config), kept, steps)
    place = job.folder / TOGETHER
    head, state = fitting.fit(
        step, photographs, None, schedule, config.seed, place, progress
    )
    states = {**fitted.states, TOGETHER: state}
    return replace(fitted, head=tasks.parts(head)[-1], joined=head, states=states)


def let_learn(head: "keras.Model", config: "Config") -> list[str]:
    """Let the hidden layers that tasks share learn, as many as `growth.learn` says.

    Also the old classifiers, where their responses are kept; else nothing teaches them.

    Returns:
        these hidden layers' names.
    """
    *old, _ = tasks.parts(head)
    for part in old:
        heads.classifier_of(part).trainable = config.tasks.keep == "lwf"
    levels = growing.hidden_layers(old[-1])[: continuing.LEARN[config.growth.learn]]
    shared = [layer for level in levels for layer in level]
    for layer in shared:
        layer.trainable = True
    return [layer.name for layer in shared]
