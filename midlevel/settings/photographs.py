"""Settings of what whole photographs teach, and of what is said of them."""

from typing import Annotated, Any, Literal

import pydantic

from midlevel.method.aggregation import Aggregation
from midlevel.settings.sections import Section, told_apart

# What settings leave open, by the level of labels. A head that boxes have taught is
# nearly done when photographs come; one that knows labels alone begins with them.
AFTER_WINDOWS = {"learning_rate": 1e-4, "epochs": 8, "steps": 240, "mean_epochs": 0}
ALONE = {"learning_rate": 3e-4, "epochs": 24, "steps": 720, "mean_epochs": 2}
LEVELS = {"box": AFTER_WINDOWS, "mixed": AFTER_WINDOWS, "image": ALONE}
AGGREGATION = Aggregation("power", 2.0)  # `auto` where labels alone teach


class ImageLoss(Section):
    """Learning from the labels of photographs: after windows, or alone."""

    epochs: Annotated[int, pydantic.Field(ge=0)] | None = None
    """At most; by default 8, where labels alone teach 24; 0 leaves it out."""
    learning_rate: Annotated[float, pydantic.Field(gt=0)] | None = None
    """Of Adam; by default 0.0001, where labels alone teach 0.0003."""
    batch: Annotated[int, pydantic.Field(ge=1)] = 16
    """Photographs a step."""
    windows: Annotated[int, pydantic.Field(ge=1)] = 100
    """Windows that are drawn of each photograph for a step."""
    steps: Annotated[int, pydantic.Field(ge=1)] | None = None
    """With `select: heldout`: how long it learns, in whole epochs, at most `epochs`; by
    default 240, where labels alone teach 720."""
    mean_epochs: Annotated[int, pydantic.Field(ge=0)] | None = None
    """Epochs before these in which all windows count alike: which ones are highest is
    chance as long as a head knows nothing; by default 0, where labels alone teach 2."""
    scales: Literal["all", "one"] = "all"
    """Whether a photograph's windows are drawn from all levels of the pyramid, or from
    one that is drawn for each step, as photographs are resized in Oquab 2015."""
    window_loss: Annotated[float, pydantic.Field(ge=0)] = 0.0
    """Weight of the loss of a batch of labelled windows that each step has too; not
    where labels alone teach."""

    def resolved(self, level: str) -> "ImageLoss":
        """The settings with what they leave open, which depends on the level."""
        known = self.model_dump(exclude_none=True)
        return ImageLoss(**{**LEVELS[level], **known})


def _is_auto(value: Any) -> bool:
    return value == "auto"


class Scores(Section):
    """How window scores become image scores."""

    aggregation: Literal["auto", "power", "max", "top", "lse"] = "auto"
    """See `midlevel.method.aggregation`: the power mean, the highest, the mean of the
    highest share, or a smooth maximum; `auto`: `power`."""
    k: Annotated[
        Annotated[Literal["auto"], pydantic.Tag("<1>")]
        | Annotated[float, pydantic.Field(ge=1, le=100), pydantic.Tag("<2>")],
        told_apart(_is_auto),
    ] = "auto"
    """Exponent of the power mean; `auto`: 2 where there is an image loss, else chosen;
    chosen too where labels alone teach and `aggregation` is `power`."""
    top: Annotated[float, pydantic.Field(gt=0, le=1)] = 0.1
    """Share of the windows for `top`."""
    lse: Annotated[float, pydantic.Field(gt=0, le=1000)] = 5.0
    """r of `lse`: near 0 it is the mean, the larger the nearer to the highest."""
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
