import dataclasses

import formats
import numpy as np
import pytest
import stub

from midlevel import datasets, errors
from midlevel.datasets import label_levels, reading
from midlevel.settings import config

PAIR = ("train/cat/a.jpg", "train/dog/b.jpg", "val/cat/c.jpg", "val/dog/d.jpg")


@pytest.fixture
def labelled(tmp_path):
    """A folder for each class."""
    formats.photographs(tmp_path, *PAIR)
    return tmp_path


def chosen(**settings):
    return config.load(None, {k.replace("__", "."): v for k, v in settings.items()})


def half_stripped(toy_voc, every=2):
    """The toy set, the boxes of every so manieth photograph made labels."""
    dataset = datasets.read(toy_voc)

    def strip(row):
        none = row.boxes[:0], row.classes[:0], row.difficult[:0], row.lines[:0]
        names = ("boxes", "classes", "difficult", "lines")
        shown = np.unique(row.classes[~row.difficult])
        parts = dict(zip(names, none, strict=True))
        return dataclasses.replace(row, **parts, unboxed=shown)

    splits = {
        name: [strip(row) if i % every == 0 else row for i, row in enumerate(rows)]
        for name, rows in dataset.splits.items()
    }
    return dataclasses.replace(dataset, splits=splits)


def test_the_level_is_what_the_training_split_has(toy_voc, labelled):
    usual = chosen()
    assert label_levels.of(datasets.read(toy_voc), usual) == "box"
    assert label_levels.of(datasets.read(labelled), usual) == "image"
    assert label_levels.of(half_stripped(toy_voc), usual) == "mixed"


def test_a_setting_decides(toy_voc):
    dataset = datasets.read(toy_voc)
    assert label_levels.of(dataset, chosen(labels__level="image")) == "image"


def test_without_an_image_loss_labels_teach_the_largest_windows(labelled):
    dataset = datasets.read(labelled)
    assert label_levels.of(dataset, chosen(image_loss__epochs=0)) == "mixed"


def test_what_settings_leave_open_hangs_on_the_level(toy_voc, labelled):
    boxed, alone = (
        label_levels.resolved(datasets.read(f), chosen()) for f in (toy_voc, labelled)
    )
    assert (boxed.image_loss.window_loss, alone.image_loss.window_loss) == (1, 0)
    asked = label_levels.resolved(datasets.read(labelled), chosen(image_loss__epochs=3))
    assert asked.image_loss.epochs == 3


def test_boxes_alone_leave_out_photographs_with_a_label_without_box(toy_voc):
    dataset, boxed = half_stripped(toy_voc), chosen(labels__level="box")
    kept = label_levels.learned_from(dataset, boxed)
    assert [len(kept.split(s)) for s in ("train", "val")] == [6, 5]
    assert not any(len(row.unboxed) for row in kept.split("train"))
    mixed = chosen(labels__level="mixed")
    assert len(label_levels.learned_from(dataset, mixed).split("train")) == 11


@pytest.mark.parametrize(
    "level, said",
    [
        ("box", "learns from boxes (labels.level: box); 10 of 11"),
        (
            "mixed",
            "from 5 photographs with labels without boxes (their largest windows, and "
            "the image loss) (labels.level: mixed); 5 of 11",
        ),
        ("image", "labels alone, boxes are not used (labels.level: image); 5 of 11"),
    ],
)
def test_what_teaches_is_said(toy_voc, level, said):
    notes = stub.Notes()
    dataset = half_stripped(toy_voc, every=99 if level == "box" else 2)
    label_levels.say(dataset, chosen(labels__level=level), notes)
    assert said in notes.text


def test_boxes_that_are_not_there_are_not_learned_from(labelled):
    why = "labels.level=box expects photographs whose labels have boxes.*set it to im"
    with pytest.raises(errors.DataError, match=why):
        reading.for_training(labelled, chosen(labels__level="box"), stub.QUIET)


def test_one_class_that_all_show_cannot_be_learned_from_labels(tmp_path):
    formats.photographs(tmp_path, "a.jpg", "b.jpg")
    (tmp_path / "labels.csv").write_text(
        "path,label,split\na.jpg,cat,train\nb.jpg,cat,val\n"
    )
    with pytest.raises(errors.DataError, match="all photographs show the same classes"):
        reading.for_training(tmp_path, chosen(), stub.QUIET)


@pytest.mark.parametrize(
    "settings", [{"image_loss__epochs": 0}, {"image_loss__window_loss": 1.0}]
)
def test_labels_alone_have_no_other_loss(labelled, settings):
    with pytest.raises(errors.MidlevelError, match="Leave both out"):
        reading.for_training(
            labelled, chosen(labels__level="image", **settings), stub.QUIET
        )


def test_a_class_that_all_show_is_left_out_beside_others(tmp_path):
    formats.photographs(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    rows = ["path,label,split", "a.jpg,cat,train", "a.jpg,dog,train", "b.jpg,cat,train"]
    rows += ["c.jpg,cat,val", "c.jpg,dog,val"]
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    found = reading.for_training(tmp_path, chosen(), stub.QUIET)
    assert found.classes == ("dog",)
    (problem,) = found.problems
    assert "'cat': no photograph of split 'train' is without it" in problem.text
