import numpy as np
import pytest
import stub

import midlevel
from midlevel.evaluation import evaluate, validation
from midlevel.networks import heads


@pytest.fixture(scope="module")
def model(trained):
    return midlevel.load(trained.folder)


def test_images_are_scored_alike_in_any_grouping(model, monkeypatch):
    """Groups only bound memory."""
    views = {"train": ["original", "mirror"], "val": ["original"]}
    prepared = evaluate.prepare(model, views, stub.QUIET)
    found = [view for split in views for view in prepared.views(split, views[split])]
    whole = list(validation.score_windows(model.head, found))
    calls = []
    score = heads.score
    monkeypatch.setattr(heads, "SCORED_AT_ONCE", 100)
    monkeypatch.setattr(heads, "score", lambda *a: calls.append(a) or score(*a))
    parts = list(validation.score_windows(model.head, found))
    assert len(calls) > 5 and len(parts) == len(whole) == len(found) == 27
    for one, other in zip(parts, whole, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_the_best_k_has_the_highest_map():
    targets = np.array([[1], [0], [0]])
    table = np.array([[[0.2], [0.3], [0.1]], [[0.4], [0.3], [0.1]]])
    scored = validation.Scored(table, (1.0, 5.0), targets)
    assert scored.best() == (5.0, 1.0)
