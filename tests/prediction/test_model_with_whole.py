"""What a model says that looks at the whole photograph beside its windows."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import stub

import midlevel
from midlevel import errors
from midlevel.images import pixels
from midlevel.images.pixels import Photograph
from midlevel.prediction.window_scores import WindowScores
from midlevel.system import text


@pytest.fixture(scope="module")
def plain(trained):
    return midlevel.load(trained.folder)


@pytest.fixture(scope="module")
def model(with_whole):
    return midlevel.load(with_whole.folder)


@pytest.fixture(scope="module")
def photographs(toy_voc):
    return sorted((toy_voc / "JPEGImages").glob("val_*.jpg"))


def by_formula(model, image):
    """sigmoid(slope * log of mean odds of windows + factor * log-odds of whole + c)."""
    (pooled,) = model.extractor.many([Photograph(image, pixels.size_wh(image))])
    rows = np.sign(pooled.whole) * (np.sqrt(np.abs(pooled.whole) + 1e-4) - 1e-2)
    rows /= np.sqrt((rows**2).sum(axis=1, keepdims=True))
    whole = rows.reshape(-1) @ model.whole.weights + model.whole.intercepts
    p = model.head(pooled.windows)[:, 1:].astype(np.float64)
    fitted = model.run.record["calibration"]
    odds = np.log((p / (1 - p)).mean(axis=0)) * fitted["slopes"]
    odds += whole * fitted["whole_slopes"] + fitted["intercepts"]
    return 1 / (1 + np.exp(-odds))


def test_a_record_is_of_windows_and_the_whole_by_the_formula(model, photographs):
    for path in photographs:
        (record,) = model.predict(path)
        expected = by_formula(model, pixels.read(path))
        assert list(record["scores"].values()) == pytest.approx(expected, abs=2e-5)
        above = {n for n, s in record["scores"].items() if s >= model.thresholds[n]}
        assert {label["name"] for label in record["labels"]} == above


def test_the_whole_photograph_changes_what_is_said(model, plain, photographs):
    pairs = zip(model.predict(photographs), plain.predict(photographs), strict=True)
    assert all(one["scores"] != other["scores"] for one, other in pairs)


def test_all_ways_to_a_record_agree(model, photographs):
    expected = list(model.predict(photographs))
    assert list(model.stream(photographs)) == expected
    images = [pixels.read(path) for path in photographs]
    names = [path.as_posix() for path in photographs]
    together = model.many([Photograph(im, pixels.size_wh(im)) for im in images])
    found = [model.record_of(*pair) for pair in zip(together, names, strict=True)]
    alone = [model.record(*pair) for pair in zip(images, names, strict=True)]
    for records in (found, alone):
        for one, other in zip(records, expected, strict=True):
            assert one["file"] == other["file"]
            assert one["scores"] == pytest.approx(other["scores"], abs=2e-5)


def test_window_scores_have_the_log_odds_of_the_whole(model, plain, photographs):
    image = pixels.read(photographs[0])
    found = model.windows(image)
    assert found.whole.shape == (3,) and found.whole.dtype == np.float64
    assert plain.windows(image).whole is None
    raw = model.aggregation(found.scores[:, 1:])
    expected = model.calibrated(raw, found.whole)
    np.testing.assert_array_equal(model.probabilities(found), expected)


def test_window_scores_without_the_whole_are_refused(model, photographs):
    found = model.windows(pixels.read(photographs[0]))
    bare = WindowScores(found.plan, found.scores, found.classes)
    with pytest.raises(errors.MidlevelError, match="whole photograph.*scores alone"):
        model.probabilities(bare)


def test_a_model_without_it_keeps_its_fingerprint(plain):
    """Unfinished predictions and exports of before are told by it."""
    parts = [
        plain.extractor.stored_as,
        plain.head.fingerprint,
        plain.classes,
        ["lse", 1.0],
        {
            "slopes": list(plain.calibration.slopes),
            "intercepts": list(plain.calibration.intercepts),
        },
        plain.thresholds,
    ]
    assert plain.fingerprint == text.digest(json.dumps(parts))


def test_the_fingerprint_tells_models_of_the_whole_apart(model, plain):
    other = dataclasses.replace(model.whole, intercepts=model.whole.intercepts + 1)
    weighed = dataclasses.replace(model.calibration, whole_slopes=[1, 1, 1])
    changed = [
        plain,
        model,
        dataclasses.replace(model, whole=other),
        dataclasses.replace(model, calibration=weighed),
    ]
    assert len({one.fingerprint for one in changed}) == 4


def test_a_run_that_lacks_the_file_it_speaks_of_is_told(trained, tmp_path):
    run = stub.with_whole(trained, tmp_path / "run")
    run.whole_file.unlink()
    with pytest.raises(errors.MidlevelError, match="whole.npz: is missing, and run"):
        midlevel.load(run.folder)


def test_factors_of_other_classes_are_told(trained, tmp_path):
    run = stub.with_whole(trained, tmp_path / "run", whole_slopes=(1, 1))
    with pytest.raises(errors.MidlevelError, match="calibration and thresholds that"):
        midlevel.load(run.folder)


def test_a_file_that_no_factor_speaks_of_is_not_looked_at(trained, tmp_path):
    run = stub.with_whole(trained, tmp_path / "run", whole_slopes=())
    run.whole_file.write_bytes(b"damaged")
    assert midlevel.load(run.folder).whole is None


WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = sys.modules["sklearn"] = None
sys.path.insert(0, sys.argv[1])
import stub
stub.in_table()
import midlevel
(record,) = midlevel.load(sys.argv[2], engine="openvino").predict(sys.argv[3])
print(list(record["scores"].values()))
"""


def test_a_prediction_needs_no_tensorflow(with_whole, model, photographs):
    tests, path = Path(stub.__file__).parent, photographs[0]
    command = [sys.executable, "-c", WITHOUT_TENSORFLOW]
    done = subprocess.run(
        [*command, str(tests), str(with_whole.folder), str(path)],
        **{"capture_output": True, "text": True, "check": False},
    )
    assert done.returncode == 0, done.stderr
    expected = by_formula(model, pixels.read(path))
    assert json.loads(done.stdout) == pytest.approx(expected, abs=1e-4)
