"""What a model says of every window of an image."""

from dataclasses import dataclass

import numpy as np

from midlevel import errors
from midlevel.method import scores
from midlevel.method.windows import Plan


@dataclass(frozen=True, repr=False)
class WindowScores:
    """What the model says of every window of an image.

    Attributes:
        plan: the windows.
        scores: float32 `(n, 1 + classes)`; column 0 is background,
            or that none of the classes is there: `Model.columns`.
        classes: names of the columns from 1.
        whole: log-odds of the whole photograph, float64 `(classes,)`; None where the
            model does not look at it.
    """

    plan: Plan
    scores: np.ndarray
    classes: tuple[str, ...]
    whole: np.ndarray | None = None

    def __repr__(self) -> str:
        width, height = self.plan.size_wh
        return (
            f"WindowScores({len(self.plan)} windows of {width} x {height} pixels: "
            f"{', '.join(self.classes)})"
        )

    def of_class(self, name: str) -> np.ndarray:
        """Scores of one class, `(n,)`.

        Raises:
            errors.MidlevelError: the model has no class of that name.
        """
        if name not in self.classes:
            raise errors.MidlevelError(
                f"Expected one of the model's classes, {', '.join(self.classes)}. "
                f"Received: {name!r}."
            )
        return self.scores[:, 1 + self.classes.index(name)]

    def map(self, name: str, map_wh: tuple[int, int] | None = None) -> np.ndarray:
        """Score map of a class, float32 `(height, width)`, of the image's size.

        Args:
            map_wh: another size of the map, `(width, height)`.

        Raises:
            errors.MidlevelError: the model has no class of that name, or `map_wh` is
                no size.
        """
        is_pair = isinstance(map_wh, list | tuple) and len(map_wh) == 2
        if map_wh is not None and not (is_pair and min(map_wh) >= 1):
            raise errors.MidlevelError(
                f"map_wh: expected (width, height) in pixels. Received: {map_wh!r}."
            )
        column, size_wh = self.of_class(name)[:, None], self.plan.size_wh
        return scores.score_map(self.plan.boxes, column, size_wh, map_wh)[..., 0]
