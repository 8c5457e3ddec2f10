"""What may be tried: strategies, each with every backbone that is at hand."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from midlevel import errors
from midlevel.datasets import Dataset, label_levels
from midlevel.networks import backbones
from midlevel.settings import config as config_
from midlevel.settings import strategies
from midlevel.settings.config import Config
from midlevel.system import text
from midlevel.system.progress import Progress

# From the quickest to the slowest. `all` and `scratch` are for those who ask for them.
NEAR = ("linear", "head", "tail")  # of photographs near to ImageNet
FAR = ("linear", "early", "head", "tail")


@dataclass(frozen=True)
class Candidate:
    """A strategy with a backbone.

    Attributes:
        config: all settings, with the level of labels resolved.
        settings: those that were given, and what makes it, as `--set` takes them.
    """

    strategy: str
    backbone: str
    config: Config
    settings: dict[str, Any]

    @property
    def name(self) -> str:
        """What it is called in a line."""
        return f"{self.strategy} on {self.backbone}"


def at_hand() -> tuple[str, ...]:
    """Backbones whose weights travel with midlevel."""
    return tuple(name for name, spec in backbones.BACKBONES.items() if spec.packaged)


def check(wanted: Sequence[str], names: Sequence[str]) -> None:
    """Make sure that there are such strategies and backbones.

    Raises:
        errors.MidlevelError: one is unknown.
    """
    for strategy in wanted:
        if strategy not in strategies.STRATEGIES:
            known = ", ".join(strategies.STRATEGIES)
            hint = text.did_you_mean(strategy, strategies.STRATEGIES)
            raise errors.MidlevelError(
                f"A strategy is one of {known}. Received: {strategy}.{hint}"
            )
    for name in names:
        backbones.find(name)


def of(
    base: Config,
    dataset: Dataset,
    progress: Progress,
    wanted: Sequence[str],
    names: Sequence[str],
) -> list[Candidate]:
    """Candidates, backbone by backbone.

    One that a backbone or the settings do not allow is not among them, which is said.

    Args:
        base: the settings that all have in common.
        wanted: strategies.
        names: backbones.

    Raises:
        errors.MidlevelError: none is left.
    """
    found = list(_each(base, dataset, progress, wanted, names))
    if not found:
        raise errors.MidlevelError(
            f"Nothing to try: the settings allow none of {', '.join(wanted)}. Leave "
            "out what --set or --config say of the head, the tail and the image loss."
        )
    return found


def _each(
    base: Config,
    dataset: Dataset,
    progress: Progress,
    wanted: Sequence[str],
    names: Sequence[str],
) -> Iterator[Candidate]:
    for name in names:
        for strategy in wanted:
            own = {"strategy": strategy, "backbone.name": name}
            try:
                config = config_.load(base, own)
                config = label_levels.resolved(dataset, config)
                label_levels.check(dataset, config)
            except errors.MidlevelError as error:
                progress.say(f"left out: {strategy} on {name}: {error}")
                continue
            yield Candidate(strategy, name, config, {**_changed(base), **own})


def _changed(base: Config) -> dict[str, Any]:
    """The settings that are not as usual."""
    usual = config_.flat(config_.load())
    return {key: v for key, v in config_.flat(base).items() if v != usual[key]}
