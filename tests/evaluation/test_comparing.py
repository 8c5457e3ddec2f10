"""Runs side by side: the same figures as alone, on the same photographs."""

import json
import shutil

import pytest
import stub

import midlevel
from midlevel import errors, runs
from midlevel.evaluation import comparing, comparison, comparison_text, speed
from midlevel.method import metrics


def copied(run, folder, **changes):
    """A copy of a run, with other entries in `run.json`."""
    shutil.copytree(run.folder, folder)
    made = runs.Run(folder)
    made.update(**changes)
    return made


def renamed(run, folder, names):
    """A copy of a run with other names for its classes, in their order."""
    old = run.record["thresholds"]
    thresholds = dict(zip(names, old.values(), strict=True))
    return copied(run, folder, classes=names, thresholds=thresholds)


def compare(*some, **options):
    return midlevel.compare(some, progress=stub.QUIET, **options)


@pytest.fixture(scope="module")
def found(trained, trained_on_crops):
    return compare(trained, trained_on_crops)


def test_a_run_has_the_figures_that_it_has_alone(found, trained, trained_on_crops):
    for one, run in zip(found.runs, (trained, trained_on_crops), strict=True):
        alone = midlevel.evaluate(run, progress=stub.QUIET)
        assert (one.mAP, one.AP, one.interval) == (alone.mAP, alone.AP, alone.interval)
    assert (found.split, found.images, found.data) == ("val", 5, alone.data)
    assert found.classes == ["disc", "square", "wedge"]
    assert [one.learned_from for one in found.runs] == [11, 11]


def test_differences_are_from_the_first(found, trained, tmp_path):
    first, second = found.runs
    assert first.difference is None
    for form in metrics.FORMS:
        away = second.difference[form]
        assert away.mAP == pytest.approx(second.mAP[form] - first.mAP[form])
        assert away.interval[0] <= away.interval[1]
    _, same = compare(trained, copied(trained, tmp_path / "same")).runs
    assert same.difference["area"] == comparison.Difference(0, [0, 0])


def test_settings_that_differ_are_those_that_decide_something(found):
    assert found.settings["features.method"] == ["dense", "crop"]
    assert found.settings["training.epochs"] == [6, 12]
    assert not {"features.store", "report", "seed", "data"} & set(found.settings)


def test_classes_that_not_all_have_are_left_out_and_said(trained, tmp_path):
    other = renamed(trained, tmp_path / "other", ["cone", "square", "disc"])
    found = compare(trained, other)
    alone = midlevel.evaluate(other, progress=stub.QUIET)
    assert found.classes == ["disc", "square"]
    assert {name: alone.AP[name] for name in ("disc", "square")} == found.runs[1].AP
    assert found.notes[0] == (
        "compared on the classes that all share: disc, square; run also has wedge; "
        "other also has cone."
    )


def test_all_are_measured_on_what_the_first_run_drew(trained, toy_voc, tmp_path):
    """Where the data has no validation split, each run drew one of its own."""
    data = tmp_path / "data"
    shutil.copytree(toy_voc, data)
    lists = data / "ImageSets" / "Main"
    names = [
        n for s in ("train", "val") for n in (lists / f"{s}.txt").read_text().split()
    ]
    (lists / "val.txt").unlink()
    (lists / "train.txt").write_text("\n".join(names))
    made = []
    for folder, val in (("first", names[:6]), ("second", names[6:])):
        place = {"data": str(data.resolve()), "folder": str(data.resolve())}
        run = copied(stub.held_out(trained, tmp_path / f"{folder}-"), tmp_path / folder)
        run.update(**place)
        rows = [
            {"split": "val" if n in val else "train", "file": f"JPEGImages/{n}.jpg"}
            for n in names
        ]
        run.write_csv("split.csv", rows)
        made.append(run)
    found = compare(*made)
    assert found.images == 6 and found.runs[0].AP == found.runs[1].AP
    (said,) = found.notes
    assert said.startswith("second learned from all 6 photographs that are measured")


def test_other_photographs_can_be_measured_on(trained, trained_on_crops, toy_voc):
    found = compare(trained, trained_on_crops, data=toy_voc, split="train")
    assert (found.split, found.images, found.data) == ("train", 11, str(toy_voc))
    assert len([note for note in found.notes if " learned from all 11 " in note]) == 2


def test_the_size_is_of_what_predicting_reads(found, trained):
    names = ["backbone.xml", "backbone.bin", "head.xml", "head.bin"]
    kept = sum((trained.folder / name).stat().st_size for name in names)
    assert found.runs[0].size_mb == pytest.approx(kept / 1e6)


def test_what_cannot_be_compared_is_refused_before_any_work(trained, tmp_path):
    with pytest.raises(errors.MidlevelError, match=r"two runs or more.*Received: 1\."):
        compare(trained)
    with pytest.raises(errors.MidlevelError, match="named more than once"):
        compare(trained, trained.folder)
    unfinished = copied(trained, tmp_path / "unfinished", finished=False)
    with pytest.raises(errors.MidlevelError, match="unfinished: training is not fin"):
        compare(trained, unfinished)
    other = renamed(trained, tmp_path / "other", ["a", "b", "c"])
    said = "share a class.*run has disc, square, wedge; other has a, b, c"
    with pytest.raises(errors.MidlevelError, match=said):
        compare(trained, other)
    with pytest.raises(errors.MidlevelError, match="runs: expected a list of runs"):
        midlevel.compare("run")


def test_names_are_as_short_as_tells_runs_apart(trained, tmp_path):
    folders = [tmp_path / name for name in ("a/run-0", "b/run-0", "b/run-1")]
    made = [copied(trained, folder) for folder in folders]
    assert comparing.check(made[1:]) == ["run-0", "run-1"]
    assert comparing.check(made) == ["a/run-0", "b/run-0", "b/run-1"]


def test_speed_is_measured_in_turns():
    class Model:
        turns: list[tuple[str, int]] = []

        def __init__(self, name):
            self.name = name

        def stream(self, paths):
            self.turns.append((self.name, len(paths)))
            return iter(paths)

    rates = speed.measure([Model("a"), Model("b")], list(range(99)), stub.QUIET)
    assert len(rates) == 2 and min(rates) > 0
    assert Model.turns == [("a", speed.COUNT), ("b", speed.COUNT)] * (speed.TURNS + 1)


def test_photographs_a_second_are_found_where_they_are_asked_for(
    found, trained, trained_on_crops
):
    assert {one.photographs_per_second for one in found.runs} == {None}
    timed = compare(trained, trained_on_crops, speed=True)
    assert all(one.photographs_per_second > 0 for one in timed.runs)
    assert "photographs/s" in str(timed) and "photographs/s" not in str(found)


def test_the_text_has_three_tables_and_what_they_mean(found):
    lines = str(found).splitlines()
    first, second = (run.name for run in found.runs)
    assert lines[1].startswith(first) and lines[2].startswith(second)
    area = found.runs[1].difference["area"]
    assert f"  {100 * area.mAP:+.1f}  " in lines[2] and "+" not in lines[1]
    assert lines[4].split() == ["AP", "%", first, second]
    assert [line.split()[0] for line in lines[5:9]] == [
        "disc",
        "square",
        "wedge",
        "mean",
    ]
    assert lines[10].split() == ["settings", first, second]
    assert "5 photographs of split 'val' in " in "\n".join(lines)
    assert f"note: {first} chose its epoch" in "\n".join(lines)


def test_names_without_room_become_numbers():
    long = ["x" * 40, "y" * 40]
    assert comparison_text.titles(long) == ["1", "2"]
    assert comparison_text.titles(["x", "y"]) == ["x", "y"]


def test_it_is_ready_for_json_and_for_pandas(found):
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["runs"][1]["difference"]["area"]["mAP"] == (
        found.runs[1].difference["area"].mAP
    )
    pytest.importorskip("pandas")
    rows = found.to_pandas()
    assert list(rows.index) == [run.name for run in found.runs]
    assert rows["mAP"].tolist() == [run.mAP["area"] for run in found.runs]
