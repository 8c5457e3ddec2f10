"""Settings of a task that is learned onto those of a run."""

from typing import Annotated, Literal

import pydantic

from midlevel.settings.sections import Section


class Tasks(Section):
    """How a run's own classes are kept where its layers learn on (`train --from`).

    They count where `growth.learn` is not `new`: `new` changes nothing of the run.
    """

    keep: Literal["lwf", "none"] = "lwf"
    """`lwf`, learning without forgetting: the old classes' scores of the new
    photographs shall stay what they are (Li and Hoiem, ECCV 2016). `none`: plain
    fine-tuning."""
    weight: Annotated[float, pydantic.Field(ge=0)] = 1.0
    """Of that loss beside the new classes'; the higher, the less is forgotten."""
    temperature: Annotated[float, pydantic.Field(ge=1)] = 2.0
    """Scores are compared as their roots of this order, so that small ones count."""
    steps: Annotated[int, pydantic.Field(ge=1)] = 150
    """How long old layers learn too, after the new ones alone, in whole epochs of
    `image_loss.batch` photographs a step."""
