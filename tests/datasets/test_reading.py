import formats
import helpers
import pytest
import stub

from midlevel import datasets, errors, runs
from midlevel.datasets import reading, summary
from midlevel.settings import config


def read(folder, drawn=None, **settings):
    notes = stub.Notes()
    chosen = {f"data.{name}": value for name, value in settings.items()}
    found = reading.for_training(folder, config.load(None, chosen), notes, drawn)
    return found, notes.text


def files(dataset, split):
    return [dataset.file(example) for example in dataset.split(split)]


@pytest.fixture
def unsplit(toy_voc, tmp_path):
    """The toy set with photographs to train alone."""
    folder = formats.write_csv(datasets.read(toy_voc), tmp_path / "set")
    (folder / "val.csv").unlink()
    return folder


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


# === A validation split ===


def test_a_split_that_is_there_is_taken_as_it_is(toy_voc):
    dataset = datasets.read(toy_voc)
    drawn = {"val": []}
    assert reading.with_validation(dataset, config.load()) is dataset
    assert reading.with_validation(dataset, config.load(), drawn) is dataset


def test_a_split_that_is_missing_is_drawn_and_said_once(unsplit):
    found, said = read(unsplit, val_fraction=0.3)
    assert "no split 'val': about 30% of each class of 'train' serves" in said
    assert len(files(found, "train")) + len(files(found, "val")) == 11
    drawn = {split: files(found, split)[::-1] for split in ("train", "val")}
    again, said = read(unsplit, drawn, val_fraction=0.9)
    assert {split: files(again, split) for split in drawn} == drawn
    assert "no split" not in said


def test_a_split_to_look_at_is_the_one_that_training_draws(unsplit):
    learned, _ = read(unsplit)
    for split in ("train", "val"):
        looked = reading.for_split(unsplit, config.load(), split, stub.QUIET)
        assert files(looked, split) == files(learned, split)
    other = reading.for_split(unsplit, config.load(), "test", stub.QUIET)
    assert list(other.splits) == ["train"] and len(files(other, "train")) == 11


# === As a run sees it ===


def begun(folder, data, classes, split_files=(), **settings):
    """A run that has begun: its settings, its data, and what it drew."""
    run = runs.Run(folder)
    chosen = {f"data.{name}": value for name, value in settings.items()}
    record = {"data": str(data.resolve()), "classes": classes}
    run.begin(config.load(None, chosen), record)
    rows = [{"split": s, "file": f} for s, names in split_files for f in names]
    if rows:
        run.write_csv("split.csv", rows)
    return run


def test_a_run_has_its_own_split_and_classes_again(unsplit, tmp_path):
    drawn = {"train": ["images/train_03.jpg"], "val": ["images/train_10.jpg"]}
    run = begun(tmp_path / "run", unsplit, ["wedge", "ant"], drawn.items())
    notes = stub.Notes()
    found = reading.for_run(run, notes)
    assert {split: files(found, split) for split in drawn} == drawn
    assert found.classes == ("wedge", "ant")
    assert "taken as background: disc 4, square 4" in notes.text
    named = reading.for_run(run, notes, unsplit)
    assert {split: files(named, split) for split in drawn} == drawn


def test_other_data_keeps_its_own_splits_and_format(toy_voc, unsplit, tmp_path):
    run = begun(tmp_path / "run", unsplit, ["disc"], format="csv")
    found = reading.for_run(run, stub.QUIET, toy_voc)
    assert (found.format, found.classes) == ("voc", ("disc",))
    assert len(files(found, "val")) == 5
    with pytest.raises(errors.DataError, match="holds no CSV file"):
        reading.for_run(run, stub.QUIET, toy_voc, form="csv")


def test_what_is_wrong_is_said_and_a_strict_run_can_still_be_measured(
    unsplit, tmp_path
):
    with (unsplit / "train.csv").open("a") as file:
        file.write("images/gone.jpg,1,1,9,9,disc\n")
    run = begun(
        tmp_path / "run", unsplit, ["disc"], {"val": ["a"]}.items(), strict=True
    )
    notes = stub.Notes()
    reading.for_run(run, notes)
    assert "gone.jpg" in notes.text and "1 things to mend in the data" in notes.text
    with pytest.raises(errors.DataError, match="data.strict refuses"):
        reading.for_training(unsplit, run.config, notes)
