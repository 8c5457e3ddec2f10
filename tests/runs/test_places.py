import os

import pytest

import midlevel
from midlevel import errors, runs


def test_the_newest_run_is_taken_finished_or_not(trained, tmp_path):
    for number, finished in enumerate([True, True, False]):
        run = runs.Run(tmp_path / f"{9 - number}")
        run.begin(trained.config, {"data": "", "folder": "", "classes": []})
        run.update(finished=finished)
    assert runs.newest(finished=True, kind=tmp_path).folder.name == "8"
    assert runs.newest(finished=False, kind=tmp_path).folder.name == "7"


def test_without_a_run_it_is_said_how_to_make_one(tmp_path):
    with pytest.raises(errors.MidlevelError, match="Train one with `midlevel train`"):
        runs.newest(finished=True, kind=tmp_path)


@pytest.fixture
def runs_there(trained, tmp_path, monkeypatch):
    """Seven runs in runs/train, g the newest and not finished."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(["lions", *"bcdef", "g"]):
        run = runs.Run(f"runs/train/{name}")
        run.begin(trained.config, {"data": "", "folder": "", "classes": []})
        run.update(finished=name != "g")
        os.utime(run.folder / "run.json", (number, number))


def refused(folder):
    with pytest.raises(errors.MidlevelError) as caught:
        midlevel.load(folder)
    return str(caught.value)


def test_a_run_that_does_not_exist_is_told_from_what_is_none(runs_there, tmp_path):
    there = (
        "There are, newest first: runs/train/g (not finished), runs/train/f, "
        "runs/train/e, runs/train/d, runs/train/c, ..."
    )
    assert refused("nothere") == f"nothere: does not exist. {there}."
    meant = "Did you mean runs/train/lions?"
    assert refused("lion") == f"lion: does not exist. {meant} {there}."
    (tmp_path / "photographs").mkdir()
    assert refused("photographs").startswith("photographs: is not a run of midlevel")
    (tmp_path / "runs/train/f/run.json").write_text("[")
    os.utime(tmp_path / "runs/train/f/run.json", (99, 99))
    assert ": runs/train/f (cannot be read), runs/train/g (" in refused("nothere")


def test_where_there_are_no_runs_that_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert refused("nothere") == (
        "nothere: does not exist. There are no runs in runs/train. "
        "Train one with `midlevel train`."
    )
