"""What learns, and from where on: strategies, each a row that fills in other settings.

A row fills in what is left open; what it does not allow is told in a line. The
scenarios are those of the notes on transfer learning of CS231n, a course: how much data
there is, and how like ImageNet it is. The ways to learn are the three that guides to
pretrained networks have: the classifier alone, a part of the network, or all of it,
with its weights or its architecture alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pydantic

Name = Literal["auto", "head", "linear", "early", "tail", "all", "scratch"]
Tree = Mapping[str, Any]  # settings as they are written: sections and values

AUTO = "auto"
NONE, INPUT = "none", "input"  # of `tail.cut`
CS231N = "CS231n, Transfer Learning"
THREE_WAYS = "the three ways of using a pretrained network"
LATE_CUT, EARLY_MAP = "before_last", "stride16"  # maps that most backbones have


@dataclass(frozen=True)
class Strategy:
    """A way to learn.

    Attributes:
        name: what users type.
        line: what learns, in a line.
        scenario: for which data.
        source: who says so.
        fixed: settings, by dotted key, that can be nothing else.
        fills: settings that have these values where they are left open.
        never: values that settings cannot have.
        is_linear: scikit-learn fits it, not Keras.
        tunes: whether the backbone learns, which few photographs spoil.
    """

    name: str
    line: str
    scenario: str
    source: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    fills: Mapping[str, Any] = field(default_factory=dict)
    never: Mapping[str, tuple] = field(default_factory=dict)
    is_linear: bool = False
    tunes: bool = False


LINEAR = {"tail.cut": NONE, "head.hidden": [], "image_loss.epochs": 0}
WHOLE = {"tail.cut": INPUT}
ROWS = (
    Strategy(
        "head",
        "two new layers on windows of the frozen network, as in Oquab 2014",
        "few photographs, of things such as ImageNet's",
        f"Oquab et al., CVPR 2014; {THREE_WAYS}: the classifier alone",
        fixed={"tail.cut": NONE},
    ),
    Strategy(
        "linear",
        "a linear classifier on the same windows, by scikit-learn",
        "few photographs, of things such as ImageNet's",
        f"{CS231N}: small and similar; R-CNN's SVMs (Girshick et al., CVPR 2014)",
        fixed=LINEAR,
        is_linear=True,
    ),
    Strategy(
        "early",
        "the same on an earlier map of the network",
        "few photographs, unlike ImageNet's",
        f"{CS231N}: small and different",
        fixed=LINEAR,
        fills={"backbone.map": EARLY_MAP},
        never={"backbone.map": ("last",)},
        is_linear=True,
    ),
    Strategy(
        "tail",
        "the head, and then the end of the network with it",
        "many photographs, of things such as ImageNet's",
        f"{CS231N}: large and similar; {THREE_WAYS}: a part of the network",
        fills={"tail.cut": LATE_CUT},
        never={"tail.cut": (NONE, INPUT)},
        tunes=True,
    ),
    Strategy(
        "all",
        "the head, and then every layer with it, slowly",
        "many photographs, unlike ImageNet's",
        f"{CS231N}: large and different; {THREE_WAYS}: all of it",
        fixed=WHOLE,
        fills={"tail.learning_rate": 1e-5},
        never={"backbone.weights": (NONE,)},
        tunes=True,
    ),
    Strategy(
        "scratch",
        "every layer from random weights; of the network the architecture alone",
        "very many photographs; to see what pretraining is worth",
        f"{THREE_WAYS}: the architecture alone",
        fixed={**WHOLE, "backbone.weights": NONE, "tail.batch_norm": "learns"},
        fills={
            "tail.learning_rate": 1e-3,
            "tail.head_factor": 1.0,
            "tail.steps": 3000,
        },
        tunes=True,
    ),
)
STRATEGIES = {row.name: row for row in ROWS}


def of(settings: Tree) -> Strategy:
    """The row that settings ask for; with `auto`, the one that their cut says.

    Args:
        settings: whose `strategy`, if there, is one of `Name`.
    """
    name = settings.get("strategy", AUTO)
    if name != AUTO:
        return STRATEGIES[name]
    cut = _section(settings, "tail").get("cut", NONE)
    if cut != INPUT:
        return STRATEGIES["head" if cut == NONE else "tail"]
    is_random = _section(settings, "backbone").get("weights") == NONE
    return STRATEGIES["scratch" if is_random else "all"]


def filled(settings: Tree, defaults: Tree) -> Tree:
    """Settings with what their strategy fills in.

    A setting is open where it is not written, or is written with a default that the
    strategy cannot have, as in a file of all settings.

    Args:
        settings: as they were written; what is no setting is left for others to refuse.
        defaults: of all settings.

    Raises:
        ValueError: a setting contradicts the strategy.
    """
    if settings.get("strategy", AUTO) not in (AUTO, *STRATEGIES):
        return settings
    row, found = of(settings), dict(settings)
    sections = {key.partition(".")[0] for key in (*row.fixed, *row.fills, *row.never)}
    if not all(_is_section(found.get(name)) for name in sections):
        return settings
    told = {**row.fixed, **row.fills}
    for key in {**told, **row.never}:
        section, name = key.split(".")
        written = _section(found, section)
        default = _section(defaults, section)[name]
        value = written.get(name, default)
        is_allowed = _allows(row, key, value)
        is_open = name not in written or (value == default and not is_allowed)
        if is_open and key in told:
            found[section] = {**written, name: told[key]}
        elif not is_allowed:
            raise ValueError(_contradiction(row, key, value))
    return found


def _allows(row: Strategy, key: str, value: object) -> bool:
    is_other = key in row.fixed and value != row.fixed[key]
    return not is_other and value not in row.never.get(key, ())


def _is_section(written: object) -> bool:
    return written is None or isinstance(written, Mapping | pydantic.BaseModel)


def _section(settings: Tree, name: str) -> Tree:
    """What is written in a section."""
    section = settings.get(name)
    if isinstance(section, pydantic.BaseModel):
        return section.model_dump(exclude_unset=True)
    return section if isinstance(section, Mapping) else {}


def _contradiction(row: Strategy, key: str, value: object) -> str:
    needs = f"needs {key}={row.fixed[key]}" if key in row.fixed else "cannot have that"
    shown = " ".join(str(value)[:80].split())
    return (
        f"strategy={row.name}, {row.line}, {needs}. Received: {key}={shown}. Leave one "
        "of the two out"
    )
