"""Measuring a model that looks at the whole photograph beside its windows."""

import helpers
import numpy as np
import pytest
import stub

import midlevel
from midlevel import datasets
from midlevel.evaluation import evaluate, measuring
from midlevel.evaluation.validation import Scored, Validation
from midlevel.method import metrics
from midlevel.method.calibration import Calibration


@pytest.fixture(scope="module")
def model(trained, tmp_path_factory):
    """Its whole model counts for so much that it changes the order."""
    folder = tmp_path_factory.mktemp("measured") / "run"
    return midlevel.load(stub.with_whole(trained, folder, (3, 3, 3)).folder)


@pytest.fixture(scope="module")
def prepared(model):
    views = {"train": ["original"], "val": ["original"]}
    return evaluate.prepare(model, views, stub.QUIET)


def slow_table(model, folder, split):
    """From records, photograph by photograph, and the definition of AP."""
    examples = datasets.read(folder, model.classes).split(split)
    records = model.predict([example.path for example in examples])
    targets = np.stack([example.targets(3) for example in examples])
    return {
        name: {
            form: helpers.slow_average_precision(
                [record["scores"][name] for record in records], targets[:, i], form
            )
            for form in metrics.FORMS
        }
        for i, name in enumerate(model.classes)
    }


@pytest.mark.parametrize("split", ["train", "val"])
def test_average_precision_is_of_what_records_say(model, trained, toy_voc, split):
    found = midlevel.evaluate(model, split=split, progress=stub.QUIET)
    for name, row in slow_table(model, toy_voc, split).items():
        assert found.AP[name] == pytest.approx(row)
    plain = midlevel.evaluate(
        midlevel.load(trained.folder), split=split, progress=stub.QUIET
    )
    assert found.mAP != plain.mAP


def test_a_report_measures_the_same(model, prepared):
    found = measuring.measure(model, prepared)
    evaluated = midlevel.evaluate(model, progress=stub.QUIET)
    assert found.numbers["AP"] == evaluated.AP
    records = model.predict([e.path for e in found.validation.examples])
    expected = [list(record["scores"].values()) for record in records]
    np.testing.assert_allclose(found.probabilities, expected, atol=5e-3)


def test_a_split_has_the_log_odds_that_photographs_have(model, prepared):
    validation = Validation(prepared, "val", (model.aggregation,))
    seen = []
    scored = validation.scored(model.head, seen.append, whole=model.whole)
    assert scored.whole.shape == (5, 3) and scored.whole.dtype == np.float64
    np.testing.assert_array_equal(scored.whole, [one.whole for one in seen])
    for one in seen:
        photograph = model.extractor.read(one.example.path)
        (found,) = model.many([photograph])
        np.testing.assert_allclose(one.whole, found.whole, atol=5e-3)
    without = validation.scored(model.head, seen.append)
    assert without.whole is None and seen[-1].whole is None
    np.testing.assert_array_equal(without.scores, scored.scores)


def test_photographs_are_ordered_by_both_together():
    targets = np.array([[1], [0]])
    table = np.full((1, 2, 1), 0.5)
    fitted = Calibration([1.0], [0.5], [2.0])
    scored = Scored(table, (1.0,), targets, np.array([[30.0], [20.0]]))
    # Both probabilities are 1 in float64; the order is not lost.
    assert scored.ranking(1.0, fitted).tolist() == [[60.5], [40.5]]
    bare = Scored(table, (1.0,), targets)
    assert bare.ranking(1.0, Calibration([1.0], [0.5])).tolist() == [[0.5], [0.5]]
