"""What is not said of a photograph teaches nothing, and counts in no measure."""

from types import SimpleNamespace

import formats
import numpy as np
import pytest
import stub

from midlevel.datasets import reading
from midlevel.evaluation import fit_calibration, validation
from midlevel.features import preparation
from midlevel.features.extractor import build_extractor
from midlevel.images.augment import ORIGINAL
from midlevel.method import labels, metrics
from midlevel.settings import config
from midlevel.settings.image_loss import ImageLoss
from midlevel.training import fit_whole_model, labelled_windows
from midlevel.training.photographs import PhotographSet

ROWS = ["1,0", "0,1", "1,1", "0,0", "1,", ",1", ",", "0,", "1,0", "0,1"]
UNSAID = [4, 5, 6, 7]  # photographs of which not all is said


@pytest.fixture(scope="module")
def folder(stub_backbone, tmp_path_factory):
    """Ten photographs to learn from and the same number to measure."""
    place = tmp_path_factory.mktemp("partial")
    for split in ("train", "val"):
        names = [f"{split}{i}.jpg" for i in range(len(ROWS))]
        formats.photographs(place, *names, size_wh=(96, 64))
        rows = [f"{name},{row}\n" for name, row in zip(names, ROWS, strict=True)]
        (place / f"{split}.csv").write_text("path,cat,dog\n" + "".join(rows))
    return place


@pytest.fixture(scope="module")
def prepared(folder, tmp_path_factory):
    chosen = config.load(settings=stub.SETTINGS)
    dataset = reading.for_training(folder, chosen, stub.QUIET)
    views = {"train": [ORIGINAL], "val": [ORIGINAL]}
    place = tmp_path_factory.mktemp("features")
    extractor = build_extractor(chosen)
    return preparation.prepare(dataset, views, extractor, place, stub.QUIET)


def views_of(prepared):
    return list(prepared.views("train", [ORIGINAL]))


def number(view):
    return int(view.example.path.stem.removeprefix("train"))


def test_no_window_of_such_a_photograph_is_background(prepared):
    chosen = config.load(settings=stub.SETTINGS)
    for view in views_of(prepared):
        ids = set(labelled_windows.label(view, chosen).tolist())
        is_labelled = len(view.example.unboxed) > 0
        if number(view) in UNSAID:
            assert labels.BACKGROUND not in ids and (is_labelled or ids == {-1})
        elif not is_labelled:
            assert labels.BACKGROUND in ids


def test_the_image_loss_counts_a_label_that_is_not_said_neither_way(prepared):
    each = [[view] for view in views_of(prepared)]
    photographs = PhotographSet(each, 2, ImageLoss(windows=4))
    found = {tuple(row) for row in photographs.targets.tolist()}
    expected = {(1, 0), (0, 1), (1, 1), (0, 0), (1, -1), (-1, 1), (-1, -1), (0, -1)}
    assert found == expected


def test_the_whole_model_is_that_of_the_labels_that_are_said(prepared):
    chosen = config.load(settings={**stub.SETTINGS, "scores.whole": True})
    whole = fit_whole_model.fit(prepared, chosen)
    for column in (0, 1):
        said = [v for v in views_of(prepared) if v.example.targets(2)[column] >= 0]
        of_said = SimpleNamespace(
            views=lambda split, names, said=said: said, dataset=prepared.dataset
        )
        alone = fit_whole_model.fit(of_said, chosen)
        np.testing.assert_array_equal(
            whole.weights[:, column], alone.weights[:, column]
        )


def test_measures_and_thresholds_are_those_of_the_labels_that_are_said():
    rng = np.random.default_rng(0)
    scores = rng.random((60, 2))
    targets = (scores + rng.normal(0, 0.4, scores.shape) > 0.5).astype(np.int8)
    partial = targets.copy()
    partial[::3, 0] = -1
    said = partial[:, 0] >= 0
    found = metrics.average_precision(scores[:, 0], partial[:, 0])
    assert found == metrics.average_precision(scores[said, 0], targets[said, 0])
    whole = metrics.average_precision(scores[:, 1], partial[:, 1])
    assert whole == metrics.average_precision(scores[:, 1], targets[:, 1])
    cut = fit_calibration.thresholds(scores, partial, None)
    alone = fit_calibration.thresholds(scores[said], targets[said], None)
    assert cut[0] == alone[0]


def test_what_a_run_is_measured_by_has_what_is_not_said(prepared):
    measured = validation.Validation(prepared, "val", [1.0])
    cells = [row.split(",") for row in ROWS]
    expected = [[-1 if cell == "" else int(cell) for cell in row] for row in cells]
    assert measured.targets.tolist() == expected


def test_such_data_is_trained_on(folder, tmp_path):
    run = stub.train(folder, tmp_path / "run")
    assert run.metrics["images"] == len(ROWS) and run.metrics["mAP"]["area"] > 0
