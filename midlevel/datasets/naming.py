"""Class names: merged, chosen, refused, and those that look like something else."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from midlevel import errors
from midlevel.datasets import paths
from midlevel.datasets.annotation import Annotation
from midlevel.method.labels import BACKGROUND_NAME

JSON = re.compile(r'[{}\[\]"]|^\w+:\s')  # what stands in its objects
LEAST = 3  # names of several words from which their words are concluded to be names
BETWEEN = re.compile(r"[\s,;|+&/_-]+")  # several names in a row

Rows = Mapping[str, Sequence[Annotation]]  # by split
Merge = Mapping[str, Sequence[str]]  # names by the new one


def new_names(merge: Merge) -> dict[str, str]:
    """For each name that is merged the one that it becomes."""
    return {old: new for new, olds in merge.items() for old in olds}


def occurring(rows: Rows, order: Sequence[str], merge: Merge) -> list[str]:
    """Names that occur, in the data's own order where it has one."""
    names, new_name = counted(rows), new_names(merge)
    ordered = dict.fromkeys(new_name.get(name, name) for name in order)
    return [n for n in ordered if n in names] + sorted(set(names) - set(ordered))


def counted(rows: Rows) -> Counter[str]:
    """How often each name occurs; what two splits say alike of a photograph, once."""
    each_once = {
        (row.path, *row.names, None, *row.unboxed): (*row.names, *row.unboxed)
        for of_split in rows.values()
        for row in of_split
    }
    return Counter(name for names in each_once.values() for name in names)


def known(rows: Rows) -> set[str]:
    """Names as they stand in the data, before some are merged.

    Also those of which is said only that photographs do not show them.
    """
    every = (row for of_split in rows.values() for row in of_split)
    return {
        name
        for row in every
        for name in (*row.names, *row.unboxed, *(row.absent or ()))
    }


def merged(new_name: Mapping[str, str], known: Collection[str]) -> dict[str, set[str]]:
    """For each new name the known names that become it; its own may be one of them.

    >>> found = merged({"kitten": "cat", "puppy": "dog"}, ["cat", "kitten", "cow"])
    >>> {name: sorted(parts) for name, parts in found.items()}
    {'cat': ['cat', 'kitten']}
    """
    parts: dict[str, set[str]] = {}
    for name in sorted(known):
        if name in new_name or name in new_name.values():
            parts.setdefault(new_name.get(name, name), set()).add(name)
    return parts


def check_occurring(
    place: Path, setting: str, asked: Sequence[str], found: Sequence[str]
) -> None:
    """Refuse names that nothing in the data bears.

    Raises:
        errors.DataError: there is one.
    """
    missing = [name for name in asked if name not in found]
    if missing:
        raise errors.DataError(
            f"{place}: no box or label is named {', '.join(missing)} ({setting}). "
            f"Names found: {', '.join(found)}."
        )


def check_wanted(place: Path, wanted: Sequence[str], found: Sequence[str]) -> None:
    """Refuse to learn no class, or one that is named as the background is.

    Raises:
        errors.DataError: it is so.
    """
    if not wanted:
        raise errors.DataError(
            f"{place}: data.ignore_classes leaves none of the classes: "
            f"{', '.join(found)}. Expected at least one to learn."
        )
    for name in wanted:
        if name.lower() == BACKGROUND_NAME:
            raise errors.DataError(
                f"{place}: a class is named {name!r}, as midlevel names what no box "
                f"holds. If it means that, add --set data.ignore_classes={name}; "
                f"if not, rename it: --set 'data.merge={{scenery: [{name}]}}'."
            )


def odd(names: Sequence[str]) -> dict[str, str]:
    """What some names look like, if not like the name of one class.

    >>> odd(["cat", "bottle", "bottle cat"])
    {'bottle cat': 'several labels in a row: bottle, cat'}
    """
    found = {name: "a piece of JSON" for name in names if JSON.search(name)}
    found |= _of_splits([name for name in names if name not in found])
    rows = _in_a_row([name for name in names if name not in found])
    return found | {n: f"several labels in a row: {', '.join(p)}" for n, p in rows}


def _of_splits(names: Sequence[str]) -> dict[str, str]:
    """Names that differ in the name of a split alone: WIDER_train, WIDER_val."""
    rest: dict[str, dict[str, str]] = {}
    for name in names:
        if split := paths.split_of(name):
            words = re.split("([a-z]+)", name.lower())
            others = [word for word in words if word not in paths.SPLITS]
            rest.setdefault("".join(others), {})[name] = split
    return {
        name: f"the split {split!r}"
        for alike in rest.values()
        if len(set(alike.values())) > 1
        for name, split in alike.items()
    }


def _in_a_row(names: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Names of which each word is another name, and those words.

    Also such of which some word is, where the same name comes first in one and last in
    another: kinds of bear all end in bear, but labels stand in any order. Where no name
    is of one word, words that do so in three names count as names.
    """
    words = {name: [w for w in BETWEEN.split(name) if w] for name in names}
    known = {name for name in names if len(words[name]) == 1}
    several = {name: w for name, w in words.items() if len(w) > 1}
    whole = [name for name, w in several.items() if known.issuperset(w)]
    first, last = ({w[i] for w in several.values()} for i in (0, -1))
    both = first & last if not known else first & last & known
    words_of_some = known or both
    part = [n for n, w in several.items() if not words_of_some.isdisjoint(w)]
    are_labels = both and (known or len(part) >= LEAST)
    return [(name, several[name]) for name in (part if are_labels else whole)]
