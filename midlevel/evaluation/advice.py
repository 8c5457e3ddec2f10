"""What `midlevel advise` finds."""

from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from midlevel.evaluation import advice_text
from midlevel.system import runtime

if TYPE_CHECKING:
    import pandas

SMALL_BOXES, SMALL_CLASS = 1000, 100  # boxes, and photographs a class; fewer are few


@dataclass(frozen=True)
class Size:
    """What there is to learn from.

    Attributes:
        photographs: of the training split.
        boxes: of the classes, on these.
        shown: by class, how many of these photographs show it.
        looked_at: how many of them were tried; the others were left out for time.
    """

    photographs: int
    boxes: int
    shown: dict[str, int]
    looked_at: int

    @property
    def is_small(self) -> bool:
        """Whether CS231n's notes would call it small; the bounds are midlevel's own."""
        return self.boxes < SMALL_BOXES or min(self.shown.values()) < SMALL_CLASS


@dataclass(frozen=True)
class Option:
    """A strategy with a backbone.

    Attributes:
        strategy: a row of `settings.strategies`.
        backbone: its name.
        mAP: area, on held-out training photographs, by seed; empty: not tried.
        minutes: that a training will take on this machine, features included.
        size_mb: megabytes of the files that OpenVINO predicts from.
        settings: what makes it, as `--set` takes it.
        note: why it was not tried; empty if it was.
    """

    strategy: str
    backbone: str
    mAP: list[float]
    minutes: float
    size_mb: float
    settings: dict[str, Any]
    note: str = ""

    @property
    def mean(self) -> float | None:
        """Of the mAP over seeds; None where it was not tried."""
        return fmean(self.mAP) if self.mAP else None

    @property
    def spread(self) -> float | None:
        """Standard deviation over seeds, which one alone has not."""
        return stdev(self.mAP) if len(self.mAP) > 1 else None

    @property
    def name(self) -> str:
        """Both names."""
        return f"{self.strategy} on {self.backbone}"


@dataclass(frozen=True)
class Advice:
    """Which strategy and backbone; as text, a table.

    Attributes:
        data: the data set.
        classes: names.
        size: what there is to learn from.
        probes: mAP of a ridge regression on each map of the first backbone, the last
            map first.
        options: all, as they were considered.
        recommended: which of them.
        reasons: lines that say why.
    """

    data: str
    classes: list[str]
    size: Size
    probes: dict[str, float]
    options: list[Option]
    recommended: Option
    reasons: list[str]

    def __str__(self) -> str:
        return advice_text.as_text(self)

    @property
    def settings(self) -> dict[str, Any]:
        """Of the recommended one, as `midlevel.train` takes them."""
        return self.recommended.settings

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return asdict(self)

    def to_pandas(self) -> "pandas.DataFrame":
        """A row for each option.

        Raises:
            errors.MissingDependency: pandas is not installed.
        """
        pandas = runtime.load("pandas", "pandas", extra="")
        rows = {
            one.name: {
                "mAP": one.mean,
                "spread": one.spread,
                "minutes": one.minutes,
                "size_mb": one.size_mb,
                "note": one.note,
            }
            for one in self.options
        }
        return pandas.DataFrame.from_dict(rows, orient="index")
