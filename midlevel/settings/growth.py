"""Settings of a network that grows when it learns a new task (Growing a Brain)."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

import pydantic

from midlevel.networks.growing import NONE, Kind, NewUnits
from midlevel.settings.sections import Section

Depth = Literal["new", "fc7", "fc6"]
# Where the settings leave them open; the paper looks at 1024 to 4096 of `da`, and at
# 1024 and 2048 of the others (Wang et al., CVPR 2017, "Growing a Brain").
UNITS = 2048
AUTO: Final = "auto"


class Growth(Section):
    """New units for a task that is learned from a run (`train --from`)."""

    kind: Literal["auto", Kind] = AUTO
    """Which units come beside or above those of the run's head (Wang et al., CVPR 2017,
    "Growing a Brain"). `da`, deeper: a new layer on top of its last hidden layer. `wa`,
    wider: new units beside that layer. `dwa`: both. `wwa`: new units beside the last
    two hidden layers, half as many beside the lower. `none`: a classifier alone.
    `auto`: `wa` where the head has a hidden layer, else `none`."""
    units: Annotated[int, pydantic.Field(ge=2)] | None = None
    """New units of a layer; by default 2048."""
    norm: Literal["l2", "none"] = "l2"
    """`l2`: old and new units, each by themselves, are brought to length one, and every
    unit has a scale, which is learned. The paper finds it decisive for `wa`."""
    scale: Annotated[float, pydantic.Field(gt=0)] = 20.0
    """That scale at the start; the paper's are 10 or 20."""
    learn: Depth = "new"
    """Which layers learn. `new`: new ones alone, and the run's classes stay what they
    were. Then with them, at a lower rate, `fc7`: the head's last hidden layer; `fc6`:
    its last two."""
    new_factor: Annotated[float, pydantic.Field(gt=0)] = 10.0
    """How many times as fast new layers learn as old ones; the new ones' rate is
    `image_loss.learning_rate`."""

    @property
    def grows(self) -> bool:
        """Whether there are new units."""
        return self.kind not in (AUTO, NONE)

    @property
    def new_units(self) -> NewUnits:
        """What `networks.growing.grow` takes."""
        scale = self.scale if self.norm == "l2" else None
        kind = NONE if self.kind == AUTO else self.kind
        return NewUnits(kind, self.units or UNITS, scale)

    def resolved(self, hidden: Sequence[int]) -> "Growth":
        """The settings with what `auto` is for a head with such hidden layers."""
        if self.kind != AUTO:
            return self
        return self.model_copy(update={"kind": "wa" if hidden else NONE})

    @pydantic.model_validator(mode="after")
    def _units_of_a_kind(self) -> "Growth":
        if self.units is not None and self.kind == NONE:
            raise ValueError(
                "growth.units needs growth.kind=da, wa, dwa or wwa; growth.kind is none"
            )
        return self
