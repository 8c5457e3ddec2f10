import formats
import helpers
import pytest
import stub

import midlevel
from midlevel import datasets, errors, runs
from midlevel.datasets import reading, summary
from midlevel.settings import config

TINY = {"training__epochs": 2, "features__views": ["original"]}


def read(folder, drawn=None, **settings):
    notes = stub.Notes()
    chosen = {f"data.{name}": value for name, value in settings.items()}
    found = reading.read(folder, config.load(None, chosen), notes, drawn)
    return found, notes.text


def copy_of(toy_voc, folder, writer):
    return writer(datasets.read(toy_voc), folder)


def splits_of(run):
    return runs.Run(run.folder).split_files


# === What is said ===


def test_what_a_data_set_holds_is_said(toy_voc):
    _, said = read(toy_voc, classes=["wedge", "disc"])
    assert f"data: {toy_voc} (voc), photographs: 11 train, 5 val" in said
    assert "classes, shown in train + val: wedge 4 + 2, disc 3 + 2" in said
    assert "boxes of other classes, taken as background: square 6" in said
    assert "photographs without any of these: 5, all background" in said


def test_some_problems_are_named_and_the_rest_counted(tmp_path):
    formats.photographs(tmp_path, "a.jpg", "b.jpg")
    rows = ["a.jpg,1,1,9,9,cat", "b.jpg,1,1,9,9,cat"]
    rows += [f"gone{i}.jpg,1,1,9,9,cat" for i in range(30)]
    (tmp_path / "train.csv").write_text("\n".join(rows))
    _, said = read(tmp_path)
    assert said.count("its photograph is missing") == summary.TOLD
    assert "and 10 more; `midlevel check --all` names all" in said
    assert "30 things to mend in the data; the rest goes on" in said
    with pytest.raises(errors.DataError, match="30 things are wrong .*data.strict ref"):
        read(tmp_path, strict=True)


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_split_that_shows_no_class_is_refused_before_the_work(tmp_path, split):
    image, box = helpers.noise((20, 16)), [("cat", (1, 1, 9, 9), False)]
    photographs = {
        name: (image, [] if name == split else box) for name in ("train", "val", "more")
    }
    lists = {name: [name] for name in photographs}
    folder = helpers.write_voc(tmp_path, photographs, lists)
    message = f"split '{split}' shows one of the classes.*--set data.{split}=NAME"
    with pytest.raises(errors.DataError, match=message):
        read(folder)
    assert read(folder, **{split: "more"})[0].classes == ("cat",)


# === Settings, the whole way to a run ===


@pytest.mark.parametrize("writer", [None, formats.write_coco, formats.write_csv])
def test_merged_and_ignored_classes_are_what_a_run_learns(
    stub_backbone, toy_voc, tmp_path, writer
):
    folder = copy_of(toy_voc, tmp_path / "set", writer) if writer else toy_voc
    run = stub.train(
        folder,
        tmp_path / "run",
        data__merge={"round": ["disc"], "angular": ["square"]},
        data__ignore_classes=["wedge"],
        **TINY,
    )
    assert set(run.record["classes"]) == {"angular", "round"}
    assert set(run.metrics["AP"]) == {"angular", "round"}
    again = midlevel.evaluate(midlevel.load(run.folder), progress=stub.QUIET)
    assert again["AP"] == run.metrics["AP"]


def test_groups_stay_in_one_split_of_a_run(stub_backbone, toy_voc, tmp_path):
    formats.write_csv(datasets.read(toy_voc), tmp_path / "set")
    (tmp_path / "set/val.csv").unlink()
    run = stub.train(
        tmp_path / "set",
        tmp_path / "run",
        data__group_by=r"train_(\d)",  # 00 to 09 and 10
        data__val_fraction=0.1,
        **TINY,
    )
    assert splits_of(run)["val"] == ["images/train_10.jpg"]
    found = midlevel.evaluate(midlevel.load(run.folder), progress=stub.QUIET)
    assert found["images"] == 1 and found["AP"] == run.metrics["AP"]


def test_strict_refuses_what_is_wrong_with_a_photograph_too(
    stub_backbone, toy_voc, tmp_path
):
    folder = copy_of(toy_voc, tmp_path / "set", formats.write_yolo)
    settings = {"features__store": str(tmp_path / "features"), **TINY}
    stub.train(folder, tmp_path / "good", data__strict=True, **settings)
    path = folder / "images/train/train_03.jpg"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(errors.DataError, match="1 things are wrong in the data, and"):
        stub.train(folder, tmp_path / "refused", data__strict=True, **settings)
    run = stub.train(folder, tmp_path / "run", **settings)
    (line,) = run.record["left_out"]
    assert line.startswith(str(path)) and line.endswith(": left out")


# === A run keeps its classes ===


@pytest.mark.parametrize("form", [None, "csv"])
def test_other_data_are_measured_in_the_order_of_the_run(
    trained, toy_voc, tmp_path, form
):
    """One class less, one more, their order another, and another format."""
    shown = datasets.read(toy_voc, ["wedge", "square"])
    shown = formats.write_csv(shown, tmp_path / "set")
    text = (shown / "val.csv").read_text()
    (shown / "val.csv").write_text(f"{text}images/val_00.jpg,1,1,30,30,ant\n")
    model, notes = midlevel.load(trained.folder), stub.Notes()
    found = midlevel.evaluate(model, shown, progress=notes, format=form)
    assert list(found["AP"]) == trained.record["classes"] == ["disc", "square", "wedge"]
    own = midlevel.evaluate(model, progress=stub.QUIET)
    assert found["AP"]["disc"]["area"] is None
    for name in ("square", "wedge"):
        assert found["AP"][name] == own["AP"][name]
    assert "boxes of other classes, taken as background: ant 1" in notes.text


def test_the_format_of_a_run_is_not_taken_for_other_data(
    stub_backbone, toy_voc, tmp_path
):
    folder = copy_of(toy_voc, tmp_path / "set", formats.write_csv)
    run = stub.train(folder, tmp_path / "run", data__format="csv", **TINY)
    model = midlevel.load(run.folder)
    assert midlevel.evaluate(model, toy_voc, progress=stub.QUIET)["images"] == 5
    with pytest.raises(errors.DataError, match="holds no CSV file"):
        midlevel.evaluate(model, toy_voc, progress=stub.QUIET, format="csv")


def test_a_run_is_not_resumed_on_data_with_other_classes(
    stub_backbone, toy_voc, tmp_path
):
    folder = copy_of(toy_voc, tmp_path / "set", formats.write_yolo)
    run = stub.train(folder, tmp_path / "run", **TINY)
    run.update(finished=False)
    text = (folder / "data.yaml").read_text()
    (folder / "data.yaml").write_text(
        text.replace('"disc", "square"', '"square", "disc"')
    )
    message = "the run began with: disc, square, wedge. Received: square, disc, wedge"
    with pytest.raises(errors.DataError, match=message):
        midlevel.train(run=run.folder, resume=True, progress=stub.QUIET)
