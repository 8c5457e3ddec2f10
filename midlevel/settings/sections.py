"""The sections of the settings: what each may be, its default, and what it means."""

import re
from collections.abc import Callable
from typing import Annotated, Literal

import pydantic

from midlevel import errors
from midlevel.images import augment
from midlevel.method import labels, windows
from midlevel.settings import choices, config_errors


class Section(pydantic.BaseModel):
    """A part of the settings; immutable, and strict about its keys."""

    model_config = pydantic.ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,  # docs/settings.md is made from them
    )


def told_apart(is_first: Callable[[object], bool]) -> pydantic.Discriminator:
    """Of two types, which a value is of, so that errors speak of one only."""
    return pydantic.Discriminator(lambda value: "<1>" if is_first(value) else "<2>")


Fraction = Annotated[float, pydantic.Field(ge=0, le=1)]


class Data(Section):
    """Which photographs and classes."""

    format: choices.DataFormat = "auto"
    """How the data is laid out; `auto` finds out."""
    classes: list[str] | None = None
    """Names to learn, in this order; by default all that occur."""
    ignore_classes: list[str] = []
    """Names to take as background, like what has no box."""
    merge: dict[str, list[str]] = {}
    """A new name, and the names it stands for."""
    units: choices.BoxUnits = "auto"
    """What boxes count in formats of pixels; `auto` refuses what seems not to be so."""
    strict: bool = False
    """Refuse data in which anything is wrong."""
    keep_untaught: bool = False
    """Keep classes that no window teaches; otherwise they are named and left out."""
    train: str = "train"
    """The split to learn from."""
    val: str = "val"
    """The split that measures; with `select: val` it also chooses."""
    val_fraction: Annotated[float, pydantic.Field(gt=0, lt=1)] = 0.2
    """Share of `train` that is held out where there is no such split."""
    group_by: str | None = None
    """`folder`, or a regular expression: what matches alike stays in one split."""

    @pydantic.field_validator("group_by")
    @classmethod
    def _pattern(cls, pattern):
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"must be a regular expression: {error}") from error
        return pattern

    @pydantic.field_validator("classes")
    @classmethod
    def _each_once(cls, names):
        if names is not None and (not names or len(set(names)) < len(names)):
            raise ValueError("needs at least one name, and each name once")
        return names

    @pydantic.field_validator("ignore_classes")
    @classmethod
    def _not_asked_for(cls, names, info):
        both = [name for name in names if name in (info.data.get("classes") or ())]
        if both:
            raise ValueError(f"must not name {both[0]}, which data.classes asks for")
        return names

    @pydantic.field_validator("merge")
    @classmethod
    def _one_fate(cls, merge):
        merged = [old for olds in merge.values() for old in olds]
        twice = [name for name in merged if merged.count(name) > 1]
        if twice:
            raise ValueError(f"must name {twice[0]} once")
        return merge


class LevelSetting(Section):
    """One level of a pyramid that is written out."""

    scale: Annotated[float, pydantic.Field(gt=0, le=16)]
    """Short side of the level, in sides of the backbone's input."""
    sizes: Annotated[
        list[Annotated[int, pydantic.Field(ge=1)]], pydantic.Field(min_length=1)
    ]
    """Sides of the windows taken from it, in cells of the map."""


Pyramid = Annotated[
    Annotated[str, pydantic.Tag("<1>")]
    | Annotated[list[LevelSetting], pydantic.Field(min_length=1), pydantic.Tag("<2>")],
    told_apart(lambda value: not isinstance(value, list)),
]


class Windows(Section):
    """Where windows lie; see `midlevel.method.windows`."""

    pyramid: Pyramid = "octaves"
    """`octaves`, `single`, `paper`, `fine`, or levels: `[{scale: 1, sizes: [7]}]`."""
    overlap: Annotated[float, pydantic.Field(ge=0, lt=1)] = windows.OVERLAP
    """Least share that neighbouring windows have in common, along one side."""

    @pydantic.field_validator("pyramid")
    @classmethod
    def _known(cls, pyramid):
        if isinstance(pyramid, str) and pyramid not in windows.PYRAMIDS:
            others = ", or a list of scale and sizes"
            raise config_errors.NotOneOf(pyramid, windows.PYRAMIDS, others)
        return pyramid

    def levels(self) -> tuple[windows.Level, ...]:
        """The pyramid as data."""
        if isinstance(self.pyramid, str):
            return windows.PYRAMIDS[self.pyramid]
        return tuple(windows.Level(row.scale, tuple(row.sizes)) for row in self.pyramid)


class Features(Section):
    """How windows become vectors."""

    method: Literal["dense", "crop"] = "dense"
    """`dense`: from a map of the image; `crop`: each window cut out, slowly."""
    context: Annotated[int, pydantic.Field(ge=0, le=100)] = 0
    """Pixels of surroundings in a crop of the backbone's input size."""
    views: Annotated[list[str], pydantic.Field(min_length=1)] = [
        augment.ORIGINAL,
        augment.MIRROR,
    ]
    """Changed copies of each photograph to learn from."""
    store: str | None = None
    """A folder for features; by default the user's cache."""

    @pydantic.field_validator("views")
    @classmethod
    def _known(cls, views):
        for name in views:
            try:
                augment.check_name(name)
            except errors.MidlevelError as error:
                others = ", or such as colour:2 for another draw"
                raise config_errors.NotOneOf(name, augment.NAMES, others) from error
        return views


class Labels(Section):
    """Which windows teach what; see `midlevel.method.labels`."""

    level: choices.Level = "auto"
    """What teaches. `box`: boxes; photographs with a label without a box do not.
    `image`: labels of photographs alone; boxes are not used. `mixed`: both, boxes where
    there are some. `auto`: `image` where no training photograph has a box, `mixed`
    where some have labels without boxes, else `box`."""
    unboxed: Literal["largest", "leave_out"] = "largest"
    """With `mixed`: labels without a box teach the photograph's largest windows, or no
    window on its own; the image loss has them either way."""

    min_of_window: Fraction = labels.MIN_OF_WINDOW
    """Least share of a window that a box must fill to label it."""
    min_of_box: Fraction = labels.MIN_OF_BOX
    """Least share of a box that a window must show to be labelled by it."""
    same_class: Literal["leave_out", "keep"] = "leave_out"
    """A window for which several boxes of one class qualify."""
    difficult: Literal["leave_out", "use", "ignore"] = "leave_out"
    """A window for which a box qualifies that is marked as difficult."""
    background: Literal["sample", "weight"] = "sample"
    """Learn from a share of the background windows, or let all weigh that much less."""
    background_fraction: Annotated[float, pydantic.Field(gt=0, le=1)] = 0.1
    """That share."""
    class_weights: Literal["none", "sqrt", "balanced"] = "sqrt"
    """How much more the windows of rare classes weigh."""

    def rules(self) -> labels.Rules:
        """The part that says which box labels which window."""
        return labels.Rules(
            self.min_of_window,
            self.min_of_box,
            self.same_class,
            self.difficult,
            self.background_fraction if self.background == "sample" else 1.0,
            self.unboxed,
        )


class Head(Section):
    """The adaptation layers."""

    hidden: list[Annotated[int, pydantic.Field(ge=1)]] = [2048]
    """Units of each layer below the last; the paper's FCa has 2048."""
    normalise: Literal["power", "none"] = "power"
    """Signed root of the features, then one length; `none` is the paper's."""
    dropout: Annotated[float, pydantic.Field(ge=0, lt=1)] = 0.5
    """Share of these units dropped in training."""


# What settings leave open. sgd is the paper's schedule (section 3.2) with the momentum
# and weight decay of Krizhevsky 2012, whose code it used.
DEFAULTS = {
    "adam": {"learning_rate": 3e-4, "batch": 512, "epochs": 8},
    "sgd": {"learning_rate": 0.01, "batch": 128, "epochs": 60},
}


class Training(Section):
    """How windows teach where they teach alone (`image_loss.epochs: 0`).

    `memory`, `patience` and `held_out_fifths` always count.
    """

    optimizer: Literal["adam", "sgd"] = "adam"
    """`sgd` is the paper's, with its schedule."""
    learning_rate: Annotated[float, pydantic.Field(gt=0)] | None = None
    """By default the optimizer's: 0.0003 for adam, 0.01 for sgd."""
    batch: Annotated[int, pydantic.Field(ge=1)] | None = None
    """Windows a step; by default 512 for adam, 128 for sgd."""
    epochs: Annotated[int, pydantic.Field(ge=1)] | None = None
    """At most; by default 8 for adam, 60 for sgd."""
    memory: Annotated[float, pydantic.Field(gt=0, le=1)] = 0.25
    """Share of the machine's memory for features; others are read in parts."""
    patience: Annotated[int, pydantic.Field(ge=1)] = 3
    """With `select: val`: epochs without a gain after which it stops; not for sgd."""
    steps: Annotated[int, pydantic.Field(ge=1)] = 480
    """adam with `select: heldout`: how long it learns, in whole epochs, at most
    `epochs`."""
    held_out_fifths: Annotated[
        Annotated[Literal["auto"], pydantic.Tag("<1>")]
        | Annotated[int, pydantic.Field(ge=1, le=5), pydantic.Tag("<2>")],
        told_apart(lambda value: value == "auto"),
    ] = "auto"
    """With `select: heldout`: fifths of the training photographs that are held out in
    turn; `auto`: three of up to 100 photographs, else one."""

    def resolved(self) -> "Training":
        """The settings with what they leave open, which depends on the optimizer."""
        known = self.model_dump(exclude_none=True)
        return Training(**{**DEFAULTS[self.optimizer], **known})
