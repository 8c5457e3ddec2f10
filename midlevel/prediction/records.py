"""The prediction record: what is said of one photograph, and how it is written."""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TextIO

import numpy as np
import pydantic
from typing_extensions import TypedDict  # pydantic wants it before Python 3.12

from midlevel.prediction import localising
from midlevel.prediction.window_scores import WindowScores
from midlevel.system import runtime

if TYPE_CHECKING:
    import pandas

Schema = Literal["midlevel-prediction/2"]
SCHEMA: Schema = "midlevel-prediction/2"
DIGITS = 6  # of a probability, a threshold and a region's score
DESCRIBED = pydantic.ConfigDict(extra="forbid", use_attribute_docstrings=True)


@pydantic.with_config(DESCRIBED)
class Label(TypedDict):
    """A class that the photograph shows: its score reaches its threshold."""

    name: str
    """The class."""
    score: float
    """How probably the photograph shows it, in [0, 1]."""
    threshold: float
    """The probability from which it is a label."""


@pydantic.with_config(DESCRIBED)
class Region(TypedDict):
    """A box around what scored for a label."""

    name: str
    """The class."""
    score: float
    """The highest value of the class's score map inside: a mean of window scores, no
    probability."""
    bbox: Annotated[list[float], pydantic.Field(min_length=4, max_length=4)]
    """x, y, width and height in pixels of the upright photograph."""


@pydantic.with_config(DESCRIBED)
class Record(TypedDict):
    """What is said of one photograph; where it could not be read, that and why."""

    schema: Schema
    """The form of this record."""
    file: str | None
    """The photograph; none for an array."""
    width: int | None
    """Pixels of the upright photograph."""
    height: int | None
    """Pixels of the upright photograph."""
    labels: list[Label]
    """The classes at or above their thresholds, best first."""
    scores: dict[str, float]
    """How probably the photograph shows each class, in [0, 1], calibrated."""
    regions: list[Region]
    """Boxes around what scored for each label."""
    failure: str | None
    """Why it could not be read; none where it could."""


class Records(list[Record]):
    """Records, in the order of the photographs."""

    def to_pandas(self) -> "pandas.DataFrame":
        """A row for each, `score cat` for the class cat; labels are tuples of names.

        Raises:
            errors.MissingDependency: pandas is not installed.
        """
        pandas = runtime.load("pandas", "pandas", extra="")
        rows = [
            {
                "file": record["file"],
                "width": record["width"],
                "height": record["height"],
                "labels": tuple(label["name"] for label in record["labels"]),
                **{f"score {name}": s for name, s in record["scores"].items()},
                "failure": record["failure"],
            }
            for record in self
        ]
        return pandas.DataFrame(rows)


def of_image(
    found: WindowScores,
    probabilities: np.ndarray,
    thresholds: dict[str, float],
    file: str | None,
) -> Record:
    """The record of an image.

    Args:
        probabilities: float `(classes,)`.
        thresholds: for each class the probability from which it is a label.
    """
    by_name = dict(zip(found.classes, probabilities.tolist(), strict=True))
    labels: list[Label] = [
        {"name": name, "score": score, "threshold": thresholds[name]}
        for name, score in sorted(by_name.items(), key=lambda item: -item[1])
        if score >= thresholds[name]
    ]
    width, height = found.plan.size_wh
    return {
        "schema": SCHEMA,
        "file": file,
        "width": width,
        "height": height,
        "labels": labels,
        "scores": by_name,
        "regions": [row for label in labels for row in _regions(found, label["name"])],
        "failure": None,
    }


def of_failure(file: str, why: str) -> Record:
    """The record of a file that could not be read."""
    return {
        "schema": SCHEMA,
        "file": file,
        "width": None,
        "height": None,
        "labels": [],
        "scores": {},
        "regions": [],
        "failure": why,
    }


def _regions(found: WindowScores, name: str) -> list[Region]:
    plan = found.plan
    boxes, peaks = localising.find(plan.boxes, found.of_class(name), plan.size_wh)
    boxes_xywh = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
    rounded = boxes_xywh.astype(float).round(1).tolist()
    return [
        {"name": name, "score": round(float(peak), DIGITS), "bbox": box}
        for box, peak in zip(rounded, peaks, strict=True)
    ]


def opened(path: Path) -> TextIO:
    """A new text file for records; names of files may hold bytes that are no text."""
    return path.open("w", encoding="utf-8", errors="backslashreplace", newline="")


FIXED = ("file", "width", "height", "labels", "failure")  # columns of every CSV file
CLASS = " (class)"  # behind a class that is named as one of them
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would compute


def writer(
    file: TextIO, form: str, classes: Sequence[str]
) -> Callable[[Record], object]:
    """A function that writes one record to `file`.

    `jsonl`: the record, one line. `csv`: file, width, height, labels separated by
    semicolons, a column with the score of each class, failure; see `column` and `cell`.
    """
    if form == "jsonl":
        return lambda record: file.write(json.dumps(record, ensure_ascii=False) + "\n")
    rows = csv.writer(file, lineterminator="\n")
    head = [*FIXED[:4], *map(column, classes), FIXED[4]]
    rows.writerow(map(cell, head))
    return lambda record: rows.writerow(map(cell, _row(record, classes)))


def column(name: str) -> str:
    """Head of the column of a class's scores, none of the others' heads.

    >>> column("cat"), column("width"), column("width (class)")
    ('cat', 'width (class)', 'width (class) (class)')
    """
    plain = name
    while plain.endswith(CLASS):
        plain = plain.removesuffix(CLASS)
    return f"{name}{CLASS}" if plain in FIXED else name


def cell(value: Any) -> Any:
    """A text that a spreadsheet shows as it is, and does not compute: an apostrophe
    stands before it where need be (OWASP, "CSV Injection").

    >>> cell("=1+1"), cell("cat"), cell(-1.5)
    ("'=1+1", 'cat', -1.5)
    """
    is_formula = isinstance(value, str) and value.startswith(FORMULA)
    return f"'{value}" if is_formula else value


def uncelled(text: str) -> str:
    """The text that `cell` made a cell of.

    >>> uncelled("'=1+1"), uncelled("cat")
    ('=1+1', 'cat')
    """
    return text[1:] if text[:1] == "'" and text[1:].startswith(FORMULA) else text


def _row(record: Record, classes: Sequence[str]) -> list[Any]:
    labels = joined(label["name"] for label in record["labels"])
    by_name = [record["scores"].get(name, "") for name in classes]
    head = [record["file"], record["width"], record["height"], labels]
    return [*head, *by_name, record["failure"] or ""]


def joined(names: Iterable[str]) -> str:
    """Names with semicolons between them; those inside a name have a backslash before.

    >>> print(joined(["cat", "salt;pepper"]))
    cat;salt\\;pepper
    """
    return ";".join(name.replace("\\", "\\\\").replace(";", "\\;") for name in names)


def line(record: Record) -> str:
    """A record as a person reads it.

    >>> labels = [{"name": "cat", "score": 0.91}]
    >>> line({"file": "a.jpg", "labels": labels, "failure": None})
    'a.jpg  cat 0.91'
    """
    if record["failure"]:
        return f"failed  {record['failure']}"
    labels = [f"{label['name']} {label['score']:.2f}" for label in record["labels"]]
    return f"{record['file']}  {', '.join(labels) or '-'}"
