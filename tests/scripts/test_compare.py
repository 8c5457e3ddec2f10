"""scripts/compare and scripts/subsets.py, on the toy set and another with the stub."""

import doctest
import importlib
import json
import sys
from collections import Counter
from pathlib import Path

import click.testing
import helpers
import numpy as np
import pytest
import stub

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import subsets
from compare import asked, cli, picture, settings, tables, tasks, trials

from midlevel import datasets, errors
from midlevel.settings import sections

NAMES = ("square", "disc", "wedge")
DEFAULTS = {"seconds": 9.0, "learning_s": 4.0, "code": "abc"}


@pytest.mark.parametrize("name", ["asked", "cli", "settings", "stripped", "tables"])
def test_the_examples_hold(name):
    assert not doctest.testmod(importlib.import_module(f"compare.{name}")).failed


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """18 photographs to learn from and 6 to measure on, each with one shape."""
    photographs, lists = {}, {"train": [], "val": []}
    for i in range(24):
        image, box = helpers.noise((128, 128), i), (10, 20, 100, 110)
        helpers.draw(image, NAMES[i % 3], box)
        photographs[f"p{i:02}"] = image, [(NAMES[i % 3], box, False)]
        lists["train" if i < 18 else "val"].append(f"p{i:02}")
    return helpers.write_voc(tmp_path_factory.mktemp("many"), photographs, lists)


def invoke(*arguments):
    done = click.testing.CliRunner().invoke(cli.main, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    return done.output


def refused(*arguments):
    done = click.testing.CliRunner().invoke(cli.main, list(map(str, arguments)))
    assert done.exit_code == 1
    return " ".join(done.output.split())


EXPERIMENTS = sorted((Path(__file__).parents[2] / "configs/experiments").glob("*"))


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_an_experiment_says_its_command_and_its_settings_are_known(path):
    lines = path.read_text().splitlines()
    about = " ".join(line.strip("# \\") for line in lines if line.startswith("#"))
    named = f"--experiment configs/experiments/{path.name}"
    assert (
        f"python scripts/compare settings VOC --tasks animals --output out {named}"
        in about
    )
    assert "CPU cores" in about
    assert asked.named([], None, {}, [path]) == {path.stem: asked.experiment(path)}


def test_experiments_are_named_by_their_files(tmp_path):
    file = tmp_path / "sharp.yaml"
    file.write_text("seed: 3\nlinear:\n  kind: svm\n  c: 0.1\n")
    found = asked.named(["default:"], None, {}, [file])
    assert found == {
        "sharp": {"seed": 3, "linear.kind": "svm", "linear.c": 0.1},
        "default": {},
    }
    with pytest.raises(errors.MidlevelError, match="'sharp' twice"):
        asked.named(["sharp:"], None, {}, [file])


# === Photographs ===


def test_the_seed_draws_what_is_learned_from_and_not_what_is_measured(many):
    dataset = datasets.read(many)
    task = tasks.Task(NAMES, train=6, val=4)
    first, same, other = (tasks.photographs(task, dataset, seed) for seed in (0, 0, 1))
    assert first == same and first["val"] == other["val"]
    assert first["train"] != other["train"]
    assert [len(first[split]) for split in ("train", "val")] == [6, 4]


def test_a_number_of_each_class_is_drawn(many):
    dataset = datasets.read(many)
    chosen = subsets.of_each(dataset, "train", 4, seed=0)
    shown = Counter(NAMES[int(path.stem[1:]) % 3] for path in chosen)
    assert shown == dict.fromkeys(NAMES, 4)
    assert subsets.of_each(dataset, "train", 4, 0) == chosen
    assert subsets.of_each(dataset, "train", 4, 1) != chosen
    with pytest.raises(errors.DataError, match=r"Too few show: square \(6\), disc"):
        subsets.of_each(dataset.only(("square", "disc")), "train", 7, 0)


def test_single_and_crowded_are_told_apart(toy_voc):
    dataset = datasets.read(toy_voc)
    crowded = tasks.taken(tasks.Task(NAMES, keep=tasks.crowded), dataset)
    single = tasks.taken(tasks.Task(NAMES, keep=tasks.single), dataset)
    stems = [example.path.stem for example in crowded.split("train")]
    assert stems == ["train_01", "train_10"]
    # and train_00, which shows nothing, is neither
    assert len(single.split("train")) == 11 - 3


def test_objects_of_classes_that_are_not_learned_make_a_crowd_too(toy_voc):
    task = tasks.Task(("square",), keep=tasks.crowded)
    assert len(tasks.taken(task, datasets.read(toy_voc)).split("train")) == 2


def test_a_class_that_the_data_lack_is_named(toy_voc):
    with pytest.raises(errors.DataError, match="shows no cat, dog; it shows: disc"):
        tasks.taken(tasks.Task(("cat", "disc", "dog")), datasets.read(toy_voc))


def test_a_linked_folder_of_other_photographs_is_refused(many, tmp_path):
    paths = [example.path for example in datasets.read(many).split("train")]
    for _ in range(2):  # the second time it stays
        subsets.link(many, tmp_path / "linked", {"train": paths[:3], "val": paths[3:]})
    found = datasets.read(tmp_path / "linked")
    assert [example.path.stem for example in found.split("train")] == [
        "p00",
        "p01",
        "p02",
    ]
    with pytest.raises(errors.DataError, match="lists other photographs"):
        subsets.link(many, tmp_path / "linked", {"train": paths[:4]})


# === Settings ===


def test_settings_come_from_a_file_and_the_command_line(tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text("plain:\nslow: {training.epochs: 50}\n")
    found = asked.named(["mirror: features.views=original,mirror"], file, {})
    assert found == {
        "plain": {},
        "slow": {"training.epochs": 50},
        "mirror": {"features.views": ["original", "mirror"]},
    }
    assert asked.named([], None, {}) == {"midlevel": {}}


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["training.epochs=3"], "expects `name: key=value key=value`"),
        (["a:", "a:"], "'a' twice"),
        (["a/b:"], "'a/b'"),
        (["a: training.epoch=3"], "training.epoch"),
    ],
)
def test_wrong_settings_are_said_before_any_work(texts, said):
    with pytest.raises(errors.MidlevelError, match=said):
        asked.named(texts, None, {})


# === Results ===


def test_what_decides_a_result_is_settings_with_their_defaults(monkeypatch):
    before = settings.decisive({"features.store": "a", "seed": 1})
    assert before == settings.decisive({"features.store": "b", "seed": 1})
    assert before["select"] == "heldout" and before["seed"] == 1
    monkeypatch.setitem(sections.DEFAULTS["adam"], "epochs", 99)  # another day's
    after = settings.decisive({"seed": 1})
    assert {key for key in after if after[key] != before[key]} == {"training.epochs"}


def result(scores, targets=((1,), (0,), (1,), (0,)), classes=("cat",), **facts):
    ids = [f"{i}" for i in range(len(targets))]
    arrays = np.array(scores, float).reshape(len(targets), -1), np.array(targets)
    return trials.Result(*arrays, list(classes), ids, {**DEFAULTS, **facts})


def test_a_result_is_made_once_and_only_for_what_it_was_made_of(tmp_path):
    file, made = tmp_path / "a" / "0.npz", []

    def make():
        made.append(1)
        return result([0.4, 0.3, 0.2, 0.1])

    for _ in range(2):
        found = trials.kept(file, {"settings": {"k": (1, 2)}}, make)
        assert found.scores[:, 0].tolist() == [0.4, 0.3, 0.2, 0.1]
        assert (found.classes, found.facts["seconds"]) == (["cat"], 9.0)
    assert len(made) == 1
    with pytest.raises(errors.MidlevelError, match="made with other settings"):
        trials.kept(file, {"settings": {"k": 3}}, make)
    file.write_bytes(b"cut off")
    with pytest.raises(errors.MidlevelError, match="is no result"):
        trials.kept(file, {}, make)


GOOD, FAIR, BAD = [4, 2, 3, 1], [4, 3, 2, 1], [1, 3, 2, 4]  # AP 1, 5/6, 1/2


def test_differences_are_of_the_same_seed():
    found = {
        "first": [result(FAIR), result(GOOD)],
        "second": [result(GOOD, learning_s=None), result(GOOD, learning_s=6.0)],
    }
    first, second = tables.rows(found)
    assert first["mAP"]["area"]["by_seed"] == pytest.approx([5 / 6, 1])
    assert first["mAP"]["area"]["std"] == pytest.approx(2**-0.5 / 6)
    assert first["difference"]["mean"] == 0 and first["difference"]["interval"] == [
        0,
        0,
    ]
    assert second["difference"]["by_seed"] == pytest.approx([1 / 6, 0])
    assert second["interval"] == [1, 1] and second["difference"]["interval"][0] >= 0
    assert (first["learning_s"], second["learning_s"]) == (4, 6)
    assert second["AP"] == {"cat": 1}


def test_one_seed_has_no_spread():
    (row,) = tables.rows({"only": [result(BAD)]})
    assert row["mAP"]["area"] == {"mean": 0.5, "std": None, "by_seed": [0.5]}


def test_what_was_measured_on_others_is_not_compared():
    with pytest.raises(errors.MidlevelError, match="b: was measured on other"):
        tables.rows({"a": [result(GOOD)], "b": [result([1, 2], ((1,), (0,)))]})
    with pytest.raises(errors.MidlevelError, match="classes cat. It learned: dog"):
        tables.rows({"a": [result(GOOD)], "b": [result(GOOD, classes=["dog"])]})
    with pytest.raises(errors.MidlevelError, match="b: has not the seeds"):
        tables.rows({"a": [result(GOOD)], "b": []})


def measured(a_class, **ways):
    rows = tables.rows({name: list(map(result, of)) for name, of in ways.items()})
    return {"a_class": a_class, "photographs": {"train": 8, "val": 4}, "rows": rows}


def test_the_table_is_in_percent():
    task = measured(5, first=[FAIR, GOOD], second=[GOOD, GOOD])
    text = tables.as_text({"data": "voc", "seeds": 2, "tasks": {"few": task}})
    lines = text.splitlines()
    assert lines[0] == "voc, midlevel abc"
    assert lines[1] == "few: 8 photographs to learn from, 4 to measure on; 2 seeds"
    assert lines[3].split()[:3] == ["first", "91.7", "11.8"]
    assert lines[4].split()[:7] == [
        "second",
        "100.0",
        "0.0",
        "100.0",
        "to",
        "100.0",
        "8.3",
    ]


def test_the_table_for_a_page_of_docs_has_the_same_cells(tmp_path):
    task = measured(5, first=[FAIR, GOOD], second=[GOOD, GOOD])
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"data": "voc", "seeds": 2, "tasks": {"few": task}}))
    lines = invoke("markdown", file).splitlines()
    assert lines[0].startswith("few: 8 photographs to learn from, 4 to measure on")
    assert lines[2].startswith("|  | area mAP % | std |")
    assert lines[4].startswith("| first | 91.7 | 11.8 |")
    assert len({line.count("|") for line in lines[2:6]}) == 1


def test_a_line_of_the_picture_goes_through_all_counts(tmp_path):
    found = {
        f"{n}": measured(n, first=[FAIR, GOOD], second=[BAD, BAD]) for n in (5, 10)
    }
    lines = picture.lines(found)
    assert lines["second"] == {"x": [5, 10], "y": [50, 50], "spread": [0, 0]}
    assert lines["first"]["spread"] == pytest.approx([11.785, 11.785], abs=0.001)
    picture.draw({"tasks": found}, tmp_path / "new" / "curve.png")
    assert (tmp_path / "new" / "curve.png").read_bytes().startswith(b"\x89PNG")


# === Commands ===


def small(output):
    """Options for the stub and a place to write to."""
    chosen = {
        **stub.SETTINGS,
        "training.epochs": 2,
        "features.store": f"{output}/store",
    }
    texts = (f"{key}={json.dumps(value)}" for key, value in chosen.items())
    given = [part for text in texts for part in ("--set", text)]
    return [*given, "--output", output, "--classes", ",".join(NAMES)]


@pytest.mark.tf
def test_settings_are_compared_and_what_is_done_is_not_done_again(
    stub_backbone, many, tmp_path, monkeypatch
):
    call = ["settings", many, *small(tmp_path), "--tasks", "animals", "--seeds", 1]
    call += ["--setting", "usual:", "--setting", "one view: features.views=original"]
    first = invoke(*call)
    assert first.splitlines()[-3].startswith("usual")
    (task,) = json.loads((tmp_path / "settings.json").read_text())["tasks"].values()
    assert task["photographs"] == {"train": 18, "val": 6}
    assert [row["way"] for row in task["rows"]] == ["usual", "one view"]
    assert len(task["rows"][0]["mAP"]["area"]["by_seed"]) == 1
    assert not list(tmp_path.rglob("run.json"))  # runs are not kept unasked
    monkeypatch.setattr("midlevel.train", None)
    assert invoke(*call).splitlines()[-4:] == first.splitlines()[-4:]
    said = refused(*call[:-1], "one view: features.views=mirror")
    assert "made with other features.views. Name" in said


@pytest.mark.tf
def test_the_curve_has_a_task_for_each_count(stub_backbone, many, tmp_path):
    call = ["curve", many, *small(tmp_path), "--counts", "5", "--seeds", 1]
    invoke(*call, "--picture", tmp_path / "curve.png")
    found = json.loads((tmp_path / "curve.json").read_text())["tasks"]["5 a class"]
    assert found["photographs"] == {"train": 15, "val": 6}
    ways = ["midlevel", "whole photograph, logistic", "whole photograph, ridge"]
    assert [row["way"] for row in found["rows"]] == ways
    for row in found["rows"][1:]:  # each shape has a colour, which the stub sees
        assert row["mAP"]["area"]["mean"] == 1
        assert row["results"][0]["strength"] > 0
    assert (tmp_path / "curve.png").exists()


def test_odd_counts_and_tasks_are_refused(many, tmp_path):
    place = ["--output", tmp_path]
    assert "expected numbers from 5" in refused(
        "curve", many, *place, "--counts", "5,x"
    )
    said = refused("settings", many, *place, "--tasks", "six,seven")
    assert "expected some of animals" in said and "Received: seven" in said
