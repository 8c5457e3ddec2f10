import re

import helpers
import numpy as np
import pytest
import stub

from midlevel import errors
from midlevel.features import extraction, store
from midlevel.features.extractor import Extractor
from midlevel.images import pixels
from midlevel.images.pixels import Photograph
from midlevel.method import windows
from midlevel.networks import backbones, engines

GEOMETRY = windows.Geometry((windows.Level(0.6, (3, 2)),))
VIEWS = ["original", "mirror"]


@pytest.fixture
def backbone(stub_backbone):
    return stub.counting(backbones.build("stub"))


@pytest.fixture
def counting(backbone):
    return backbone.network


@pytest.fixture
def one_by_one(monkeypatch):
    """One thread, one photograph at a time."""
    monkeypatch.setattr(engines.Engine, "workers", 1)
    monkeypatch.setattr(engines.Engine, "together", 1)


@pytest.fixture
def photographs(tmp_path):
    paths = [tmp_path / f"{name}.jpg" for name in "abcde"]
    for i, path in enumerate(paths):
        helpers.write_photograph(path, helpers.noise((90 + i, 70), i))
    return paths


@pytest.fixture
def extractor(backbone):
    return Extractor(backbone, GEOMETRY)


@pytest.fixture
def run(extractor, counting, tmp_path):
    """Extract with a store opened anew; returns the result, the store and notes."""

    def extract(paths, views=VIEWS):
        counting.calls.clear()
        place = store.FeatureStore(tmp_path / "features", extractor.stored_as)
        notes = stub.Notes()
        found = extraction.extract(paths, views, extractor, place, notes)
        return found, place, notes.text

    return extract


def test_features_are_stored_under_the_keys_given_back(run, extractor, photographs):
    found, place, _ = run(photographs)
    assert list(found.keys) == photographs and not found.failures
    for path in photographs:
        image = pixels.read(path)
        for view, seen in (("original", image), ("mirror", image[:, ::-1])):
            entry = place.entries[found.keys[path][view]]
            assert entry.size_wh == pixels.size_wh(image)
            stored = place.load(found.keys[path][view])
            (made,) = extractor.many([Photograph(seen, entry.size_wh)])
            np.testing.assert_allclose(stored[:-1], made.windows, atol=1e-3)
            np.testing.assert_allclose(stored[-1:], made.whole, atol=1e-3)


def test_a_second_run_computes_nothing(run, counting, photographs):
    first, _, _ = run(photographs)
    assert sum(counting.batches) == 10  # five photographs, two views, one level
    second, _, said = run(photographs)
    assert counting.batches == []
    assert second == first
    assert said == "features: all 10 are in the store, nothing to do"


def test_only_what_is_missing_is_computed(run, counting, photographs):
    run(photographs[:3], ["original"])
    _, _, said = run(photographs)
    assert sum(counting.batches) == 7
    assert "7 to compute, 3 in the store" in said


def test_a_photograph_under_two_names_is_computed_once(run, counting, photographs):
    copy = photographs[0].with_name("copy.jpg")
    copy.write_bytes(photographs[0].read_bytes())
    found, _, _ = run([photographs[0], copy, photographs[0]], ["original"])
    assert sum(counting.batches) == 1
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


def test_a_damaged_chunk_is_said_and_computed_again(run, counting, photographs):
    first, place, _ = run(photographs)
    expected = {key: place.load(key).copy() for key in place.entries}
    (chunk,) = place.folder.glob("*.npy")
    content = bytearray(chunk.read_bytes())
    content[-5] ^= 1
    chunk.write_bytes(content)
    second, place, said = run(photographs)
    assert f"{chunk}: is damaged (its checksum is another); is deleted and" in said
    assert "10 to compute, 0 in the store" in said and second == first
    for key, rows in expected.items():
        np.testing.assert_array_equal(place.load(key), rows)
    assert "nothing to do" in run(photographs)[2]


def test_an_interruption_keeps_what_was_finished(
    run, counting, photographs, one_by_one
):
    counting.stop_at = 4
    with pytest.raises(KeyboardInterrupt):
        run(photographs)
    counting.stop_at = None
    found, place, said = run(photographs)
    assert "4 to compute, 6 in the store" in said
    assert counting.batches == [2, 2]  # of each photograph both views at once
    assert all(k in place for keys in found.keys.values() for k in keys.values())


def test_an_interruption_of_several_threads_keeps_what_came_before_it(
    run, counting, photographs, monkeypatch
):
    monkeypatch.setattr(engines.Engine, "workers", 3)
    monkeypatch.setattr(engines.Engine, "together", 1)
    expected, place, _ = run(photographs)
    for file in place.folder.iterdir():
        file.unlink()
    counting.stop_at = 4
    with pytest.raises(KeyboardInterrupt):
        run(photographs)
    counting.stop_at = None
    found, place, said = run(photographs)
    missing = int(re.search(r"(\d+) to compute", said)[1])
    assert 2 <= missing <= 10 and missing % 2 == 0  # no photograph is kept by halves
    assert sum(counting.batches) == missing
    assert found == expected
    assert all(k in place for keys in found.keys.values() for k in keys.values())


def test_the_size_is_said_before_anything_is_written(
    extractor, counting, photographs, one_by_one
):
    counting.stop_at = 1
    said = stub.Notes()
    empty = store.FeatureStore(photographs[0].parent / "other", extractor.stored_as)
    with pytest.raises(KeyboardInterrupt):
        extraction.extract(photographs, VIEWS, extractor, empty, said, "of train")
    sizes = [pixels.size_wh(pixels.read(path)) for path in photographs]
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
