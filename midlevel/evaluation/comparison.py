"""What `midlevel compare` finds."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from midlevel.evaluation import comparison_text
from midlevel.evaluation.evaluate import APs
from midlevel.method import intervals
from midlevel.system import runtime

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Difference:
    """From the first run, on the same photographs; both in [-1, 1].

    Attributes:
        mAP: the run's less the first's.
        interval: its 95 % interval, over photographs drawn again.
    """

    mAP: float
    interval: intervals.Interval | None


@dataclass(frozen=True)
class Compared:
    """One of the runs.

    Attributes:
        name: as short as tells the runs apart.
        run: its folder.
        mAP: over the shared classes, by form, see `Evaluation`.
        interval: of each mAP, see `Evaluation`.
        difference: by form; None of the first run.
        AP: of each shared class, by form.
        learned_from: photographs that it learned from.
        size_mb: megabytes of the files that it predicts from on OpenVINO.
        photographs_per_second: from file to record; None where that was not asked for.
    """

    name: str
    run: str
    mAP: APs
    interval: dict[str, intervals.Interval | None]
    difference: dict[str, Difference] | None
    AP: dict[str, APs]
    learned_from: int
    size_mb: float
    photographs_per_second: float | None


@dataclass(frozen=True)
class Comparison:
    """Runs side by side; as text, tables.

    Attributes:
        runs: in the order they were named.
        settings: the settings that differ, and the data if it does: for each key the
            value of each run.
        classes: those that all runs share; they alone are measured.
        data: the data set.
        split: of it.
        images: photographs that were measured on.
        notes: what a reader has to know, such as that a run learned from some of them.
        left_out: a line on everything that was wrong in the data.
    """

    runs: list[Compared]
    settings: dict[str, list[Any]]
    classes: list[str]
    data: str
    split: str
    images: int
    notes: list[str]
    left_out: list[str]

    def __str__(self) -> str:
        return comparison_text.as_text(self)

    def to_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return asdict(self)

    def to_pandas(self) -> "pandas.DataFrame":
        """A row for each run: area mAP, its interval and difference, AP by class.

        Raises:
            errors.MissingDependency: pandas is not installed.
        """
        pandas = runtime.load("pandas", "pandas", extra="")
        rows = {}
        for run in self.runs:
            low, high = run.interval["area"] or (None, None)
            away = run.difference["area"].mAP if run.difference else None
            rows[run.name] = {
                "mAP": run.mAP["area"],
                "low": low,
                "high": high,
                "difference": away,
                **{f"AP {name}": of["area"] for name, of in run.AP.items()},
                "learned_from": run.learned_from,
                "size_mb": run.size_mb,
                "photographs_per_second": run.photographs_per_second,
            }
        return pandas.DataFrame.from_dict(rows, orient="index")
