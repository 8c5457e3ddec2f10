"""What the API answers, for `/openapi.json`; a record is `records.Record`."""

from typing import Literal

import pydantic

from midlevel.prediction.facts import Aggregated
from midlevel.prediction.records import Record

MODEL = "midlevel-model/1"
AGAIN = {"Retry-After": "2"}  # seconds, of a 503; a photograph takes about one


class Refused(Exception):
    """Why a request is not served; it is answered with a `Refusal`.

    Attributes:
        status: of HTTP.
        detail: what was expected, what came, what to do.
        headers: of the answer.
    """

    def __init__(
        self, status: int, detail: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers


class _Answer(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")


class Predictions(_Answer):
    """A record for each file, in the order they came.

    `maps` has an entry for each too: the score maps that were asked for, by class, as
    `data:image/png;base64,` of grey pixels, 255 times the mean score of the windows
    there. A map has the proportions of the photograph and at most 64 pixels a side.
    `pictures` are the photographs as small upright JPEGs, where they were asked for.
    """

    records: list[Record]
    maps: list[dict[str, str]]
    pictures: list[str | None]


class Unreadable(Predictions):
    """The same where none of the files is a photograph."""

    detail: str


class Refusal(_Answer):
    """Why a request was not served, and what to do."""

    detail: str


class ModelFacts(_Answer):
    """What is served, and what it takes.

    `thresholds` are probabilities; `aggregation` makes image scores of window scores;
    `k` is its exponent, null where it is no power mean. `max_upload` is in bytes and of
    a whole request.
    """

    schema_: Literal["midlevel-model/1"] = pydantic.Field(alias="schema")
    run: str
    classes: list[str]
    thresholds: dict[str, float]
    k: float | None
    aggregation: Aggregated
    backbone: str
    engine: str
    fingerprint: str
    version: str
    max_upload: int
    max_files: int


class Health(_Answer):
    """That the server answers, and how many requests it has in hand."""

    status: Literal["ok"]
    in_hand: int
