"""Settings of what photographs teach by their labels."""

from typing import Annotated, Literal

import pydantic

from midlevel.settings.sections import Section

# What settings leave open, by the level of labels (docs/measurements.md, "Together").
BOXED = {"epochs": 16, "steps": 300, "window_loss": 1.0}
ALONE = {"epochs": 16, "steps": 240, "window_loss": 0.0}
LEAST_STEPS = 64
LEVELS = {"box": BOXED, "mixed": BOXED, "image": ALONE}


class ImageLoss(Section):
    """What photographs teach by their labels, together with windows or alone."""

    epochs: Annotated[int, pydantic.Field(ge=0)] | None = None
    """At most; by default 16, or as many as `least_steps` take; 0 leaves it out, and
    windows teach alone."""
    steps: Annotated[int, pydantic.Field(ge=1)] | None = None
    """With `select: heldout`: how long it learns, in whole epochs, at most `epochs`; by
    default 300, where labels alone teach 240."""
    least_steps: Annotated[int, pydantic.Field(ge=0)] | None = None
    """With `select: heldout`: so many steps also of few photographs; by default 64, and
    none where `epochs` is given."""
    learning_rate: Annotated[float, pydantic.Field(gt=0)] = 3e-4
    """Of Adam, at the start; it falls to nothing at the last step, as half a cosine."""
    batch: Annotated[int, pydantic.Field(ge=1)] = 16
    """Photographs a step."""
    windows: Annotated[int, pydantic.Field(ge=1)] = 50
    """Windows that are drawn of each photograph for a step."""
    scales: Literal["all", "one"] = "all"
    """Whether a photograph's windows are drawn from all levels of the pyramid, or from
    one that is drawn for each step, as photographs are resized in Oquab 2015."""
    mean_epochs: Annotated[int, pydantic.Field(ge=0)] = 0
    """Epochs before these in which all windows count alike: which ones are highest is
    chance as long as a head knows nothing."""
    window_loss: Annotated[float, pydantic.Field(ge=0)] | None = None
    """Weight of the loss of the labelled windows that each step has too; by default 1;
    none where labels alone teach."""
    window_batch: Annotated[int, pydantic.Field(ge=1)] = 256
    """Labelled windows a step."""

    def resolved(self, level: str) -> "ImageLoss":
        """The settings with what they leave open, which depends on the level."""
        known = self.model_dump(exclude_none=True)
        least = 0 if "epochs" in known else LEAST_STEPS
        return ImageLoss(**{**LEVELS[level], "least_steps": least, **known})
