"""`midlevel check`: everything that is wrong in a data set, before it costs hours."""

import itertools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from midlevel import datasets, errors
from midlevel.datasets import (
    Dataset,
    Example,
    Problem,
    duplicates,
    mending,
    reading,
    summary,
    untaught,
)
from midlevel.datasets.dataset import count_not_said, count_shown
from midlevel.datasets.duplicates import Print
from midlevel.settings.config import Config
from midlevel.system import machine, runtime, threads
from midlevel.system.progress import Progress

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    Attributes:
        dataset: what can be used; boxes are in pixels, mended.
        problems: everything that is wrong: in annotations, then in photographs, then
            duplicates, each in the order of the data.
        drawn: the validation split is not the data's, but drawn as training would.
        few: classes that few photographs of the split to learn from show.
    """

    dataset: Dataset
    problems: tuple[Problem, ...]
    drawn: bool
    few: tuple[str, ...] = ()

    def to_pandas(self) -> "pandas.DataFrame":
        """A row for each problem: `file`, `line`, `kind`, `text` and `fate`.

        Raises:
            errors.MissingDependency: pandas is not installed.
        """
        columns = ["file", "line", "kind", "text", "fate"]
        rows = [[getattr(one, name) for name in columns] for one in self.problems]
        return runtime.load("pandas", "pandas", extra="").DataFrame(
            rows, columns=columns
        )

    @property
    def counts(self) -> dict[str, dict]:
        """By split: `photographs`, those of `background` alone, and of `classes`.

        `not_said`: of how many photographs nothing is said, for each such class.
        """
        names = self.dataset.classes
        return {
            split: _count(rows, names) for split, rows in self.dataset.splits.items()
        }


def check(data: str | Path, config: Config, progress: Progress) -> CheckResult:
    """Read a data set as training would, and decode every photograph.

    Raises:
        errors.DataError: there is no data set at all, or a setting does not fit it.
    """
    read = _labelled(Path(data), config)
    dataset = _split(read, config)
    prints, problems = _prints(dataset, progress)
    sizes = {path: of_path.size_wh for path, of_path in prints.items()}
    readable = {
        split: [row for row in rows if row.path in prints]
        for split, rows in dataset.splits.items()
    }
    usable = replace(dataset, splits=readable)
    usable, mended = mending.fit_splits(usable, readable, sizes.get)
    problems += mended
    problems += duplicates.problems(dataset, prints, config.data.train, config.data.val)
    why = untaught.find(dataset, config, sizes.get)
    problems += untaught.problems(dataset, config, why)
    told = (*dict.fromkeys(dataset.problems), *problems)
    few = tuple(summary.few_shown(usable, config.data.train))
    return CheckResult(usable, told, dataset is not read, few)


def _labelled(data: Path, config: Config) -> Dataset:
    """The data set; one without photographs, of which nothing can be used."""
    try:
        return reading.labelled(data, config)
    except errors.DataError as error:
        if not error.problems:
            raise
        chosen = config.data.format
        form = datasets.detect(data) if chosen == datasets.AUTO else chosen
        return Dataset(data, form, (), {}, error.problems, {})


def _split(dataset: Dataset, config: Config) -> Dataset:
    """`dataset` split as training would; as it is where that cannot be done."""
    try:
        return reading.with_validation(dataset, config)
    except errors.DataError:  # too few, or not to be learned from
        return dataset


def _prints(
    dataset: Dataset, progress: Progress
) -> tuple[dict[Path, Print], list[Problem]]:
    """What every photograph that can be read is; and those that cannot."""
    rows = itertools.chain.from_iterable(dataset.splits.values())
    paths = list(dict.fromkeys(row.path for row in rows))
    prints: dict[Path, Print] = {}
    problems: list[Problem] = []
    with progress.task("check", len(paths)) as advance:
        found = threads.in_order(paths, _print, machine.cores() + 1)
        for path, one in zip(paths, found, strict=True):
            if isinstance(one, Problem):
                problems.append(one)
            else:
                prints[path] = one
            advance()
    return prints, problems


def _print(path: Path) -> Print | Problem:
    try:
        return duplicates.take_print(path)
    except errors.ImageError as error:
        text = str(error).removeprefix(f"{path}: ")
        return Problem(path, "photograph", text, "left out")


def _count(rows: list[Example], names: tuple[str, ...]) -> dict:
    shown = count_shown(rows, len(names))
    bare = sum(row.is_bare for row in rows)
    missing = count_not_said(rows, len(names)).tolist()
    return {
        "photographs": len(rows),
        "background": bare,
        "classes": dict(zip(names, shown.tolist(), strict=True)),
        "not_said": {
            n: count for n, count in zip(names, missing, strict=True) if count
        },
    }
