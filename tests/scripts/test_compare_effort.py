"""scripts/compare effort: boxes on a share of the photographs, with the stub."""

import json
import sys
from pathlib import Path

import click.testing
import helpers
import numpy as np
import pytest
import stub

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
from compare import cli, effort_table, picture, stripped, trials

from midlevel import datasets, errors
from midlevel.datasets import mending

NAMES = ("square", "disc", "wedge")


@pytest.fixture
def toy(toy_voc):
    return datasets.read(toy_voc, NAMES)


def invoke(*arguments):
    return click.testing.CliRunner().invoke(cli.main, list(map(str, arguments)))


# === Data ===


def test_what_is_drawn_is_nested_and_the_seeds(toy):
    order = stripped.order(toy, 0)
    assert len(order) == 10  # train_00 has nothing to box
    assert stripped.order(toy, 0) == order != stripped.order(toy, 1)
    drawn = [stripped.first(order, share) for share in (0, 20, 50, 100)]
    assert [len(paths) for paths in drawn] == [0, 2, 5, 10]
    assert drawn[1] == drawn[2][:2]


def test_a_photograph_without_boxes_keeps_its_labels(toy, tmp_path):
    kept = stripped.order(toy, 0)[:4]
    stripped.write(toy, kept, tmp_path / "some")
    found = datasets.read(tmp_path / "some", NAMES)
    assert not found.problems and set(found.splits) == {"train", "val"}
    for split, rows in found.splits.items():
        for row, whole in zip(rows, toy.split(split), strict=True):
            assert row.path.resolve() == whole.path.resolve()
            assert row.targets(3).tolist() == whole.targets(3).tolist()
            if split == "val" or whole.path in kept:
                fitted, _ = mending.fit(row, whole.size_wh)
                np.testing.assert_allclose(fitted.boxes, whole.boxes, atol=1e-4)
                assert fitted.classes.tolist() == whole.classes.tolist()
                assert fitted.difficult.tolist() == whole.difficult.tolist()
                assert not len(row.unboxed) and not len(row.not_said)
            else:
                assert not len(row.boxes)


def test_what_is_difficult_alone_stays_so_and_is_not_said_without_its_box(
    toy, tmp_path
):
    (first,) = (row for row in toy.split("train") if row.difficult.any())
    for name, kept in (("with", [first.path]), ("without", [])):
        stripped.write(toy, kept, tmp_path / name)
    with_box, without = (
        datasets.read(tmp_path / name, NAMES).split("train")[1]
        for name in ("with", "without")
    )
    assert with_box.difficult.tolist() == [False, True]
    assert with_box.targets(3).tolist() == without.targets(3).tolist() == [1, -1, 0]
    assert without.unboxed.tolist() == [1] and without.not_said.tolist() == [2]


def test_a_folder_of_other_boxes_is_refused(toy, tmp_path):
    order = stripped.order(toy, 0)
    for _ in range(2):  # the second time it stays
        stripped.write(toy, order[:2], tmp_path / "data")
    with pytest.raises(errors.DataError, match="says other than was drawn"):
        stripped.write(toy, order[:3], tmp_path / "data")


# === Figures ===


def made_up(*scores, **facts):
    """A seed's result; `facts` are shares."""
    places = dict.fromkeys(effort_table.PLACES, 0.5)
    known = {"code": "abc", "seconds": 9.0, "learning_s": 4.0, **places, **facts}
    targets = np.array([[1], [0], [1], [0]])
    arrays = np.array(scores, float).reshape(4, 1), targets
    return trials.Result(*arrays, ["cat"], list("abcd"), known)


def measured(**ways):
    tasks = {
        f"boxes on {share} %": {
            "share": share,
            "boxed": 2 * share,
            "photographs": {"train": 200, "val": 4},
            "rows": effort_table.rows(ways),
        }
        for share in (0, 100)
    }
    return {"data": "voc", "seeds": 2, "settings": dict(ways), "tasks": tasks}


GOOD, BAD = (4, 2, 3, 1), (1, 3, 2, 4)  # AP 1, 1/2


def test_the_table_has_a_way_after_the_other_and_shares_in_order():
    first = [made_up(*GOOD, pointing=0.8), made_up(*GOOD, pointing=0.9)]
    second = [made_up(*BAD, corloc=None), made_up(*BAD)]
    found = measured(first=first, second=second)
    rows = found["tasks"]["boxes on 0 %"]["rows"]
    assert rows[0]["pointing"]["by_seed"] == [0.8, 0.9]
    assert rows[1]["corloc"] == {"mean": None, "std": None, "by_seed": [None, 0.5]}
    lines = effort_table.as_text(found).splitlines()
    assert lines[1].startswith("labels on 200 photographs to learn from, 4 to measure")
    cells = [line.split() for line in lines[3:7]]
    assert [row[:3] for row in cells] == [
        ["first", "0", "0"],
        ["first", "100", "200"],
        ["second", "0", "0"],
        ["second", "100", "200"],
    ]
    assert cells[0][3:7] == ["100.0", "0.0", "85.0", "7.1"] and cells[0][-1] == "4"
    assert cells[2][7:11] == ["50.0", "0.0", "-", "-"]


def test_a_line_goes_through_all_shares_and_leaves_out_what_is_not_known(tmp_path):
    found = measured(first=[made_up(*GOOD, pointing=0.8, corloc=None)] * 2)
    line = picture.lines(found["tasks"], "share", "pointing")["first"]
    assert line["x"] == [0, 100] and line["y"] == pytest.approx([80, 80])
    assert not picture.lines(found["tasks"], "share", "corloc")["first"]["x"]
    picture.draw_effort(found, tmp_path / "new" / "effort.png")
    assert (tmp_path / "new" / "effort.png").read_bytes().startswith(b"\x89PNG")


# === The command ===


@pytest.mark.tf
def test_boxes_are_compared_and_what_is_done_is_not_done_again(
    stub_backbone, toy_voc, tmp_path, monkeypatch
):
    chosen = {
        **stub.SETTINGS,
        "image_loss.epochs": 2,
        "features.store": f"{tmp_path}/store",
    }
    call = ["effort", toy_voc, "--output", tmp_path, "--seeds", 1, "--boxes", "0,50"]
    call += ["--classes", ",".join(NAMES), "--picture", tmp_path / "effort.png"]
    for key, value in chosen.items():
        call += ["--set", f"{key}={json.dumps(value)}"]
    call += ["--setting", "usual:", "--setting", "bare: labels.unboxed=leave_out"]
    first = invoke(*call)
    assert first.exit_code == 0, first.output
    found = json.loads((tmp_path / "effort.json").read_text())["tasks"]
    assert [task["boxed"] for task in found.values()] == [0, 5]
    for task, level in zip(found.values(), ("image", "mixed"), strict=True):
        assert [row["way"] for row in task["rows"]] == ["usual", "bare"]
        for row in task["rows"]:
            assert row["results"][0]["level"] == level
            assert 0 <= row["pointing"]["mean"] <= 1 and "AP50" in row
    assert (tmp_path / "effort.png").exists()
    assert not list(tmp_path.rglob("run.json"))
    monkeypatch.setattr("midlevel.train", None)
    again = invoke(*call)
    assert again.exit_code == 0 and again.output[-400:] == first.output[-400:]


def test_odd_shares_and_data_without_boxes_to_measure_by_are_refused(toy_voc, tmp_path):
    place = ["--output", tmp_path, "--classes", "square"]
    said = invoke("effort", toy_voc, *place, "--boxes", "0,101").output
    assert "--boxes: expected numbers from 0 to 100" in " ".join(said.split())
    image, objects = helpers.noise((64, 64), 0), [("square", (4, 4, 30, 30), False)]
    hard = [("square", (4, 4, 30, 30), True)]
    shown = {"a": (image, objects), "b": (image, hard)}
    data = helpers.write_voc(tmp_path / "hard", shown, {"train": "a", "val": "b"})
    said = " ".join(invoke("effort", data, *place).output.split())
    assert "expected boxes of square in split 'val' to measure by" in said
