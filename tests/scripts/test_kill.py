"""scripts/kill.py on the toy set with the stub."""

import random
import sys
from pathlib import Path

import pytest
import stub

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import kill
import kill_process
import kill_trials

CODE = (
    f"import sys\nsys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
    "import pytest, stub\nfrom midlevel.features import store\n"
    "store.CHUNK_BYTES = 4000\n"
    "{register}\nfrom midlevel.__main__ import main\nmain()"
)
WITH_KERAS = "stub.register(pytest.MonkeyPatch())"
WITHOUT = "stub.table.BACKBONES.update(stub.SPECS)"


def command(register):
    return [sys.executable, "-c", CODE.format(register=register)]


@pytest.fixture
def place(toy_voc, tmp_path):
    """Where the trials write, with photographs to label."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    for path in (toy_voc / "JPEGImages").iterdir():
        (folder / path.name).symlink_to(path)
    return tmp_path


def trials(toy_voc, place, register):
    return kill_trials.trials(toy_voc, place, stub.SETTINGS, command(register))


@pytest.mark.slow
def test_a_killed_prediction_and_its_shards_are_those_of_one_left_alone(
    toy_voc, place, trained
):
    (place / "runs").mkdir()
    (place / "runs" / "model").symlink_to(trained.folder)
    trial = trials(toy_voc, place, WITHOUT)[2]
    kill_process.run(trial, 1, random.Random(1))
    assert (trial.kills, trial.differences) == (1, [])
    assert trial.rounds >= 1 and sum(trial.fell.values()) == 1
    assert kill.differing_shards(place, command(WITHOUT), parts=2) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1], ids=["extract", "train"])
def test_killed_in_training_the_end_is_that_of_a_run_left_alone(
    stub_backbone, toy_voc, place, number
):
    trial = trials(toy_voc, place, WITH_KERAS)[number]
    kill_process.run(trial, 4, random.Random(0))
    assert (trial.kills, trial.differences) == (4, [])


def test_what_differs_is_named():
    made = iter([{"a": 1, "b": 2}, {"a": 1, "c": 3}])
    trial = kill_trials.Trial("x", [], "", "", lambda: next(made), lambda: None)
    kill_process.compare(trial, {"a": 1, "b": 2})
    assert trial.differences == []
    kill_process.compare(trial, {"a": 1, "b": 2})
    assert sorted(trial.differences) == ["round 2: b differs", "round 2: c differs"]
    assert "x             0       2        0            2" in kill.as_table([trial])
