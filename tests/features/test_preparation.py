import formats
import numpy as np
import pytest
import stub

import midlevel
from midlevel import datasets, errors, runs
from midlevel.evaluation import evaluate

TINY = {"training__epochs": 2, "features__views": ["original"]}


def copy_of(toy_voc, folder, writer):
    return writer(datasets.read(toy_voc), folder)


def splits_of(run):
    return runs.Run(run.folder).split_files


# === Views ===


@pytest.fixture(scope="module")
def prepared(trained):
    views = {"train": ["original", "mirror"], "val": ["original"]}
    return evaluate.prepare(midlevel.load(trained.folder), views, stub.QUIET)


def test_views_are_of_each_photograph_in_turn_with_what_training_learned(prepared):
    views = list(prepared.views("train", ["mirror", "original"]))
    examples = prepared.readable("train")
    assert [view.example.path for view in views[::2]] == [e.path for e in examples]
    for mirror, plain, example in zip(views[::2], views[1::2], examples, strict=True):
        photograph = prepared.extractor.read(example.path)
        assert plain.size_wh == mirror.size_wh == photograph.size_wh
        assert len(plain.plan) == plain.count == len(plain.features)
        (pooled,) = prepared.extractor.many([photograph])
        np.testing.assert_allclose(plain.features, pooled.windows, atol=1e-2)
        np.testing.assert_allclose(plain.whole, pooled.whole, atol=1e-2)
        assert plain.whole.shape == mirror.whole.shape == (2, 6)
        assert plain.key.split(":") == [mirror.key.partition(":")[0], "original"]


def test_the_boxes_of_a_view_are_where_it_shows_them(prepared):
    for plain, mirror in zip(
        *(prepared.views("train", [name]) for name in ("original", "mirror")),
        strict=True,
    ):
        width, boxes = plain.size_wh[0], plain.example.boxes
        expected = np.stack(
            [width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], axis=1
        )
        np.testing.assert_array_equal(mirror.example.boxes, expected)
        assert mirror.example.classes.tolist() == plain.example.classes.tolist()


def test_a_split_without_a_readable_photograph_has_no_views(trained, toy_voc, tmp_path):
    folder = copy_of(toy_voc, tmp_path / "set", formats.write_yolo)
    for path in (folder / "images/val").iterdir():
        path.write_bytes(b"no image")
    model, views = midlevel.load(trained.folder), {"val": ["original"]}
    with pytest.raises(errors.DataError):
        found = evaluate.prepare(model, views, stub.QUIET, folder)
        next(found.views("val", ["original"]))


# === Settings, the whole way to a run ===


@pytest.mark.slow
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
    assert run.metrics["AP"] == again.AP


@pytest.mark.slow
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
    assert found.images == 1 and run.metrics["AP"] == found.AP


@pytest.mark.slow
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
    assert list(found.AP) == trained.record["classes"] == ["disc", "square", "wedge"]
    own = midlevel.evaluate(model, progress=stub.QUIET)
    assert found.AP["disc"]["area"] is None
    for name in ("square", "wedge"):
        assert found.AP[name] == own.AP[name]
    assert "boxes of other classes, taken as background: ant 1" in notes.text


def test_the_format_of_a_run_is_not_taken_for_other_data(
    stub_backbone, toy_voc, tmp_path
):
    folder = copy_of(toy_voc, tmp_path / "set", formats.write_csv)
    run = stub.train(folder, tmp_path / "run", data__format="csv", **TINY)
    model = midlevel.load(run.folder)
    assert midlevel.evaluate(model, toy_voc, progress=stub.QUIET).images == 5
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
