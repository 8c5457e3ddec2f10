"""Every setting: pydantic models, read from YAML, overridden by `--set key=value`.

Precedence: command line over file over the defaults below. Unknown keys are refused.
"""

import re
from pathlib import Path
from typing import Annotated, Literal

import pydantic
import yaml

from midlevel import (
    augment,
    config_errors,
    datasets,
    engines,
    errors,
    labels,
    safe_yaml,
    windows,
)
from midlevel.backbones import table


class Section(pydantic.BaseModel):
    """A part of the settings; immutable, and strict about its keys."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _union(first, second, is_first):
    """One type or another, told apart beforehand, so that errors speak of one only."""
    choose = pydantic.Discriminator(lambda value: "<1>" if is_first(value) else "<2>")
    kinds = (
        Annotated[first, pydantic.Tag("<1>")] | Annotated[second, pydantic.Tag("<2>")]
    )
    return Annotated[kinds, choose]


Fraction = Annotated[float, pydantic.Field(ge=0, le=1)]


class Data(Section):
    """Which photographs and classes."""

    format: Literal["auto", *datasets.FORMATS] = "auto"
    classes: list[str] | None = None  # all that occur where not given
    ignore_classes: list[str] = []  # background, like what has no box
    merge: dict[str, list[str]] = {}  # a new name, and the names it stands for
    strict: bool = False  # refuse data in which anything is wrong
    train: str = "train"  # the split to learn from
    val: str = "val"  # the split for early stopping, k and thresholds
    val_fraction: Annotated[float, pydantic.Field(gt=0, lt=1)] = 0.2  # where none is
    group_by: str | None = None  # `folder`, or a pattern: what stays in one split

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
    sizes: Annotated[
        list[Annotated[int, pydantic.Field(ge=1)]], pydantic.Field(min_length=1)
    ]


Pyramid = _union(
    str,
    Annotated[list[LevelSetting], pydantic.Field(min_length=1)],
    is_first=lambda value: not isinstance(value, list),
)


class Windows(Section):
    """Where windows lie; see `midlevel.windows`."""

    pyramid: Pyramid = "octaves"
    overlap: Annotated[float, pydantic.Field(ge=0, lt=1)] = windows.OVERLAP

    @pydantic.field_validator("pyramid")
    @classmethod
    def _known(cls, pyramid):
        if isinstance(pyramid, str) and pyramid not in windows.PYRAMIDS:
            known = ", ".join(windows.PYRAMIDS)
            raise ValueError(f"must be one of {known}, or a list of scale and sizes")
        return pyramid

    def levels(self) -> tuple[windows.Level, ...]:
        """The pyramid as data."""
        if isinstance(self.pyramid, str):
            return windows.PYRAMIDS[self.pyramid]
        return tuple(windows.Level(row.scale, tuple(row.sizes)) for row in self.pyramid)


class Backbone(Section):
    """The frozen network."""

    name: str = table.DEFAULT
    weights: str = "imagenet"  # or a path to a .weights.h5 file, or "none"

    @pydantic.field_validator("name")
    @classmethod
    def _known(cls, name):
        if name not in table.BACKBONES:
            raise ValueError(f"must be one of {', '.join(table.BACKBONES)}")
        return name


class Features(Section):
    """How windows become vectors."""

    method: Literal["dense", "crop"] = "dense"
    context: Annotated[int, pydantic.Field(ge=0, le=100)] = 0  # pixels around a crop
    views: Annotated[list[str], pydantic.Field(min_length=1)] = [
        augment.ORIGINAL,
        augment.MIRROR,
    ]
    store: str | None = None  # a folder; by default the user's cache

    @pydantic.field_validator("views")
    @classmethod
    def _known(cls, views):
        for name in views:
            try:
                augment.check_name(name)
            except errors.MidlevelError as error:
                raise ValueError(str(error).partition(" Received:")[0]) from error
        return views


class Labels(Section):
    """Which windows teach what; see `midlevel.labels`."""

    min_of_window: Fraction = labels.MIN_OF_WINDOW
    min_of_box: Fraction = labels.MIN_OF_BOX
    same_class: Literal["leave_out", "keep"] = "leave_out"
    difficult: Literal["leave_out", "use", "ignore"] = "leave_out"
    background: Literal["sample", "weight"] = "sample"  # keep some, or weigh all less
    background_fraction: Annotated[float, pydantic.Field(gt=0, le=1)] = 0.1
    class_weights: Literal["none", "sqrt", "balanced"] = "balanced"

    def rules(self) -> labels.Rules:
        """The part that says which box labels which window."""
        return labels.Rules(
            self.min_of_window, self.min_of_box, self.same_class, self.difficult
        )


class Head(Section):
    """The adaptation layers."""

    hidden: list[Annotated[int, pydantic.Field(ge=1)]] = [2048]  # the paper's FCa
    normalise: Literal["power", "none"] = "power"  # none is the paper's
    dropout: Annotated[float, pydantic.Field(ge=0, lt=1)] = 0.5


class Training(Section):
    """How the head is fitted."""

    optimizer: Literal["adam", "sgd"] = "adam"  # sgd is the paper's schedule
    learning_rate: Annotated[float, pydantic.Field(gt=0)] | None = None
    batch: Annotated[int, pydantic.Field(ge=1)] | None = None
    epochs: Annotated[int, pydantic.Field(ge=1)] | None = None  # at most
    # Share of the machine's memory for features; what does not fit is read in parts.
    memory: Annotated[float, pydantic.Field(gt=0, le=1)] = 0.25
    patience: Annotated[int, pydantic.Field(ge=1)] = 3  # adam: epochs without a gain


class Scores(Section):
    """How window scores become image scores."""

    k: _union(
        Literal["auto"],
        Annotated[float, pydantic.Field(ge=1, le=100)],
        is_first=lambda value: value == "auto",
    ) = "auto"  # chosen on the validation split
    calibrate: bool = True  # make them probabilities, on the validation split
    # What thresholds shall reach; by default they have the highest F1.
    precision: Annotated[float, pydantic.Field(gt=0, le=1)] | None = None


class Config(Section):
    """All settings of a run."""

    data: Data = Data()
    windows: Windows = Windows()
    backbone: Backbone = Backbone()
    features: Features = Features()
    labels: Labels = Labels()
    head: Head = Head()
    training: Training = Training()
    scores: Scores = Scores()
    engine: Literal[engines.NAMES] = "auto"  # what runs the networks
    precision: Literal[engines.PRECISIONS] = "f32"  # of its arithmetic
    seed: Annotated[int, pydantic.Field(ge=0)] = 0

    @pydantic.model_validator(mode="after")
    def _windows_fit_the_backbone(self):
        sizes = [size for level in self.windows.levels() for size in level.sizes]
        least = table.BACKBONES[self.backbone.name].lost_cells + 1
        if self.features.method == "dense" and min(sizes) < least:
            raise ValueError(
                f"backbone {self.backbone.name} needs windows of at least {least} "
                f"cells, windows.pyramid has {min(sizes)}; the pyramid `paper` has 7"
            )
        return self


def load(
    base: Config | str | Path | None = None, settings: dict | None = None
) -> Config:
    """The settings of `base` with `settings` over them, checked.

    Args:
        base: a YAML file, or settings; by default the defaults.
        settings: dotted keys and their values, such as `{"training.epochs": 20}`.

    Raises:
        errors.MidlevelError: the file cannot be read, or a key or value is wrong; the
            message names each.
    """
    tree = _tree(base)
    for key, value in (settings or {}).items():
        _set(tree, key, value)
    try:
        return Config.model_validate(tree)
    except pydantic.ValidationError as error:
        said = (config_errors.explain(item, Config) for item in error.errors())
        lines = "; ".join(said)
        where = f"{base}: " if isinstance(base, str | Path) else ""
        raise errors.MidlevelError(f"{where}{lines}") from error


def parse_setting(text: str) -> tuple[str, object]:
    """`key=value` from the command line; the value is read as YAML.

    >>> parse_setting("data.classes=[cat, dog]")
    ('data.classes', ['cat', 'dog'])
    """
    key, equals, value = text.partition("=")
    if not equals or not all(part.strip() for part in key.split(".")):
        raise errors.MidlevelError(f"--set expects key=value. Received: {text}.")
    try:
        return key.strip(), safe_yaml.load(value)
    except ValueError as error:
        raise errors.MidlevelError(
            f"--set {key}: the value is not YAML. Received: {value}."
        ) from error


def dump(config: Config) -> str:
    """All settings as YAML; `load` gives the same settings back."""
    return yaml.safe_dump(config.model_dump(), sort_keys=False, allow_unicode=True)


def _tree(base: Config | str | Path | None) -> dict:
    if isinstance(base, Config):
        return base.model_dump()
    return safe_yaml.read(Path(base)) if base else {}


def _set(tree: dict, key: str, value: object):
    *parents, last = key.split(".")
    for name in parents:
        if tree.get(name) is None:
            tree[name] = {}  # an empty section in the file
        tree = tree[name]
        if not isinstance(tree, dict):
            raise errors.MidlevelError(f"{key}: {name} is a value, not a section.")
    tree[last] = value
