"""What a data set holds and what is wrong in it, said before the work."""

from collections.abc import Sequence

import numpy as np

from midlevel import datasets, errors
from midlevel.datasets.dataset import count_not_said, count_shown
from midlevel.system.progress import Progress

FEW = 10  # photographs of a class; of fewer nobody should expect much
HARDLY = 0.1  # share of photographs; of which less is said is hardly looked for
MOST = 10  # classes that a line names
TOLD = 20  # problems that are named; `midlevel check` names all


def say_shown(
    dataset: datasets.Dataset,
    train: str,
    val: str,
    progress: Progress,
    has_background: bool = True,
) -> None:
    """Count the photographs of two splits and what they show; name what is odd.

    Args:
        has_background: whether what shows nothing teaches background.
    """
    sizes = ", ".join(f"{len(dataset.split(name))} {name}" for name in (train, val))
    progress.say(f"data: {dataset.folder} ({dataset.format}), photographs: {sizes}")
    progress.say(f"classes, shown in {train} + {val}: {_shown(dataset, train, val)}")
    if few := few_shown(dataset, train):
        progress.say(f"fewer than {FEW} photographs to learn from: {', '.join(few)}")
    rows = [
        row for split in dict.fromkeys((train, val)) for row in dataset.split(split)
    ]
    if bare := sum(row.is_bare for row in rows):
        are = ", all background" if has_background else ""
        progress.say(f"photographs without any of these: {bare}{are}")
    for split in dict.fromkeys((train, val)):
        for line in not_said(dataset, split, has_background):
            progress.say(line)
    both = {e.path for e in dataset.split(train)} & {e.path for e in dataset.split(val)}
    if both and train != val:
        progress.warn(
            f"{len(both)} photographs are in {train!r} and in {val!r}: scores on "
            f"{val!r} will look better than they are"
        )


def few_shown(dataset: datasets.Dataset, train: str) -> list[str]:
    """The classes that fewer than `FEW` photographs of the split to learn from show."""
    shown = count_shown(dataset.splits.get(train, []), len(dataset.classes))
    named = zip(dataset.classes, shown.tolist(), strict=True)
    return [f"{name} {n}" for name, n in named if 0 < n < FEW]


def not_said(
    dataset: datasets.Dataset, split: str, has_background: bool = True
) -> list[str]:
    """Lines on the labels of a split that are not said; none where all are."""
    rows, names = dataset.splits.get(split, []), dataset.classes
    missing = count_not_said(rows, len(names)).tolist()
    if not any(missing):
        return []
    some = sum(len(row.not_said) > 0 for row in rows)
    counts = {n: count for n, count in zip(names, missing, strict=True) if count}
    told = f"; windows of {some} of {len(rows)} photographs teach no background"
    lines = [
        f"not said whether photographs of {split} show it: {_most(counts)}"
        f"{told if has_background else ''}"
    ]
    known = {name: len(rows) - count for name, count in counts.items()}
    hardly = {name: n for name, n in known.items() if n < HARDLY * len(rows)}
    if hardly:
        lines.append(f"said of hardly any of {len(rows)} {split}: {_most(hardly)}")
    absent = [row.targets(len(names)) == 0 for row in rows]
    is_never = ~np.any(absent, axis=0)
    if never := [name for name, is_so in zip(names, is_never, strict=True) if is_so]:
        told = ", ".join(never[:MOST]) + ", ..." * (len(never) > MOST)
        lines.append(
            f"said to be absent from no photograph of {split}, so that nothing tells "
            f"where it is not: {told}"
        )
    return lines


def _most(counts: dict[str, int]) -> str:
    """Names with their counts, the highest first, and how many more there are."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    rest = len(ordered) - MOST
    told = ", ".join(f"{name} {count}" for name, count in ordered[:MOST])
    return told + (f" and {rest} more classes" if rest > 0 else "")


def _shown(dataset: datasets.Dataset, train: str, val: str) -> str:
    """How many photographs of each split show each class, as `cat 12 + 3, ...`."""
    learned, measured = (
        count_shown(dataset.split(name), len(dataset.classes)) for name in (train, val)
    )
    rows = zip(dataset.classes, learned, measured, strict=True)
    return ", ".join(f"{name} {n} + {m}" for name, n, m in rows)


def say_unused(
    dataset: datasets.Dataset,
    progress: Progress,
    strict: bool = False,
    has_background: bool = True,
) -> None:
    """Name the classes that nobody asked for, and what is wrong; see `say_problems`."""
    if dataset.ignored:
        others = ", ".join(f"{name} {n}" for name, n in dataset.ignored.items())
        are = "taken as background" if has_background else "which are not learned"
        progress.say(f"boxes of other classes, {are}: {others}")
    say_problems(dataset.problems, progress, strict)


def left_out(reason: str) -> str:
    """A line on a photograph that cannot be used.

    >>> left_out("a.jpg: cannot be read.")
    'a.jpg: cannot be read: left out'
    """
    return f"{reason.rstrip('.')}: left out"


def say_problems(
    problems: Sequence[object], progress: Progress, strict: bool = False
) -> None:
    """Name what cannot be used, or only in part, and count it.

    Raises:
        errors.DataError: there is something, and `strict` refuses it.
    """
    for problem in problems[:TOLD]:
        progress.warn(str(problem))
    if len(problems) > TOLD:
        progress.warn(
            f"and {len(problems) - TOLD} more; `midlevel check --all` names all"
        )
    if problems and strict:
        raise errors.DataError(
            f"{len(problems)} things are wrong in the data, and data.strict refuses "
            "them. Mend them, or leave data.strict out. `midlevel check --all` names "
            "all."
        )
    if problems:
        progress.say(f"{len(problems)} things to mend in the data; the rest goes on")
