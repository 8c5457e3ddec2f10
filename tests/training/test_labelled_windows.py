import formats
import helpers
import numpy as np
import pytest
import stub

from midlevel import datasets, errors
from midlevel.datasets import reading
from midlevel.features import preparation, store
from midlevel.features.extractor import build_extractor
from midlevel.settings import config
from midlevel.training import labelled_windows

PROGRESS = stub.QUIET


@pytest.fixture(scope="module")
def prepared(stub_backbone, toy_voc, tmp_path_factory):
    """The toy set with its features over many chunks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "CHUNK_BYTES", 3000)  # two or three photographs
        return prepare(toy_voc, tmp_path_factory.mktemp("features"))


def settings(**changed):
    changed = {name.replace("__", "."): value for name, value in changed.items()}
    return config.load(settings={**stub.SETTINGS, **changed})


def prepare(folder, place, **changed):
    chosen = settings(**changed)
    dataset = reading.for_training(folder, chosen, PROGRESS)
    views = {"train": list(chosen.features.views), "val": ["original"]}
    extractor = build_extractor(chosen)
    return preparation.prepare(dataset, views, extractor, place, PROGRESS)


def totals(windows):
    """What the windows of each class weigh in the loss together."""
    return np.bincount(windows.ids, minlength=4) * windows.class_weights


def test_a_mirror_view_has_the_labels_of_mirrored_windows(prepared):
    chosen = settings(labels__background="weight")
    views = (prepared.views("train", [name]) for name in ("original", "mirror"))
    for view, other in zip(*views, strict=True):
        assert view.example.path == other.example.path
        plain, mirrored = (labelled_windows.label(v, chosen) for v in (view, other))
        boxes = view.plan.boxes
        flipped = boxes.copy()
        flipped[:, [0, 2]] = view.size_wh[0] - boxes[:, [2, 0]]
        where = {tuple(box.round(2)): i for i, box in enumerate(boxes.astype(float))}
        pairs = [
            (where[tuple(box.round(2))], i)
            for i, box in enumerate(flipped.astype(float))
            if tuple(box.round(2)) in where
        ]
        assert len(pairs) > len(boxes) / 3  # grids need not be symmetric
        for original, mirror in pairs:
            assert plain[original] == mirrored[mirror]


def test_sampled_background_is_a_share_of_it_and_weighs_as_counted(prepared):
    rows = {
        fraction: labelled_windows.collect(
            prepared,
            settings(
                labels__background_fraction=fraction, labels__class_weights="none"
            ),
            PROGRESS,
        )
        for fraction in (1.0, 0.3)
    }
    everything, some = (np.bincount(w.ids, minlength=4) for w in rows.values())
    np.testing.assert_array_equal(everything[1:], some[1:])
    assert some[0] == pytest.approx(0.3 * everything[0], rel=0.1)
    np.testing.assert_allclose(totals(rows[0.3]), some)


@pytest.mark.parametrize("how", ["none", "sqrt", "balanced"])
def test_weighted_background_is_all_there_and_weighs_as_if_sampled(prepared, how):
    windows = labelled_windows.collect(
        prepared,
        settings(
            labels__background="weight",
            labels__background_fraction=0.1,
            labels__class_weights=how,
        ),
        PROGRESS,
    )
    counts = np.bincount(windows.ids, minlength=4).astype(float)
    assert counts[0] > 1500
    power = {"none": 1, "sqrt": 0.5, "balanced": 0}[how]
    counts[0] *= 0.1
    found = totals(windows)
    np.testing.assert_allclose(found / found[1], (counts / counts[1]) ** power, 1e-5)
    assert found.sum() == pytest.approx(counts.sum(), rel=1e-5)


def test_which_background_is_kept_hangs_on_the_seed_and_not_on_other_photographs(
    prepared,
):
    view = list(prepared.views("train", ["original"]))[4]
    first, again, other = (
        labelled_windows.label(view, settings(seed=seed)) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_the_counts_are_said(prepared):
    notes = stub.Notes()
    windows = labelled_windows.collect(prepared, settings(), notes)
    background, disc = np.bincount(windows.ids)[:2]
    weight = windows.class_weights[1]
    assert f"background {background} (x" in notes.text
    assert f"disc {disc} (x {weight:.2f})" in notes.text


def test_photographs_that_teach_nothing_are_refused(stub_backbone, tmp_path):
    objects = [("square", (0, 0, 3, 3), False)]  # too small for any window
    image = helpers.noise((128, 128))
    photographs = {name: (image + i, objects) for i, name in enumerate("abc")}
    lists = {"train": ["a", "b"], "val": ["c"]}
    folder = helpers.write_voc(tmp_path / "voc", photographs, lists)
    found = prepare(folder, tmp_path / "features")
    with pytest.raises(errors.DataError, match="no window of split 'train' shows"):
        labelled_windows.collect(found, settings(), PROGRESS)


@pytest.mark.parametrize("write", [formats.write_yolo, formats.write_csv])
def test_the_same_boxes_label_the_same_windows_in_any_format(prepared, tmp_path, write):
    """YOLO's are shares of the sides until the photograph's size is known."""
    other = prepare(write(prepared.dataset, tmp_path / "set"), tmp_path / "features")
    chosen = settings(labels__difficult="use", labels__background="weight")
    views = (some.views("train", ["original"]) for some in (prepared, other))
    for one, same in zip(*views, strict=True):
        assert one.example.path.name == same.example.path.name
        assert not same.example.relative
        np.testing.assert_array_equal(
            labelled_windows.label(one, chosen), labelled_windows.label(same, chosen)
        )


def test_labels_without_boxes_teach_by_the_largest_windows(
    stub_backbone, toy_voc, tmp_path
):
    folder = formats.write_folders(datasets.read(toy_voc), tmp_path / "set")
    found, chosen = prepare(folder, tmp_path / "features"), settings()
    for view in found.views("train", ["original"]):
        ids = labelled_windows.label(view, chosen)
        if len(view.example.unboxed):
            assert set(ids.tolist()) == {-1, *view.example.unboxed.tolist()}
        else:
            assert set(ids.tolist()) == {-1, 0}
    notes = stub.Notes()
    windows = labelled_windows.collect(found, chosen, notes)
    assert (np.bincount(windows.ids, minlength=4) > 0).all()


def test_boxes_drawn_on_a_photograph_lying_down_teach_nothing(stub_backbone, tmp_path):
    folder = helpers.write_toy_voc(tmp_path / "voc")
    xml = folder / "Annotations" / "train_03.xml"  # 160 x 120
    text = xml.read_text().replace("<width>160</width>", "<width>120</width>")
    xml.write_text(text.replace("<height>120</height>", "<height>160</height>"))
    found = prepare(folder, tmp_path / "features")
    assert "train_03" not in {e.path.stem for e in found.readable("train")}
    (line,) = found.failures
    assert line.startswith(f"{xml}: is said to be 120 x 160") and "left out" in line
