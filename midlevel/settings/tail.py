"""Settings of what learns below the head."""

from typing import Annotated, Literal

import pydantic

from midlevel.networks.backbones import table
from midlevel.settings import strategies
from midlevel.settings.sections import Section
from midlevel.system import text

NONE, INPUT = strategies.NONE, strategies.INPUT


class Tail(Section):
    """The end of the backbone, which may learn too once a head is there."""

    cut: str = NONE
    """The map behind which the backbone learns (docs/backbones.md): `stride16`,
    `before_last` or another; `input`: all of it learns; `none`: it stays frozen."""
    learning_rate: Annotated[float, pydantic.Field(gt=0)] = 3e-5
    """Of Adam, at the start; it falls to nothing at the last step, as half a cosine."""
    head_factor: Annotated[float, pydantic.Field(gt=0)] = 10.0
    """How many times as fast the head learns meanwhile, as new layers do in R-CNN and
    in Growing a Brain."""
    steps: Annotated[int, pydantic.Field(ge=1)] = 150
    """How long, in whole epochs of `image_loss.batch` photographs a step."""

    batch_norm: Literal["frozen", "learns"] = "frozen"
    """Whether batch normalisation keeps ImageNet's means and spreads, or has those of
    each step and learns what they are; random weights need that."""

    @property
    def learns(self) -> bool:
        """Whether there is one."""
        return self.cut != NONE

    def check(self, backbone: table.Spec) -> None:
        """Make sure that a backbone can be cut there.

        Raises:
            ValueError: it has no such map.
        """
        names = [one.name for one in backbone.maps]
        if backbone.name in table.BACKBONES:  # midlevel has its layers
            names = [INPUT, *names]
        if self.learns and self.cut not in names:
            there = f"one of {', '.join([NONE, *names])}" if names else NONE
            received = " ".join(self.cut[:80].split())
            hint = text.did_you_mean(self.cut, names)
            raise ValueError(
                f"tail.cut: backbone {backbone.name} has no such map, expected "
                f"{there}. Received: {received}.{hint}"
            )
