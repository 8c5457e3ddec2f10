"""Every setting: all sections, read from YAML, overridden by `--set key=value`.

Precedence: command line over file over the defaults. Unknown keys are refused.
"""

from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import pydantic
import yaml

from midlevel import errors
from midlevel.networks import engines
from midlevel.networks.backbones import table
from midlevel.settings import choices, config_errors, strategies, yaml_text
from midlevel.settings.backbone import Backbone
from midlevel.settings.growth import Growth
from midlevel.settings.image_loss import ImageLoss
from midlevel.settings.linear import Linear
from midlevel.settings.scores import Scores
from midlevel.settings.sections import (
    Data,
    Features,
    Head,
    Labels,
    Section,
    Training,
    Windows,
)
from midlevel.settings.tail import Tail
from midlevel.settings.tasks import Tasks

# What settings meant that were written before there was a choice.
BEFORE_SELECT = {"select": "val", "image_loss.epochs": 0, "scores.whole": False}
BEFORE_LEVEL = {"labels.level": "mixed"}


class Config(Section):
    """All settings of a run."""

    data: Data = Data()
    windows: Windows = Windows()
    backbone: Backbone = Backbone()
    features: Features = Features()
    labels: Labels = Labels()
    head: Head = Head()
    training: Training = Training()
    image_loss: ImageLoss = ImageLoss()
    scores: Scores = Scores()
    tail: Tail = Tail()
    growth: Growth = Growth()
    tasks: Tasks = Tasks()
    linear: Linear = Linear()
    strategy: strategies.Name = "auto"
    """What learns (docs/strategies.md): `head`, `linear`, `early`, `tail`, `all` or
    `scratch`; each fills in other settings. `auto`: what `tail.cut` says, so `head`
    where there is none."""
    engine: engines.EngineName = "auto"
    """What runs the networks; `auto` is TensorFlow with a GPU, else OpenVINO."""
    precision: engines.Precision = "f32"
    """Of the networks' arithmetic."""
    select: choices.Select = "heldout"
    """What calibration and thresholds are fitted to. `heldout`: training photographs
    that a first head has not seen; then a head learns from all. `val`: the validation
    split, which also ends training, and then flatters itself."""
    report: bool = True
    """Write the page on the run when training ends."""
    seed: Annotated[int, pydantic.Field(ge=0)] = 0
    """The same seed gives the same weights on a CPU."""

    @pydantic.model_validator(mode="before")
    @classmethod
    def _filled_in(cls, settings: Any) -> Any:
        if not isinstance(settings, dict):
            return settings
        return strategies.filled(settings, cls.model_construct().model_dump())

    @pydantic.model_validator(mode="after")
    def _windows_fit_the_backbone(self):
        sizes = [size for level in self.windows.levels() for size in level.sizes]
        least = self.backbone.spec().lost_cells + 1
        if self.features.method == "dense" and min(sizes) < least:
            raise ValueError(
                f"backbone {self.backbone.name} needs windows of at least {least} "
                f"cells, windows.pyramid has {min(sizes)}; the pyramid `paper` has 7"
            )
        return self

    @pydantic.model_validator(mode="after")
    def _engine_runs_the_backbone(self):
        if self.engine == "tensorflow" and self.backbone.facts():
            raise ValueError(
                f"backbone {self.backbone.name} runs on OpenVINO: engine must be auto "
                "or openvino, not tensorflow"
            )
        return self

    @pydantic.model_validator(mode="after")
    def _tail_fits(self):
        if self.tail.learns and self.backbone.map != table.LAST:
            raise ValueError(
                "tail.cut needs the last map, to which the tail leads; backbone.map is "
                f"{self.backbone.map}"
            )
        self.tail.check(self.backbone.spec())
        if self.tail.learns and self.features.method == "crop":
            raise ValueError("tail.cut needs maps; features.method must be dense")
        if self.tail.learns and self.image_loss.epochs == 0:
            raise ValueError("tail.cut needs the image loss; image_loss.epochs is 0")
        return self

    @property
    def way(self) -> strategies.Strategy:
        """The row of the table of strategies; never `auto`."""
        return strategies.of(dict(self))

    @property
    def has_background(self) -> bool:
        """Whether column 0 of window scores is a class of its own.

        Labels alone teach none, and of an SVM for each class none is the background's.
        """
        is_svm = self.way.is_linear and self.linear.kind == "svm"
        return self.labels.level != "image" and not is_svm

    def at(self, level: str) -> "Config":
        """The settings for a level of labels, with what they leave open until then."""
        if level == "auto":
            return self
        labels = self.labels.model_copy(update={"level": level})
        changed = {"labels": labels, "image_loss": self.image_loss.resolved(level)}
        return self.model_copy(update=changed)


def load(
    base: Config | str | Path | None = None, settings: dict | None = None
) -> Config:
    """The settings of `base` with `settings` over them, checked.

    Args:
        base: a YAML file, or settings; by default the defaults.
        settings: dotted keys and their values, such as `{"image_loss.epochs": 20}`.

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
        where = f"{base}: " if isinstance(base, str | Path) else ""
        raise errors.MidlevelError(f"{where}{' '.join(said)}") from error


def parse_setting(text: str) -> tuple[str, object]:
    """`key=value` from the command line; the value is read as YAML.

    A list needs no brackets, which some shells take for patterns.

    >>> parse_setting("data.classes=[cat, dog]")
    ('data.classes', ['cat', 'dog'])
    >>> parse_setting("head.hidden=512,256")
    ('head.hidden', [512, 256])
    """
    key, equals, value = text.partition("=")
    if not equals or not all(part.strip() for part in key.split(".")):
        raise errors.MidlevelError(f"--set expects key=value. Received: {text}.")
    try:
        found = yaml_text.load(value)
        if _is_list(key.strip()) and isinstance(found, str | int):
            found = [yaml_text.load(part) for part in value.split(",")]
        return key.strip(), found
    except ValueError as error:
        raise errors.MidlevelError(
            f"--set {key}: the value is not YAML. Received: {value}."
        ) from error


def _is_list(key: str) -> bool:
    """Whether a setting is a list."""
    kind: type[pydantic.BaseModel] = Config
    *sections, last = key.split(".")
    for name in sections:
        field = kind.model_fields.get(name)
        if field is None or not isinstance(field.annotation, type):
            return False
        kind = field.annotation
    field = kind.model_fields.get(last) if hasattr(kind, "model_fields") else None
    kinds = (field.annotation, *get_args(field.annotation)) if field else ()
    return any(get_origin(one) is list for one in kinds)


def given(base: Config | str | Path | None = None) -> dict[str, Any]:
    """The settings that `base` gives, default or not, by their dotted keys.

    Raises:
        errors.MidlevelError: the file cannot be read.
    """
    if isinstance(base, Config):
        return _dotted(base.model_dump(exclude_unset=True))
    return _dotted(_tree(base))


def asked(
    base: Config | str | Path | None = None, settings: dict | None = None
) -> set[str]:
    """Dotted keys of the settings that `base` or `settings` give, default or not."""
    return {*given(base), *(settings or ())}


def dump(config: Config) -> str:
    """All settings as YAML; `load` gives the same settings back."""
    return yaml.safe_dump(config.model_dump(), sort_keys=False, allow_unicode=True)


def flat(config: Config) -> dict[str, Any]:
    """Each setting by its dotted key, as `--set` takes them."""
    return _dotted(config.model_dump())


def _dotted(tree: dict) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in tree.items():
        section = value if isinstance(value, dict) else {"": value}
        found |= {f"{name}.{key}".rstrip("."): v for key, v in section.items()}
    return found


def _tree(base: Config | str | Path | None) -> dict:
    if isinstance(base, Config):
        return base.model_dump(exclude_unset=True)  # what is open stays open
    return yaml_text.read(Path(base)) if base else {}


def _set(tree: dict, key: str, value: object):
    *parents, last = key.split(".")
    for name in parents:
        if tree.get(name) is None:
            tree[name] = {}  # an empty section in the file
        tree = tree[name]
        if not isinstance(tree, dict):
            raise errors.MidlevelError(f"{key}: {name} is a value, not a section.")
    tree[last] = value
