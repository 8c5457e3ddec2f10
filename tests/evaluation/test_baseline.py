import numpy as np
import pytest
import stub

import midlevel
from midlevel.evaluation import baseline
from midlevel.images import pixels
from midlevel.method import metrics
from midlevel.pages.report import report_page


@pytest.fixture(scope="module")
def model(trained):
    return midlevel.load(trained.folder)


@pytest.fixture(scope="module")
def prepared(model):
    return report_page.prepare(model, stub.QUIET)  # both splits


def test_the_baseline_is_measured_on_the_photographs_of_the_run(model, prepared):
    found = baseline.measure(prepared, model.config)
    assert list(found["AP"]) == list(model.classes)
    assert set(found["mAP"]) == set(metrics.FORMS)
    assert 0.3 < found["mAP"]["area"] <= 1
    assert "Logistic regression" in found["definition"]
    assert found == baseline.measure(prepared, model.config)


def test_a_photograph_is_the_mean_of_its_largest_windows(model, prepared):
    view = next(prepared.views("val", ["original"]))
    image = pixels.read(view.example.path)
    boxes = model.extractor.plan(pixels.size_wh(image)).boxes
    sides = boxes[:, 2:] - boxes[:, :2]
    areas = sides[:, 0] * sides[:, 1]
    whole = model.extractor(image)[areas > 0.98 * areas.max()].mean(axis=0)
    np.testing.assert_allclose(baseline.whole(view), whole, atol=2e-3)


def test_a_class_that_training_never_or_always_shows_is_not_told_apart():
    vectors = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    for targets in ([0] * 6, [1] * 6, [-1, -1, 0, 0, 0, 0]):
        found = baseline.scores(vectors, np.array(targets), vectors[:2])
        assert found.tolist() == [0, 0]


def test_what_is_shown_only_as_difficult_teaches_nothing():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(20, 3))
    targets = (vectors[:, 0] > 0).astype(int)
    known = baseline.scores(vectors, targets, vectors)
    more = np.vstack([vectors, 100 + vectors[:2]])
    same = baseline.scores(more, np.append(targets, [-1, -1]), vectors)
    np.testing.assert_allclose(known, same)
    assert metrics.average_precision(known, targets) > 0.95
