import csv
import errno
import json
import os
import shutil
import sys
import time

import pytest
import stub
from click.testing import CliRunner

import midlevel
from midlevel import errors
from midlevel.commands import cli
from midlevel.images import sources
from midlevel.prediction import journal, journal_files
from midlevel.prediction import predict as prediction
from midlevel.prediction.model import Model

NAMES = ["a.jpg", "b, c.jpg", "c.jpg", "d.jpg"]
ALL = ["out.jsonl", "out.jsonl.meta.json"]


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


@pytest.fixture
def output(tmp_path):
    return tmp_path / "new" / "out.jsonl"


def predict(model, folder, output=None, progress=stub.QUIET, form=None, **allowed):
    return prediction.predict(
        model,
        sources.find([folder]),
        output,
        form,
        progress,
        journal.Allowed(**allowed),
    )


def expected(model, folder):
    """The model's own records, with names relative to the folder."""
    found = model.predict(folder)
    return [{**r, "file": os.path.relpath(r["file"], folder)} for r in found]


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def there(output):
    return sorted(path.name for path in output.parent.iterdir())


@pytest.fixture
def scored(monkeypatch):
    """The names of the photographs that were scored."""
    names, stream = [], Model.stream

    def noted(self, paths):
        names.extend(path.name for path in paths)
        return stream(self, paths)

    monkeypatch.setattr(Model, "stream", noted)
    return names


def interrupt(model, folder, output, after, why=KeyboardInterrupt, **options):
    """A prediction that ends after some records."""
    stream = Model.stream

    def stopping(self, paths):
        for number, record in enumerate(stream(self, paths)):
            if number == after:
                raise why
            yield record

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Model, "stream", stopping)
        with pytest.raises((errors.Interrupted, why)) as caught:
            predict(model, folder, output, **options)
    return caught.value


def test_records_are_the_models_own_in_the_order_given(model, folder, output):
    notes = stub.Notes()
    summary = predict(model, folder, output, notes)
    assert lines(output) == expected(model, folder)
    assert [record["file"] for record in lines(output)] == NAMES
    assert (summary.done, summary.failed, summary.resumed) == (3, 1, 0)
    assert summary.output == output and there(output) == ALL
    assert any(f"failed  {folder / 'c.jpg'}: " in line for line in notes.lines)
    assert notes.lines[-1].startswith("3 scored, 1 failed, ")
    assert notes.lines[-1].endswith(f"records in {output}")


def test_beside_the_records_is_what_made_them(model, folder, output):
    predict(model, folder, output)
    about = json.loads(journal_files.beside(output, "meta.json").read_bytes())
    assert about["schema"] == "midlevel-prediction/2" and about["photographs"] == 4
    assert about["model"] == str(model.run.folder)
    assert about["root"] == str(folder) and about["classes"] == list(model.classes)
    assert about["thresholds"] == model.thresholds and about["k"] == model.k
    assert len(about["fingerprint"]) == 64 and about["engine"]


def test_names_are_relative_to_where_one_stands_or_to_what_holds_all(
    model, folder, output, monkeypatch
):
    (folder / "sub").mkdir()
    (folder / "a.jpg").rename(folder / "sub" / "é.jpg")
    predict(model, folder / "sub", output)
    assert lines(output)[0]["file"] == "é.jpg"
    monkeypatch.chdir(folder.parent)
    with pytest.raises(errors.MidlevelError) as caught:
        predict(model, folder / "sub", output)
    assert f"relative to another folder, {folder / 'sub'}. " in str(caught.value)
    predict(model, folder / "sub", output, overwrite=True)
    assert lines(output)[0]["file"] == "photographs/sub/é.jpg"


def test_a_table_says_the_same_as_the_records(model, folder, tmp_path):
    output = tmp_path / "out.CSV"  # the format is in the name
    predict(model, folder, output)
    with output.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row, record in zip(rows, expected(model, folder), strict=True):
        assert row["file"] == record["file"]
        assert row["labels"] == ";".join(label["name"] for label in record["labels"])
        assert row["failure"] == (record["failure"] or "")
        assert row["width"] == str(record["width"] or "")
        scores = {name: float(row[name]) for name in model.classes if row[name]}
        assert scores == record["scores"]


def test_stdout_takes_records_and_nothing_else(model, folder, capsys):
    summary = predict(model, folder, "-")
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert records == expected(model, folder)
    assert summary.output is None


@pytest.mark.parametrize(
    "error, raised, why",
    [
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), BrokenPipeError, "Broken pipe"),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            errors.MidlevelError,
            "stdout: cannot be written: No space",
        ),
    ],
)
def test_a_full_disk_behind_stdout_is_said_a_reader_that_has_gone_is_not(
    model, folder, monkeypatch, error, raised, why
):
    def refuse(text):
        raise error

    monkeypatch.setattr(sys.stdout, "write", refuse)
    with pytest.raises(raised, match=why):
        predict(model, folder, "-")


def test_without_an_output_a_line_each_is_for_people(
    model, folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    summary = predict(model, folder)
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 4 and told[2].startswith("failed  ")
    assert told[0].startswith(f"{folder.as_posix()}/a.jpg  square ")
    assert summary.output.parent.parent == prediction.FOLDER
    names = [f"photographs/{name}" for name in NAMES]
    assert [record["file"] for record in lines(summary.output)] == names


# === Interrupted, and gone on with ===


@pytest.mark.parametrize("after", range(4))
@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_interrupted_it_goes_on_to_the_same_records(
    model, folder, tmp_path, scored, after, ending
):
    whole, output = (tmp_path / name / f"out.{ending}" for name in ("whole", "broken"))
    predict(model, folder, whole)
    error = interrupt(model, folder, output, after)
    assert f"records so far are in {output}.part. The same" in str(error)
    assert not output.exists()
    scored.clear()
    notes = stub.Notes()
    summary = predict(model, folder, output, notes)
    done = [name for name in NAMES[:after] if name != "c.jpg"]  # a failure
    assert scored == [name for name in NAMES if name not in done]
    assert (summary.done, summary.failed, summary.resumed) == (3, 1, len(done))
    if done:
        assert f"{len(done)} records are there already, going on" in notes.lines
        assert f"3 scored ({len(done)} of them before), 1 failed" in notes.lines[-1]
    assert output.read_bytes() == whole.read_bytes()
    assert there(output) == [f"out.{ending}", f"out.{ending}.meta.json"]


def test_an_error_of_something_else_is_not_blamed_on_the_output(model, folder, output):
    error = interrupt(model, folder, output, 1, why=PermissionError)
    assert type(error) is PermissionError
    assert [
        row["file"] for row in lines(journal_files.beside(output, "part"))
    ] == NAMES[:1]


def test_photographs_that_came_went_or_changed_meanwhile_are_seen(
    model, folder, output, scored
):
    interrupt(model, folder, output, 2)
    (folder / "a.jpg").unlink()
    shutil.copy(folder / "d.jpg", folder / "aa.jpg")
    time.sleep(0.01)
    shutil.copy(folder / "d.jpg", folder / "b, c.jpg")
    scored.clear()
    predict(model, folder, output)
    assert scored == ["aa.jpg", "b, c.jpg", "c.jpg", "d.jpg"]
    assert lines(output) == expected(model, folder)


def test_what_failed_is_tried_again_once_it_is_mended(model, folder, output, scored):
    predict(model, folder, output)
    shutil.copy(folder / "d.jpg", folder / "c.jpg")
    scored.clear()
    summary = predict(model, folder, output)
    assert scored == ["c.jpg"] and (summary.done, summary.failed) == (4, 0)
    assert lines(output) == expected(model, folder)


def test_it_can_be_begun_again(model, folder, output, scored):
    error = interrupt(model, folder, output, 2, resume=False)
    assert "The same command, with --resume, goes on." in str(error)
    scored.clear()
    predict(model, folder, output, resume=False)
    assert scored == NAMES and lines(output) == expected(model, folder)


def test_the_newest_unfinished_folder_is_gone_on_with(
    model, folder, tmp_path, monkeypatch, scored
):
    monkeypatch.chdir(tmp_path)
    interrupt(model, folder, None, 2)
    predict(model, folder / "d.jpg")  # of other photographs
    scored.clear()
    summary = predict(model, folder)
    assert scored == NAMES[2:] and summary.resumed == 2
    assert len(list(prediction.FOLDER.iterdir())) == 2
    interrupt(model, folder, None, 1)
    predict(model, folder, resume=False)
    assert len(list(prediction.FOLDER.iterdir())) == 4


# === Shards ===


def test_shards_after_one_another_are_the_whole(model, folder, tmp_path):
    paths, root = sources.find([folder]), folder.parent
    for part in [*range(3), None]:
        some = paths if part is None else prediction.shard(paths, part, 3)
        output = tmp_path / f"{part}.jsonl"
        prediction.predict(model, some, output, progress=stub.QUIET, root=root)
    parts = [(tmp_path / f"{part}.jsonl").read_bytes() for part in range(3)]
    assert b"".join(parts) == (tmp_path / "None.jsonl").read_bytes()
    assert all(parts)


def test_a_shard_of_nothing_is_an_empty_file(model, folder, output):
    paths = prediction.shard(sources.find([folder]), 1, 9)
    summary = prediction.predict(model, paths, output, progress=stub.QUIET, root=folder)
    assert not paths and output.read_bytes() == b"" and summary.done == 0
    table = output.with_suffix(".csv")
    prediction.predict(model, paths, table, progress=stub.QUIET, root=folder)
    assert table.read_text().splitlines() == [
        "file,width,height,labels,disc,square,wedge,failure"
    ]


@pytest.mark.parametrize("count", [0, 1, 5, 7])
@pytest.mark.parametrize("parts", [1, 2, 3, 8])
def test_shards_are_even_and_each_photograph_is_in_one(count, parts):
    found = [prediction.shard(range(count), part, parts) for part in range(parts)]
    assert [i for some in found for i in some] == list(range(count))
    assert max(map(len, found)) - min(map(len, found)) <= 1


# === Errors ===


def test_where_nothing_can_be_read_that_is_an_error(model, folder, output):
    with pytest.raises(errors.DataError, match="None of the photographs could be read"):
        predict(model, folder / "c.jpg", output)
    assert [record["failure"] is None for record in lines(output)] == [False]


@pytest.mark.parametrize("place", ["file/out.jsonl", "/dev/null/out.jsonl"])
def test_an_output_that_cannot_be_written_is_refused_by_name(
    model, folder, tmp_path, place, scored
):
    (tmp_path / "file").touch()
    with pytest.raises(errors.MidlevelError, match="out.jsonl: cannot be written: "):
        predict(model, folder, tmp_path / place)
    assert not scored


def test_a_folder_is_no_output(model, folder, tmp_path):
    with pytest.raises(errors.MidlevelError, match="is a folder. Name a file with"):
        predict(model, folder, tmp_path)


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_records_of_another_model_are_replaced_only_when_asked(
    model, trained_on_crops, folder, tmp_path, scored, ending
):
    output = tmp_path / f"labels.{ending}"
    predict(model, folder, output)
    before, other = output.read_bytes(), midlevel.load(trained_on_crops.folder)
    scored.clear()
    for resume in (True, False):
        with pytest.raises(errors.MidlevelError) as caught:
            predict(other, folder, output, resume=resume)
        assert str(caught.value) == (
            f"{output}: holds records of another model, {model.run.folder}. "
            "Name another --output, or add --overwrite to replace it."
        )
    assert output.read_bytes() == before and not scored
    error = interrupt(other, folder, output, 2, overwrite=True)
    assert "The same command goes on." in str(error)
    assert output.read_bytes() == before
    summary = predict(other, folder, output, overwrite=True)
    assert summary.resumed == 2 and output.read_bytes() != before
    about = json.loads(journal_files.beside(output, "meta.json").read_bytes())
    assert about["model"] == str(other.run.folder)


def test_other_thresholds_are_other_records(model, folder, output):
    predict(model, folder, output)
    before = output.read_bytes()
    with pytest.raises(errors.MidlevelError, match="with other thresholds"):
        midlevel.predict(
            folder, model=model, output=output, thresholds=0.99, progress=stub.QUIET
        )
    assert output.read_bytes() == before
    midlevel.predict(
        folder,
        model=model,
        output=output,
        thresholds=0.99,
        overwrite=True,
        progress=stub.QUIET,
    )
    assert output.read_bytes() != before


def test_a_table_of_somebody_else_is_replaced_only_when_asked(model, folder, tmp_path):
    output = tmp_path / "labels.csv"
    output.write_text("file,labels\na.jpg,cat\n")
    with pytest.raises(errors.MidlevelError, match="what no prediction wrote: there"):
        predict(model, folder, output, resume=False)
    assert output.read_text() == "file,labels\na.jpg,cat\n"
    predict(model, folder, output, overwrite=True)
    assert output.read_text().startswith("file,width,height,labels,")


def test_a_second_process_is_refused(model, folder, output):
    with (
        journal.opened(output, {"schema": 0, "fingerprint": 0, "root": 0}),
        pytest.raises(errors.MidlevelError, match="another process is writing there"),
    ):
        predict(model, folder, output)


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
@pytest.mark.parametrize("resume", [True, False])
def test_records_of_other_photographs_are_not_lost(
    model, folder, tmp_path, ending, resume
):
    (folder / "d.jpg").rename(folder / "=d.jpg")  # in a table with an apostrophe
    output = tmp_path / f"out.{ending}"
    predict(model, folder, output)
    before = output.read_bytes()

    def only(name, **allowed):
        some, how = [folder / name], journal.Allowed(**allowed)
        return prediction.predict(model, some, output, None, stub.QUIET, how, folder)

    with pytest.raises(errors.MidlevelError) as caught:
        only("a.jpg", resume=resume)
    assert "holds records of other photographs, such as " in str(caught.value)
    assert output.read_bytes() == before
    assert there(output) == [output.name, f"{output.name}.meta.json", "photographs"]
    for name in ("b, c.jpg", "c.jpg"):
        (folder / name).unlink()  # gone photographs need no record
    with pytest.raises(errors.MidlevelError, match="such as =d.jpg. Name another"):
        only("a.jpg", resume=resume)
    only("a.jpg", resume=resume, overwrite=True)
    assert b"a.jpg" in output.read_bytes() and b"d.jpg" not in output.read_bytes()


def test_what_a_folder_holds_besides_photographs_is_said(trained, folder, output):
    for name in ("a.MOV", "notes.txt", "a.xml"):
        (folder / name).touch()
    notes = stub.Notes()
    midlevel.predict(folder, model=trained.folder, output=output, progress=notes)
    line = f"passed over in {folder}: 1 video (.mov), 2 other files (.txt, .xml)"
    assert line in notes.text
    assert len(lines(output)) == 4


def test_an_empty_source_is_refused_by_the_command(trained):
    words = ["predict", "", "--model", str(trained.folder)]
    done = CliRunner().invoke(cli.cli, words)
    assert done.exit_code != 0 and 'Received: ""' in done.output + str(done.exception)
