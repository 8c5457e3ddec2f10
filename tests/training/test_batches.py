import tracemalloc

import numpy as np
import pytest

from midlevel.features import store
from midlevel.training.batches import WindowSet

COUNTS = (5, 9, 1, 7, 4, 8)  # windows of each image
CHANNELS = 6
ROW = 2 * CHANNELS  # bytes
WEIGHTS = np.array([0.5, 2, 3], np.float32)


@pytest.fixture
def features(tmp_path, monkeypatch):
    """A store of several chunks; the number of an image and a window is in a row."""
    monkeypatch.setattr(store, "CHUNK_BYTES", 100)
    made = store.FeatureStore(tmp_path, "f")
    for image, count in enumerate(COUNTS):
        rows = np.zeros((count, CHANNELS), np.float32)
        rows[:, 0], rows[:, 1] = image, np.arange(count)
        made.add(f"{image}", (9, 9), rows)
    made.flush()
    assert len({entry.chunk for entry in made.entries.values()}) > 2
    return made


@pytest.fixture
def ids():
    """Class ids of every window of each image; -1 is out."""
    rng = np.random.default_rng(0)
    return [rng.integers(-1, 3, count) for count in COUNTS]


def window_set(features, ids, memory=8_000_000_000):
    keys = [f"{image}" for image in range(len(COUNTS))]
    return WindowSet(features, keys, ids, WEIGHTS, memory)


def epoch(windows, size=4, seed=0):
    return list(windows.batches(np.random.default_rng(seed), size))


def seen(found):
    """Image and number of each window, in the order in which they came."""
    rows = np.concatenate([batch.features for batch in found])
    return [tuple(row) for row in rows[:, :2].astype(int).tolist()]


def images_in_turn(found):
    """The images, each as often as the last window was of another."""
    images = [image for image, _ in seen(found)]
    changes = zip([None, *images], images, strict=False)
    return [image for before, image in changes if image != before]


def expected(ids):
    return {
        (image, window)
        for image, of_image in enumerate(ids)
        for window in np.flatnonzero(of_image >= 0).tolist()
    }


MEMORIES = [10**9, 12 * ROW, 1]  # all at once, some images, one image


@pytest.mark.parametrize("memory", MEMORIES)
def test_an_epoch_has_every_window_once_with_its_label_and_weight(
    features, ids, memory
):
    windows = window_set(features, ids, memory=memory)
    found = epoch(windows)
    assert len(windows) == len(seen(found)) == len(expected(ids))
    assert set(seen(found)) == expected(ids)
    labels = np.concatenate([batch.ids for batch in found])
    for (image, window), label in zip(seen(found), labels, strict=True):
        assert ids[image][window] == label
    weights = np.concatenate([batch.weights for batch in found])
    np.testing.assert_array_equal(weights, WEIGHTS[labels])
    assert {batch.features.dtype for batch in found} == {np.dtype(np.float32)}


def test_batches_have_the_size_asked_for_but_for_the_last(features, ids):
    sizes = [len(batch.ids) for batch in epoch(window_set(features, ids), size=4)]
    assert set(sizes[:-1]) == {4} and 1 <= sizes[-1] <= 4


@pytest.mark.parametrize("memory", MEMORIES)
def test_the_order_hangs_on_the_seed_alone(features, ids, memory):
    windows = window_set(features, ids, memory=memory)
    first = seen(epoch(windows, seed=0))
    assert seen(epoch(windows, seed=1)) != first  # which leaves other images in memory
    assert seen(epoch(windows, seed=0)) == first
    again = window_set(features, ids, memory=memory)
    assert seen(epoch(again, seed=0)) == first


def test_windows_of_all_images_are_mixed_where_memory_suffices(features, ids):
    assert len(images_in_turn(epoch(window_set(features, ids)))) > 2 * len(COUNTS)


def test_where_one_image_fills_memory_images_come_one_after_another(features, ids):
    found = epoch(window_set(features, ids, memory=1))
    order = images_in_turn(found)
    assert sorted(order) == sorted({image for image, _ in expected(ids)})
    assert order != sorted(order)


def test_no_more_is_held_than_memory_is_given(tmp_path):
    """A little more: the batch in hand, the next one, and the orders."""
    images, rows, channels = 40, 100, 512
    made = store.FeatureStore(tmp_path, "f")
    for image in range(images):
        made.add(f"{image}", (9, 9), np.full((rows, channels), image))
    made.flush()
    keys, ids = [f"{i}" for i in range(images)], [np.ones(rows, np.int16)] * images
    memory = 10 * rows * channels * 2
    windows = WindowSet(made, keys, ids, WEIGHTS, memory)
    tracemalloc.start()
    epoch_of = windows.batches(np.random.default_rng(0), 50)
    assert sum(len(batch.ids) for batch in epoch_of) == images * rows
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert memory <= peak < 1.5 * memory


def test_what_fits_into_memory_is_read_once(features, ids, monkeypatch):
    loaded, load = [], features.load
    monkeypatch.setattr(features, "load", lambda key: loaded.append(key) or load(key))
    windows = window_set(features, ids)
    epoch(windows)
    assert set(loaded) == {f"{image}" for image in range(len(COUNTS))}
    loaded.clear()
    for seed in range(3):
        epoch(windows, seed=seed)
    assert not loaded


def test_an_image_of_which_all_is_left_out_gives_nothing(features, ids):
    ids = [np.full(count, -1) for count in COUNTS[:-1]] + ids[-1:]
    for memory in MEMORIES:
        found = epoch(window_set(features, ids, memory=memory))
        assert {image for image, _ in seen(found)} == {len(COUNTS) - 1}
