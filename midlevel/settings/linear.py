"""Settings of a linear classifier on windows of the frozen network."""

from typing import Annotated, Literal

import pydantic

from midlevel.settings.sections import Section


class Linear(Section):
    """The classifier of `strategy: linear` and `early`."""

    kind: Literal["softmax", "svm"] = "softmax"
    """`softmax`: classes and background compete. `svm`: a linear SVM for each class
    against all else, as in R-CNN; its margin goes through a sigmoid."""
    c: Annotated[float, pydantic.Field(gt=0)] = 1e-3
    """scikit-learn's C: the higher, the closer it fits; the default was chosen on
    held-out photographs (docs/measurements.md, "Strategies")."""
    windows: Annotated[int, pydantic.Field(ge=100)] = 20000
    """Windows to learn from at most, drawn where there are more; bounds memory and
    time."""
