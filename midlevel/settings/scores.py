"""Settings of what is said of photographs."""

from typing import Annotated, Any, Literal

import pydantic

from midlevel.settings.sections import Section, told_apart


def _is_auto(value: Any) -> bool:
    return value == "auto"


class Scores(Section):
    """How window scores become image scores."""

    aggregation: Literal["auto", "power", "max", "top", "lse"] = "auto"
    """See `midlevel.method.aggregation`: the power mean, the highest, the mean of the
    highest share, or a smooth maximum; `auto`: `lse`; `power` without image loss or
    where `k` is given."""
    k: Annotated[
        Annotated[Literal["auto"], pydantic.Tag("<1>")]
        | Annotated[float, pydantic.Field(ge=1, le=100), pydantic.Tag("<2>")],
        told_apart(_is_auto),
    ] = "auto"
    """Exponent of the power mean; `auto`: chosen; the image loss has 2 meanwhile."""
    top: Annotated[float, pydantic.Field(gt=0, le=1)] = 0.1
    """Share of the windows for `top`."""
    lse: Annotated[float, pydantic.Field(ge=0.001, le=1000)] = 1.0
    """r of `lse`: near 0 it is the mean of log-odds; 1 the mean of odds; the larger the
    nearer to the highest."""
    whole: bool = True
    """Join a linear model of the whole photograph to the windows' scores."""
    whole_strength: Annotated[float, pydantic.Field(gt=0)] = 10.0
    """C of that model's logistic regression: the higher, the closer it fits."""
    calibrate: bool = True
    """Make scores probabilities."""
    precision: Annotated[float, pydantic.Field(gt=0, le=1)] | None = None
    """Precision that thresholds shall reach; by default they have the highest F1."""
    mirror: bool = False
    """Score photographs mirrored too, once trained: twice the network's time."""
