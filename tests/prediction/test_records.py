import csv
import io
import json

import pytest

from midlevel.prediction import records

FOUND = {
    "file": 'été, "1".jpg',
    "width": 40,
    "height": 30,
    "labels": [{"name": "cat", "score": 0.91}, {"name": "개", "score": 0.5}],
    "scores": {"cat": 0.91, "개": 0.5},
    "failure": None,
}
FAILED = {
    "file": "b.jpg",
    "width": None,
    "height": None,
    "labels": [],
    "scores": {},
    "failure": "b.jpg: is empty; expected an image.",
}
NOTHING = FOUND | {"labels": []}


def written(form, *rows):
    file = io.StringIO()
    write = records.writer(file, form, ["cat", "개"])
    for row in rows:
        write(row)
    return file.getvalue()


def test_json_lines_are_read_back_as_they_were():
    lines = written("jsonl", FOUND, FAILED).splitlines()
    assert [json.loads(line) for line in lines] == [FOUND, FAILED]
    assert "été" in lines[0] and "개" in lines[0]  # not as escapes


def test_csv_has_a_column_for_each_class():
    rows = list(csv.DictReader(io.StringIO(written("csv", FOUND, FAILED))))
    assert rows == [
        {
            "file": 'été, "1".jpg',
            "width": "40",
            "height": "30",
            "labels": "cat;개",
            "cat": "0.91",
            "개": "0.5",
            "failure": "",
        },
        dict.fromkeys(["width", "height", "labels", "cat", "개"], "")
        | {"file": "b.jpg", "failure": "b.jpg: is empty; expected an image."},
    ]


def test_csv_without_records_is_its_header():
    assert written("csv") == "file,width,height,labels,cat,개,failure\n"
    assert written("jsonl") == ""


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (FOUND, 'été, "1".jpg  cat 0.91, 개 0.50'),
        (NOTHING, 'été, "1".jpg  -'),
        (FAILED, "failed  b.jpg: is empty; expected an image."),
    ],
)
def test_a_record_is_one_line_for_a_person(record, expected):
    assert records.line(record) == expected


def table(classes, record):
    file = io.StringIO()
    records.writer(file, "csv", classes)({**FOUND, **record})
    return list(csv.reader(io.StringIO(file.getvalue())))


def test_a_class_named_as_a_column_has_a_column_of_its_own():
    heads, row = table(["file", "labels"], {"scores": {"file": 0.1, "labels": 0.2}})
    assert len(set(heads)) == len(heads) == 7
    found = dict(zip(heads, row, strict=True))
    assert found["file"] == FOUND["file"]
    assert (found["file (class)"], found["labels (class)"]) == ("0.1", "0.2")


def test_a_semicolon_in_a_name_is_told_from_two_labels():
    labels = [{"name": "salt;pepper"}, {"name": "cat"}]
    _, row = table([], {"labels": labels, "scores": {}})
    assert row[3] == r"salt\;pepper;cat"


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx"])
def test_a_spreadsheet_computes_nothing(name):
    heads, row = table(
        [name], {"file": name, "labels": [{"name": name}], "scores": {name: 0.5}}
    )
    assert [heads[4], row[0], row[3]] == [f"'{name}"] * 3 and row[4] == "0.5"


def test_records_are_a_table_for_pandas():
    pandas = pytest.importorskip("pandas")
    found = records.Records([{**FOUND, "regions": []}]).to_pandas()
    assert isinstance(found, pandas.DataFrame)
    assert found.labels[0] == ("cat", "개") and found["score cat"][0] == 0.91
