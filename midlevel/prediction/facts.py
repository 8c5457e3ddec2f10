"""What `run.json` says of a trained model, read by a schema."""

from typing import Annotated, Any

import pydantic

from midlevel import errors
from midlevel.method.aggregation import HOW, POWER, Aggregation
from midlevel.method.calibration import Calibration
from midlevel.runs import Run


def _known(how: str) -> str:
    if how not in HOW:
        raise ValueError("no aggregation")
    return how


class FittedCalibration(pydantic.BaseModel):
    """See `calibration.Calibration`."""

    slopes: list[Annotated[float, pydantic.Field(gt=0, allow_inf_nan=False)]]
    intercepts: list[Annotated[float, pydantic.Field(allow_inf_nan=False)]]
    whole_slopes: list[Annotated[float, pydantic.Field(ge=0, allow_inf_nan=False)]] = []


class Aggregated(pydantic.BaseModel):
    """See `aggregation.Aggregation`."""

    how: Annotated[str, pydantic.AfterValidator(_known)]
    by: Annotated[float, pydantic.Field(ge=0, allow_inf_nan=False)]


class Task(pydantic.BaseModel):
    """The classes that one training taught."""

    classes: Annotated[list[str], pydantic.Field(min_length=1)]
    run: str
    data: str
    level: str


class Facts(pydantic.BaseModel):
    """What `run.json` must say of a finished run."""

    classes: Annotated[list[str], pydantic.Field(min_length=1)]
    aggregation: Aggregated
    calibration: FittedCalibration
    thresholds: dict[str, Annotated[float, pydantic.Field(ge=0, le=1)]]
    data: str
    tasks: list[Task] | None = None

    @pydantic.model_validator(mode="before")
    @classmethod
    def _of_before(cls, record: Any) -> Any:
        """Before there was a choice, a record had the exponent `k` alone."""
        if not isinstance(record, dict) or "aggregation" in record:
            return record
        return {**record, "aggregation": {"how": POWER, "by": record.get("k")}}

    @property
    def aggregated(self) -> Aggregation:
        """From window scores to image scores."""
        return Aggregation(**self.aggregation.model_dump())

    @property
    def calibrated(self) -> Calibration:
        """From image scores, and the whole photograph, to probabilities."""
        return Calibration(**self.calibration.model_dump())

    @property
    def agree(self) -> bool:
        """Whether all are of the same classes, and may be."""
        ours, count = self.calibration, len(self.classes)
        are_as_many = len(ours.slopes) == len(ours.intercepts) == count
        if self.aggregation.how == POWER and not 1 <= self.aggregation.by <= 100:
            return False
        are_as_many &= len(ours.whole_slopes) in (0, count)
        by_task = [name for task in self.tasks or () for name in task.classes]
        are_as_many &= by_task in ([], self.classes)
        return are_as_many and set(self.classes) == set(self.thresholds)


def read(run: Run, record: dict[str, Any]) -> Facts:
    """Classes, aggregation, calibration and thresholds, as training wrote them.

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
            f"{run.folder / 'run.json'}: expected classes, aggregation, calibration "
            "and thresholds that agree, as midlevel train writes them. Restore it, or "
            "train again."
        )
    return facts
