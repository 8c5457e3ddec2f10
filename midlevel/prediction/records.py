"""The prediction record: what is said of one photograph, and how it is written."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import numpy as np

from midlevel.prediction.window_scores import WindowScores

SCHEMA = "midlevel-prediction/2"
FORMATS = ("jsonl", "csv")
DIGITS = 6  # of a probability, a threshold and a region's score


def of_image(
    found: WindowScores,
    probabilities: np.ndarray,
    thresholds: dict[str, float],
    file: str | None,
) -> dict:
    """The record of an image.

    Returns:
        `schema`, `file`, `width` and `height` in pixels; `scores`, how probably the
        image shows each class, in [0, 1], calibrated on the validation split;
        `labels`, the classes at or above their threshold, best first; `regions`, boxes
        around what scored for each label, with `bbox` as `[x, y, width, height]` in
        pixels of the upright image; `failure`, None.
    """
    by_name = dict(zip(found.classes, probabilities.tolist(), strict=True))
    labels = [
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


def of_failure(file: str, why: str) -> dict:
    """The record of a file that could not be read."""
    empty: dict[str, object] = {
        "width": None,
        "height": None,
        "labels": [],
        "scores": {},
        "regions": [],
    }
    return {"schema": SCHEMA, "file": file, **empty, "failure": why}


def _regions(found: WindowScores, name: str) -> list[dict]:
    from midlevel.prediction import (
        localising,  # late: OpenCV would slow down every --help
    )

    plan = found.plan
    boxes, peaks = localising.find(plan.boxes, found.of_class(name), plan.size_wh)
    boxes_xywh = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
    boxes_xywh = boxes_xywh.astype(float).round(1)
    return [
        {"name": name, "score": round(float(peak), DIGITS), "bbox": box}
        for box, peak in zip(boxes_xywh.tolist(), peaks, strict=True)
    ]


def opened(path: Path) -> TextIO:
    """A new text file for records; names of files may hold bytes that are no text."""
    return path.open("w", encoding="utf-8", errors="backslashreplace", newline="")


def writer(file: TextIO, form: str, classes: Sequence[str]):
    """A function that writes one record to `file`.

    `jsonl`: the record, one line. `csv`: file, width, height, labels separated by
    semicolons, a column with the score of each class, failure.
    """
    if form == "jsonl":
        return lambda record: file.write(json.dumps(record, ensure_ascii=False) + "\n")
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["file", "width", "height", "labels", *classes, "failure"])
    return lambda record: rows.writerow(_row(record, classes))


def _row(record: dict, classes: Sequence[str]) -> list:
    labels = ";".join(label["name"] for label in record["labels"])
    by_name = [record["scores"].get(name, "") for name in classes]
    head = [record["file"], record["width"], record["height"], labels]
    return [*head, *by_name, record["failure"] or ""]


def line(record: dict) -> str:
    """A record as a person reads it.

    >>> labels = [{"name": "cat", "score": 0.91}]
    >>> line({"file": "a.jpg", "labels": labels, "failure": None})
    'a.jpg  cat 0.91'
    """
    if record["failure"]:
        return f"failed  {record['failure']}"
    labels = [f"{label['name']} {label['score']:.2f}" for label in record["labels"]]
    return f"{record['file']}  {', '.join(labels) or '-'}"
