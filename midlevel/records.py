"""Write prediction records as they come: JSON lines or CSV."""

import csv
import json
from collections.abc import Sequence
from typing import TextIO

FORMATS = ("jsonl", "csv")


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
    scores = [record["scores"].get(name, "") for name in classes]
    head = [record["file"], record["width"], record["height"], labels]
    return [*head, *scores, record["failure"] or ""]


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
