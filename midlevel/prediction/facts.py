"""What `run.json` says of a trained model, read by a schema."""

from typing import Annotated, Any

import pydantic

from midlevel import errors
from midlevel.method.calibration import Calibration
from midlevel.runs import Run


class FittedCalibration(pydantic.BaseModel):
    """See `calibration.Calibration`."""

    slopes: list[Annotated[float, pydantic.Field(gt=0, allow_inf_nan=False)]]
    intercepts: list[Annotated[float, pydantic.Field(allow_inf_nan=False)]]
    whole_slopes: list[Annotated[float, pydantic.Field(ge=0, allow_inf_nan=False)]] = []


class Facts(pydantic.BaseModel):
    """What `run.json` must say of a finished run."""

    classes: Annotated[list[str], pydantic.Field(min_length=1)]
    k: Annotated[float, pydantic.Field(ge=1, le=100)]
    calibration: FittedCalibration
    thresholds: dict[str, Annotated[float, pydantic.Field(ge=0, le=1)]]
    data: str

    @property
    def calibrated(self) -> Calibration:
        """From image scores, and the whole photograph, to probabilities."""
        return Calibration(**self.calibration.model_dump())

    @property
    def agree(self) -> bool:
        """Whether all are of the same classes."""
        ours, count = self.calibration, len(self.classes)
        are_as_many = len(ours.slopes) == len(ours.intercepts) == count
        are_as_many &= len(ours.whole_slopes) in (0, count)
        return are_as_many and set(self.classes) == set(self.thresholds)


def read(run: Run, record: dict[str, Any]) -> Facts:
    """Classes, k, calibration and thresholds, as training wrote them.

    Raises:
        errors.MidlevelError: one is missing, or they are not of the same classes.
    """
    try:
        facts = Facts.model_validate(record)
        is_good = facts.agree
    except pydantic.ValidationError:
        is_good = False
    if not is_good:
        raise errors.MidlevelError(
            f"{run.folder / 'run.json'}: expected classes, k, calibration and "
            "thresholds that agree, as midlevel train writes them. Restore it, or "
            "train again."
        )
    return facts
