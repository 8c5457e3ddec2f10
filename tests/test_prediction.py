import csv
import json
import shutil

import pytest
import stub

import midlevel
from midlevel import errors, prediction, sources
from midlevel.model import Model


@pytest.fixture(scope="module")
def model(trained):
    return midlevel.load(trained.folder)


@pytest.fixture
def folder(toy_voc, tmp_path):
    """Four photographs, the third of which cannot be read."""
    place = tmp_path / "photographs"
    place.mkdir()
    for i, name in enumerate(("d.jpg", "a.jpg", "b, c.jpg")):
        shutil.copy(toy_voc / "JPEGImages" / f"val_0{i}.jpg", place / name)
    (place / "c.jpg").write_bytes(b"no image")
    return place


NAMES = ["a.jpg", "b, c.jpg", "c.jpg", "d.jpg"]


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_records_are_the_models_own_in_the_order_given(model, folder, tmp_path):
    output = tmp_path / "new" / "out.jsonl"
    notes = stub.Notes()
    summary = prediction.predict(model, sources.find([folder]), output, progress=notes)
    assert lines(output) == model.predict(folder)
    assert [record["file"].rpartition("/")[2] for record in lines(output)] == NAMES
    assert (summary.done, summary.failed, summary.output) == (3, 1, output)
    assert [path.name for path in output.parent.iterdir()] == ["out.jsonl"]
    assert any(f"failed  {folder / 'c.jpg'}: " in line for line in notes.lines)
    assert notes.lines[-1].startswith("3 labelled, 1 failed, ")
    assert notes.lines[-1].endswith(f"records in {output}")


def test_a_table_says_the_same_as_the_records(model, folder, tmp_path):
    output = tmp_path / "out.CSV"  # the format is in the name
    prediction.predict(model, sources.find([folder]), output, progress=stub.QUIET)
    with output.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row, record in zip(rows, model.predict(folder), strict=True):
        assert row["file"] == record["file"]
        assert row["labels"] == ";".join(label["name"] for label in record["labels"])
        assert row["failure"] == (record["failure"] or "")
        assert row["width"] == str(record["width"] or "")
        scores = {name: float(row[name]) for name in model.classes if row[name]}
        assert scores == record["scores"]


def test_stdout_takes_records_and_nothing_else(model, folder, capsys):
    summary = prediction.predict(
        model, sources.find([folder]), "-", progress=stub.QUIET
    )
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert records == model.predict(folder)
    assert summary.output is None


def test_without_an_output_a_line_each_is_for_people(
    model, folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    summary = prediction.predict(model, sources.find([folder]), progress=stub.QUIET)
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 4 and told[2].startswith("failed  ")
    assert told[0].startswith(f"{folder.as_posix()}/a.jpg  square ")
    assert summary.output.parent.parent == prediction.FOLDER
    assert lines(summary.output) == model.predict(folder)


def test_an_interruption_leaves_what_was_done_under_another_name(
    model, folder, tmp_path, monkeypatch
):
    records = model.predict(folder)

    def interrupted(model, paths):
        yield from records[:2]
        raise KeyboardInterrupt

    monkeypatch.setattr(Model, "stream", interrupted)
    output = tmp_path / "out.jsonl"
    with pytest.raises(errors.Interrupted, match="records so far are in .*jsonl.part"):
        prediction.predict(model, sources.find([folder]), output, progress=stub.QUIET)
    assert not output.exists()
    assert lines(tmp_path / "out.jsonl.part") == records[:2]


def test_where_nothing_can_be_read_that_is_an_error(model, folder, tmp_path):
    output = tmp_path / "out.jsonl"
    with pytest.raises(errors.DataError, match="None of the photographs could be read"):
        prediction.predict(
            model, sources.find([folder / "c.jpg"]), output, progress=stub.QUIET
        )
    assert [record["failure"] is None for record in lines(output)] == [False]


def test_an_output_that_cannot_be_written_is_refused_by_name(model, folder, tmp_path):
    (tmp_path / "file").touch()
    output = tmp_path / "file" / "out.jsonl"
    with pytest.raises(errors.MidlevelError, match="out.jsonl: cannot be written: "):
        prediction.predict(model, sources.find([folder]), output, progress=stub.QUIET)
