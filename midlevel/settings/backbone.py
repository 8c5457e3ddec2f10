"""The section of the settings that says which frozen network there is."""

from pathlib import Path
from typing import Annotated

import pydantic

from midlevel.networks.backbones import own, table
from midlevel.settings import config_errors
from midlevel.settings.sections import Section


class Backbone(Section):
    """The frozen network.

    Those below `weights` are of a network of your own (docs/backbones.md): `name` is
    `onnx` or `openvino`, `weights` its file.
    """

    name: str = table.DEFAULT
    """Which network."""
    weights: str = "imagenet"
    """`imagenet`, a path to a `.weights.h5` file, or `none`: random. Of `onnx` and
    `openvino` the path of the `.onnx` or `.xml` file."""
    map: str = table.LAST
    """Of which map the features are (docs/backbones.md): `last`, `before_last`,
    `stride16` or another."""
    stride: Annotated[int, pydantic.Field(ge=1, le=256)] | None = None
    """Pixels along one side of a cell of the map, or of a ViT's patch."""
    image_size: Annotated[int, pydantic.Field(ge=16, le=2048)] = own.INPUT_SIZE
    """Side in pixels of the images it was trained on, a multiple of the stride."""
    scaling: own.Scaling = "imagenet"
    """How it takes pixels. `imagenet`, `clip`: less the mean of that data, over its
    deviation; `signed`: -1 to 1; `unit`: 0 to 1; `none`: 0 to 255; `caffe`: less
    ImageNet's mean, and such networks take `order: bgr` too."""
    order: own.Order = "rgb"
    """Of its colours; Caffe's networks take `bgr`."""
    output: str | None = None
    """The output that is the map, or the tokens, where there are several."""

    @pydantic.field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in (*table.BACKBONES, *own.NAMES):
            raise config_errors.NotOneOf(name, (*table.BACKBONES, *own.NAMES))
        return name

    @pydantic.field_validator("map")
    @classmethod
    def _gives(cls, name: str, info: pydantic.ValidationInfo) -> str:
        backbone = table.BACKBONES.get(info.data.get("name", ""))
        maps = [one.name for one in backbone.maps] if backbone else []
        if name != table.LAST and name not in maps and "name" in info.data:
            if not maps:  # one's own, or one whose maps have no names
                raise ValueError("expected last, the one map that the network gives")
            raise config_errors.NotOneOf(name, [table.LAST, *maps])
        return name

    @pydantic.field_validator("stride", "image_size", "scaling", "order", "output")
    @classmethod
    def _of_own(cls, value: object, info: pydantic.ValidationInfo) -> object:
        name, key = info.data.get("name", own.NAMES[0]), str(info.field_name)
        if name not in own.NAMES and value != cls.model_fields[key].default:
            raise ValueError(
                f"is only for {' and '.join(own.NAMES)}; midlevel knows that of {name}"
            )
        return value

    @pydantic.model_validator(mode="after")
    def _enough_of_own(self) -> "Backbone":
        if self.name not in own.NAMES:
            return self
        if self.weights in ("imagenet", "none"):
            raise ValueError(
                f"{self.name} needs backbone.weights, the path of a file that ends in "
                f"{own.ENDINGS[self.name]}"
            )
        if self.stride is None:
            raise ValueError(
                f"{self.name} needs backbone.stride, the pixels along one side of a "
                "cell of its map: often 32, of a ViT its patch, such as 14 or 16"
            )
        if self.image_size % self.stride:
            raise ValueError(
                f"backbone.image_size, {self.image_size}, must be a multiple of "
                f"backbone.stride, {self.stride}"
            )
        return self

    def facts(self) -> own.Facts | None:
        """What is said of a network of the user's own; None of one of the table."""
        if self.name not in own.NAMES or self.stride is None:
            return None
        return own.Facts(
            self.name,
            Path(self.weights),
            self.stride,
            self.image_size,
            self.scaling,
            self.order,
            self.output,
        )

    def spec(self) -> table.Spec:
        """Its line of the table, of its `map`; of one's own without its channels."""
        facts = self.facts()
        return facts.spec() if facts else table.find(self.name).of_map(self.map)
