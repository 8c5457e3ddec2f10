import re
import time

import helpers
import numpy as np
import pytest
import stub

from midlevel import backbones, errors, extraction, features, images, store, windows

GEOMETRY = windows.Geometry((windows.Level(0.6, (3, 2)),))
VIEWS = ["original", "mirror"]


@pytest.fixture
def counting(stub_backbone):
    return stub.Counting(backbones.build("stub"))


@pytest.fixture
def photographs(tmp_path):
    paths = [tmp_path / f"{name}.jpg" for name in "abcde"]
    for i, path in enumerate(paths):
        helpers.write_photograph(path, helpers.noise((90 + i, 70), i))
    return paths


@pytest.fixture
def run(counting, tmp_path):
    """Extract with a store opened anew; returns the result, the store and notes."""

    def extract(paths, views=VIEWS):
        counting.batches.clear()
        extractor = features.Extractor(counting, GEOMETRY)
        place = store.FeatureStore(tmp_path / "features", extractor.fingerprint)
        notes = stub.Notes()
        found = extraction.extract(paths, views, extractor, place, notes)
        return found, place, notes.text

    return extract


def test_features_are_stored_under_the_keys_given_back(run, counting, photographs):
    found, place, _ = run(photographs)
    assert list(found.keys) == photographs and not found.failures
    image = images.read(photographs[1])
    extractor = features.Extractor(counting, GEOMETRY)
    for view, pixels in (("original", image), ("mirror", image[:, ::-1])):
        stored = place.load(found.keys[photographs[1]][view])
        np.testing.assert_allclose(stored, extractor(pixels), atol=1e-3)


def test_a_second_run_computes_nothing(run, counting, photographs):
    first, _, _ = run(photographs)
    assert len(counting.batches) == 10  # five photographs, two views, one level
    second, _, said = run(photographs)
    assert counting.batches == []
    assert second == first
    assert said == "features: all 10 are in the store, nothing to do"


def test_only_what_is_missing_is_computed(run, counting, photographs):
    run(photographs[:3], ["original"])
    _, _, said = run(photographs)
    assert len(counting.batches) == 7
    assert "7 to compute, 3 in the store" in said


def test_a_photograph_under_two_names_is_computed_once(run, counting, photographs):
    copy = photographs[0].with_name("copy.jpg")
    copy.write_bytes(photographs[0].read_bytes())
    found, _, _ = run([photographs[0], copy, photographs[0]], ["original"])
    assert len(counting.batches) == 1
    assert found.keys[copy] == found.keys[photographs[0]]


def test_what_cannot_be_read_is_named_and_the_rest_goes_on(run, photographs, tmp_path):
    broken, gone = tmp_path / "broken.jpg", tmp_path / "gone.jpg"
    copy = tmp_path / "copy of broken.jpg"
    broken.write_bytes(b"\xff\xd8 no image")
    copy.write_bytes(broken.read_bytes())
    found, place, _ = run([broken, gone, photographs[0], copy])
    assert list(found.keys) == [photographs[0]]
    assert set(found.keys[photographs[0]].values()) == set(place.entries)
    told = sorted(found.failures)
    assert len(told) == 3
    for line, path in zip(told, (broken, copy, gone), strict=True):
        assert line.startswith(f"{path}: ")


def test_where_nothing_can_be_read_nothing_is_announced(run, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    found, _, said = run([tmp_path / "broken.jpg", tmp_path / "gone.jpg"])
    assert not found.keys and len(found.failures) == 2
    assert "to compute" not in said


def test_an_interruption_keeps_what_was_finished(run, counting, photographs):
    counting.stop_at = 4
    with pytest.raises(KeyboardInterrupt):
        run(photographs)
    counting.stop_at = None
    found, place, said = run(photographs)
    assert "7 to compute, 3 in the store" in said
    assert len(counting.batches) == 7
    assert all(k in place for keys in found.keys.values() for k in keys.values())


def test_the_size_is_said_before_anything_is_written(run, counting, photographs):
    counting.stop_at = 1
    with pytest.raises(KeyboardInterrupt):
        run(photographs)
    extractor = features.Extractor(counting, GEOMETRY)
    said = stub.Notes()
    empty = store.FeatureStore(photographs[0].parent / "other", extractor.fingerprint)
    with pytest.raises(KeyboardInterrupt):
        counting.batches.clear()
        extraction.extract(photographs, VIEWS, extractor, empty, said, "of train")
    sizes = [images.size_wh(images.read(path)) for path in photographs]
    counts = [len(extractor.plan(size_wh)) for size_wh in sizes]
    expected = r"of train: 10 to compute, 0 in the store; about (\d+) windows each"
    about = int(re.search(expected, said.text)[1])
    assert min(counts) <= about <= max(counts)
    assert f"GB in {empty.folder}" in said.text
    assert not list(empty.folder.iterdir())


def test_a_disk_too_small_is_refused_before_the_work(
    run, counting, photographs, monkeypatch
):
    usage = store.shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(store.shutil, "disk_usage", lambda place: usage)
    with pytest.raises(errors.MidlevelError, match="features need .* GB are free"):
        run(photographs)
    assert counting.batches == []


def test_work_ahead_keeps_the_order():
    def slowest_first(job):
        time.sleep(0.02 / (job + 1))
        return job * job

    found = list(extraction.ahead(range(9), slowest_first))
    assert found == [(job, job * job) for job in range(9)]


def test_work_ahead_takes_few_jobs_before_they_are_needed():
    taken = []

    def jobs():
        for job in range(50):
            taken.append(job)
            yield job

    first = next(extraction.ahead(jobs(), lambda job: job, depth=3))
    assert first == (0, 0)
    assert len(taken) == 4


def test_an_error_in_a_thread_comes_out_where_its_turn_is():
    results = extraction.ahead([1, 0, 2], lambda job: 1 / job)
    assert next(results) == (1, 1.0)
    with pytest.raises(ZeroDivisionError):
        next(results)
