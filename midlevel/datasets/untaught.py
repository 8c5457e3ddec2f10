"""Classes that nothing teaches: no window of the split to learn from shows them."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from midlevel import errors
from midlevel.datasets import label_levels, mending
from midlevel.datasets.annotation import Problem
from midlevel.datasets.dataset import Dataset, Example
from midlevel.images import augment, pixels
from midlevel.method import labels, windows
from midlevel.settings.config import Config
from midlevel.settings.geometry import geometry_of

Size = tuple[int, int]
SizeOf = Callable[[Path], Size | None]  # of a photograph; None if it cannot be read
THUMB = (64, 64)  # what is decoded to see whether a photograph can be


def leave_out(dataset: Dataset, config: Config) -> Dataset:
    """`dataset` without the classes that nothing teaches, each a problem.

    With `data.keep_untaught` they stay, and where nothing at all is taught.
    """
    why = find(dataset, config, _size_wh)
    kept = [name for name in dataset.classes if name not in why]
    told = problems(dataset, config, why)
    if why and kept and not config.data.keep_untaught:
        dataset = dataset.only(kept)
    return replace(dataset, problems=(*dataset.problems, *told))


def problems(dataset: Dataset, config: Config, why: dict[str, str]) -> list[Problem]:
    """What to say of classes that nothing teaches, see `find`."""
    fate = "kept" if config.data.keep_untaught else "left out"
    return [
        Problem(dataset.folder, "untaught", f"class {name!r}: {text}", fate)
        for name, text in why.items()
    ]


def find(dataset: Dataset, config: Config, size_of: SizeOf) -> dict[str, str]:
    """Why each of the classes is not taught that nothing teaches.

    Photographs are looked at until each class is taught.
    """
    rows = dataset.splits.get(config.data.train)
    if not rows:
        return {}
    level = label_levels.of(dataset, config)
    taught, count = _Taught(config, size_of, level), len(dataset.classes)
    shown = np.array([row.shows(count) for row in rows])
    absent = np.array([row.targets(count) == 0 for row in rows])
    found = {}
    for i, name in enumerate(dataset.classes):
        showing = [rows[j] for j in np.flatnonzero(shown[:, i])]
        why = taught.why_not(i + 1, showing, config.data.train)
        if level == label_levels.IMAGE and not why and not absent[:, i].any():
            why = f"no photograph of split {config.data.train!r} is without it"
        if why:
            found[name] = why
    return found


class _Taught:
    """Which classes the photographs that were looked at teach."""

    def __init__(self, config: Config, size_of: SizeOf, level: str):
        self.config, self.size_of, self.level = config, size_of, level
        self.geometry = geometry_of(config)
        self.found: set[int] = set()

    def why_not(self, number: int, showing: list[Example], split: str) -> str | None:
        """Why a class is not taught, by the photographs that show it; None if it is."""
        readable = 0
        for row in showing:
            if number in self.found:
                return None
            readable += self._look_at(row)
        if number in self.found:
            return None
        if not showing:
            return f"no photograph of split {split!r} shows it"
        if not readable:
            return f"none of {len(showing)} photographs that show it can be used"
        if self.level == label_levels.IMAGE:
            return f"in {readable} photographs all are difficult"
        return (
            f"in {readable} photographs all are difficult, or no window shows one well "
            "enough (labels.difficult, labels.min_of_window, labels.min_of_box)"
        )

    def _look_at(self, row: Example) -> bool:
        """Note the classes that a photograph teaches; whether it can be used."""
        size_wh = self.size_of(row.path)
        if size_wh is None:
            return False
        fitted, _ = mending.fit_or_leave_out(row, size_wh)
        if fitted is None:
            return False
        for moved in self._views(fitted, size_wh):
            self.found.update(self._ids(moved, size_wh))
        return True

    def _views(self, row: Example, size_wh: Size) -> Iterable[Example]:
        """The photograph as it is and, where it is learned from so too, mirrored."""
        yield row
        if augment.MIRROR in self.config.features.views:
            boxes = augment.move_boxes(size_wh, row.boxes, augment.MIRROR, "")
            yield replace(row, boxes=boxes)

    def _ids(self, row: Example, size_wh: Size) -> list[int]:
        """Ids of classes that the windows of a photograph teach.

        Windows of the view `geometry` are not known before it is made; there each
        object that is not difficult counts, as where labels alone teach. Labels without
        a box teach by the image loss too.
        """
        labelled = [*row.classes[~row.difficult].tolist(), *row.unboxed.tolist()]
        kinds = map(augment.check_name, self.config.features.views)
        if self.level == label_levels.IMAGE or augment.GEOMETRY in kinds:
            return labelled
        plan = windows.plan(size_wh, self.geometry)
        rules = replace(self.config.labels.rules(), background_fraction=1.0)
        judged = labels.judge(plan.boxes, row, rules, self.config.seed, "")
        unboxed = row.unboxed.tolist() if self.config.image_loss.epochs != 0 else []
        return [number for number in {*judged.ids.tolist(), *unboxed} if number > 0]


def _size_wh(path: Path) -> Size | None:
    """A photograph's size, upright."""
    try:
        data = pixels.read_bytes(path)
        return pixels.of_bytes(data, path, lambda _: THUMB).size_wh
    except errors.ImageError:
        return None
