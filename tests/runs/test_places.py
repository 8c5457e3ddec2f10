import pytest

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
