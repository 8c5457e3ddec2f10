import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import helpers
import pytest
import stub
from click.testing import CliRunner

from midlevel import exports
from midlevel.commands.cli import cli
from midlevel.prediction import model as model_
from midlevel.training import train

COMMANDS = sorted(cli.commands)


def call(*arguments):
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def settings():
    """The stub's settings as options."""
    pairs = {**stub.SETTINGS, "training.epochs": 2}.items()
    return [f"--set={key}={json.dumps(value)}" for key, value in pairs]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fails(code, *arguments):
    """The one line that a failing command says."""
    done = call(*arguments)
    assert done.exit_code == code, done.output
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("midlevel: ") and "Traceback" not in line
    return line


# === Help ===


@pytest.mark.parametrize("command", [(), *[(name,) for name in COMMANDS]])
def test_every_command_has_help_with_examples(command):
    for option in ("--help", "-h"):
        done = call(*command, option)
        assert done.exit_code == 0, done.output
        assert f"\n      midlevel {' '.join(command)}" in done.stdout
        assert done.stderr == ""
    for parameter in (cli.commands[command[0]] if command else cli).params:
        assert (
            parameter.param_type_name == "argument"
            or parameter.help
            or (parameter.name == "form")
        )


def test_the_readme_shows_every_command():
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    assert all(f"midlevel {name}" in readme for name in COMMANDS)
    assert len(COMMANDS) == 13
    assert call("--version").stdout.startswith("midlevel, version ")
    assert call().exit_code in (0, 2)


def test_help_loads_neither_tensorflow_nor_keras():
    code = (
        "import sys\nfrom midlevel.commands.cli import cli\n"
        "cli(['train', '--help'], standalone_mode=False)\n"
        "heavy = {'tensorflow', 'keras', 'cv2', 'albumentations'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# === Errors ===


@pytest.mark.parametrize(
    "arguments",
    [
        ["tain"],
        ["predict"],
        ["train", "--epochs", "3"],
        ["train", "--seed", "one"],
        ["train", "--config", "gone.yaml"],
        ["predict", "a.jpg", "--format", "xml"],
        ["export", "--format", "pdf"],
    ],
)
def test_wrong_use_leaves_with_2_and_names_the_usage(here, arguments):
    done = call(*arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith("Usage: ") and done.stdout == ""


def test_an_unknown_setting_is_refused_with_the_one_that_was_meant(here, toy_voc):
    line = fails(2, "train", toy_voc, "--set", "training.epoch=3")
    assert "training.epoch: no such setting. Did you mean training.epochs?" in line
    line = fails(2, "train", toy_voc, "--set", "training.epochs")
    assert "--set expects key=value. Received: training.epochs." in line
    assert not list(here.iterdir())


def test_data_that_cannot_be_used_leaves_with_3_and_is_named(here):
    (here / "empty").mkdir()
    assert "nowhere: expected a folder with labelled" in fails(3, "train", "nowhere")
    assert "empty: holds no data set in a known format" in fails(3, "train", "empty")


def test_a_model_that_is_not_there_leaves_with_2_and_the_way_to_one(here):
    assert "Train one with `midlevel train`" in fails(2, "evaluate")
    assert "nowhere: does not exist. There are no runs in" in fails(
        2, "evaluate", "--model", "nowhere"
    )


def test_a_photograph_that_is_not_there_leaves_with_3(here, trained):
    line = fails(3, "predict", "gone.jpg", "--model", trained.folder)
    assert line.startswith("midlevel: gone.jpg: no such file or folder")


def test_resume_takes_no_settings(here, trained):
    shutil.copytree(trained.folder, "run")
    record = json.loads((here / "run/run.json").read_text())
    (here / "run/run.json").write_text(json.dumps({**record, "finished": False}))
    for options in (["--seed", "1"], ["--set", "seed=1"]):
        line = fails(2, "train", "--resume", "--run", "run", *options)
        assert "leave out --config, --set, --seed and --from" in line


def test_an_interruption_leaves_with_130(here, trained, toy_voc, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "_train", interrupted)
    assert "nothing is written" in fails(130, "train", toy_voc, "--run", "run")
    monkeypatch.setattr(model_.Model, "stream", interrupted)
    line = fails(
        130, "predict", toy_voc, "--model", trained.folder, "--output", "-", "-q"
    )
    assert line == "midlevel: interrupted."


@pytest.mark.parametrize("given", ["3/3", "-1/3", "1", "a/b", "1/2/3", "0/0"])
def test_a_shard_that_is_none_is_wrong_use(here, given):
    done = call("predict", "a.jpg", "--shard", given)
    assert done.exit_code == 2
    assert f"expected I/N with I from 0 to N - 1. Received: {given}." in done.stderr


# === Signals ===

SLOWLY = """
import sys, time
sys.path.insert(0, {tests!r})
import stub
stub.table.BACKBONES.update(stub.SPECS)
from midlevel.prediction.model import Model
stream = Model.stream
def slowly(self, paths):
    for record in stream(self, paths):
        yield record
        time.sleep({pause})
Model.stream = slowly
from midlevel.__main__ import main
main()
"""


def start(*arguments, pause=0.0):
    """The command in a process of its own, that rests after each photograph."""
    code = SLOWLY.format(tests=str(Path(__file__).parents[1]), pause=pause)
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return helpers.running(command)


def wait_for(path, count):
    """Until a file has some lines."""
    for _ in range(600):
        if path.exists() and path.read_bytes().count(b"\n") >= count:
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} has no {count} lines")


@pytest.mark.slow
def test_ended_or_killed_the_same_command_goes_on(here, trained, toy_voc):
    predict = ["predict", toy_voc / "JPEGImages", "--model", trained.folder]
    assert call(*predict, "--output", "whole.jsonl").exit_code == 0
    part = here / "out.jsonl.part"
    for signal_, code, count in ((signal.SIGTERM, 143, 3), (signal.SIGKILL, -9, 8)):
        with start(*predict, "--output", "out.jsonl", pause=0.2) as process:
            wait_for(part, count)
            second = call(*predict, "--output", "out.jsonl")
            process.send_signal(signal_)
            said = process.communicate()[1]
        assert second.exit_code == 2 and "another process is writing" in second.stderr
        assert process.returncode == code, said
        assert "Traceback" not in said
        assert not (here / "out.jsonl").exists()
        if code == 143:
            assert "records so far are in out.jsonl.part. The same command" in said
    done = call(*predict, "--output", "out.jsonl")
    assert done.exit_code == 0 and "records are there already" in done.stderr
    assert (here / "out.jsonl").read_bytes() == (here / "whole.jsonl").read_bytes()
    assert not part.exists()


@pytest.mark.parametrize("output", [["--output", "-"], []])
def test_a_reader_that_goes_ends_it_quietly(here, trained, toy_voc, output):
    predict = ["predict", toy_voc / "JPEGImages", "--model", trained.folder, "-q"]
    with start(*predict, *output, pause=0.1) as process:
        if not output:
            process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait() == 1 and said == ""


# === The whole way ===


def test_shards_joined_are_the_whole(here, trained, toy_voc):
    predict = ["predict", toy_voc / "JPEGImages", "--model", trained.folder, "-q"]
    for i in range(3):
        done = call(*predict, "--shard", f"{i}/3", "--output", f"{i}.jsonl")
        assert done.exit_code == 0, done.output
    assert call(*predict, "--output", "whole.jsonl").exit_code == 0
    joined = b"".join((here / f"{i}.jsonl").read_bytes() for i in range(3))
    assert joined == (here / "whole.jsonl").read_bytes()


def test_train_then_evaluate_predict_and_export(
    here, stub_backbone, toy_voc, monkeypatch
):
    monkeypatch.setattr(exports, "VERIFIED_ON", 1)
    done = call("train", toy_voc, "--run", "runs/train/a", "--seed", "3", *settings())
    assert done.exit_code == 0, done.output
    assert done.stdout == ""
    assert "validation mAP on 'val': area 1.0000" in done.stderr
    assert "midlevel predict FOLDER --model runs/train/a" in done.stderr

    done = call("evaluate", "--json", "-q")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["mAP"]["area"] > 0.95 and done.stderr == ""
    assert "non-interpolated" in call("evaluate", "-q").stdout

    done = call("predict", toy_voc, "--output", "-")
    assert done.exit_code == 0, done.output
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(records) == 16 and " 0 failed" in done.stderr
    assert [label["name"] for label in records[11]["labels"]][:1] == ["wedge"]

    done = call("export", "-q", "--output", "exported")
    assert done.exit_code == 0, done.output
    models, beside = ["window.keras", "image.keras"], ["labels.json", "labels.txt"]
    names = [*models, *beside, "exports.json", "MODEL_CARD.md"]
    assert done.stdout.splitlines() == [f"exported/{name}" for name in names]
    assert done.stderr == ""


def test_quiet_training_says_nothing(here, stub_backbone, toy_voc, capfd):
    done = call("train", toy_voc, "--run", "run", "-q", *settings())
    assert (done.exit_code, done.output) == (0, "")
    assert json.loads((here / "run/run.json").read_text())["finished"]


def test_a_command_line_goes_over_a_file(here, stub_backbone, toy_voc):
    (here / "some.yaml").write_text("seed: 5\ntraining: {epochs: 1, patience: 2}\n")
    options = ["--config", "some.yaml", "--run", "run", "-q", *settings()]
    done = call("train", toy_voc, *options, "--set", "seed=4", "--seed", "6")
    assert done.exit_code == 0, done.output
    written = (here / "run/config.yaml").read_text()
    assert "seed: 6" in written and "epochs: 2" in written and "patience: 2" in written


def test_some_that_cannot_be_read_are_named_and_the_rest_labelled(
    here, trained, toy_voc
):
    shutil.copy(toy_voc / "JPEGImages/val_04.jpg", "good.jpg")
    (here / "bad.jpg").write_bytes(b"no image")
    options = ("--model", trained.folder, "--output", "out.csv")
    done = call("predict", "bad.jpg", "good.jpg", *options)
    assert done.exit_code == 0, done.output
    assert "failed  bad.jpg: is not an image that can be read" in done.stderr
    assert "1 scored, 1 failed" in done.stderr
    header, bad, good = (here / "out.csv").read_text().splitlines()
    assert header == "file,width,height,labels,disc,square,wedge,failure"
    assert bad.startswith("bad.jpg,,,,,,,") and good.startswith("good.jpg,160,120,")


def test_a_run_that_is_a_file_is_refused_in_one_line(here):
    (here / "file").touch()
    assert "file: cannot be written: File exists" in fails(2, "train", "--run", "file")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "--epochs", "3"], "Did you mean --set training.epochs=VALUE?"),
        (["train", "--val-fraction", "0.3"], "--set data.val_fraction=VALUE?"),
        (["exprot"], "Did you mean 'export'?"),
        (["eval"], "Did you mean 'evaluate'?"),
        (["runs"], "There are: check, advise, train, predict,"),
    ],
)
def test_what_was_meant_is_said(words, said):
    done = call(*words)
    assert done.exit_code == 2 and said in done.stderr


def test_a_threshold_makes_labels(here, trained, toy_voc):
    options = ["--model", trained.folder, "--output", "-"]
    wanted = ["--threshold", "1", "--threshold", "disc=0"]
    done = call("predict", toy_voc / "JPEGImages", *options, *wanted)
    assert done.exit_code == 0
    for line in done.stdout.splitlines():
        names = [label["name"] for label in json.loads(line)["labels"]]
        assert "disc" in names
    refused = call("predict", toy_voc / "JPEGImages", *options, "--threshold", "dsc=0")
    assert refused.exit_code and "has no class 'dsc'" in refused.stderr
    assert call("predict", "x", "--threshold", "much").exit_code == 2


def test_records_are_not_written_under_a_false_name(here, trained, toy_voc):
    source = ["predict", toy_voc / "JPEGImages", "--model", trained.folder]
    done = call(*source, "--output", "labels.xlsx")
    assert done.exit_code != 0 and ".csv" in done.stderr
    assert not list(here.glob("labels*"))
    assert call(*source, "--output", "a.xlsx", "--format", "csv").exit_code == 0


def test_predict_names_its_model_and_counts_what_got_no_label(here, trained, toy_voc):
    source = ["predict", toy_voc / "JPEGImages", "--model", trained.folder]
    done = call(*source, "--threshold", "1")
    assert f"model: {trained.folder} (disc, square, wedge), validation mAP" in (
        done.stderr
    )
    assert "16 scored, " in done.stderr and " of them without a label" in done.stderr


def test_an_output_of_other_thresholds_needs_overwrite(here, trained, toy_voc):
    predict = ["predict", toy_voc / "JPEGImages", "--model", trained.folder, "-q"]
    predict += ["--output", "labels.csv"]
    assert call(*predict).exit_code == 0
    before = (here / "labels.csv").read_bytes()
    line = fails(2, *predict, "--threshold", "1")
    assert line.startswith(f"midlevel: labels.csv: holds records of {trained.folder} ")
    assert (here / "labels.csv").read_bytes() == before
    assert call(*predict, "--threshold", "1", "--overwrite").exit_code == 0
    assert (here / "labels.csv").read_bytes() != before
