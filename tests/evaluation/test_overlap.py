"""Photographs that a run has seen before."""

import shutil
from pathlib import Path

import pytest
import stub

from midlevel import runs
from midlevel.evaluation import overlap


def test_a_photograph_is_known_by_what_its_file_holds(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"one")
    (tmp_path / "b.jpg").write_bytes(b"two")
    (tmp_path / "copy.jpg").write_bytes(b"one")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "b.jpg")
    (tmp_path / "longer.jpg").write_bytes(b"three")
    a, b, copy, link, longer, gone = (
        tmp_path / f"{name}.jpg"
        for name in ("a", "b", "copy", "link", "longer", "gone")
    )
    assert overlap.among([a, b, longer], [copy, gone]) == [a]
    assert overlap.among([a, b, longer], [link, longer]) == [b, longer]
    assert overlap.among([a], []) == []


def photographs(folder: Path, split: str) -> list[Path]:
    return sorted((folder / "JPEGImages").glob(f"{split}_*.jpg"))


@pytest.fixture
def chosen_apart(trained, tmp_path):
    """A run whose validation photographs chose nothing."""
    return stub.held_out(trained, tmp_path / "run")


def test_photographs_that_taught_a_run_are_named(chosen_apart, toy_voc):
    val, train = (photographs(toy_voc, split) for split in ("val", "train"))
    assert overlap.notes(chosen_apart, "mine", val) == []
    some = [*val, *train[:4]]
    assert overlap.notes(chosen_apart, "mine", some) == [
        "mine learned from 4 of the 9 measured photographs (train_00.jpg, train_01.jpg,"
        " train_02.jpg, ...), and its figures flatter it: measure on others, with "
        "--data or --split."
    ]
    (said,) = overlap.notes(chosen_apart, "mine", train)
    assert said.startswith("mine learned from all 11 photographs that are measured,")


def test_photographs_that_chose_are_named_too(trained, toy_voc):
    (said,) = overlap.notes(trained, "mine", photographs(toy_voc, "val"))
    assert said == (
        "mine chose its epoch, calibration and thresholds on all 5 photographs that "
        "are measured: its figures flatter a little."
    )


def test_where_what_taught_is_gone_nobody_knows(trained, toy_voc, tmp_path):
    shutil.copytree(trained.folder, tmp_path / "run")
    run = runs.Run(tmp_path / "run")
    run.update(folder=str(tmp_path / "nowhere"))
    (said,) = overlap.notes(run, "mine", photographs(toy_voc, "val"))
    assert said == (
        "mine: 11 of the 11 photographs it learned from are gone; whether they are "
        "among those measured is not known."
    )
