import numpy as np
import pytest

from midlevel import errors
from midlevel.training.quota import Quota

IDS = np.array([0] * 900 + [1] * 90 + [2] * 10)  # class 2 is rare
FEATURES = np.arange(1000, dtype=np.float16)[:, None]


def drawn(quota, size, seed=0):
    return list(quota.batches(np.random.default_rng(seed), size))


def test_every_batch_holds_32_of_objects_and_96_of_background():
    batches = drawn(Quota(FEATURES, IDS), 128)
    assert [len(batch) for batch in batches] == [128] * 7 + [104]
    assert all((batch.ids > 0).sum() == 32 for batch in batches[:-1])
    assert (batches[-1].ids > 0).sum() == 26


def test_features_are_those_of_the_windows_and_nothing_is_weighed():
    for batch in drawn(Quota(FEATURES, IDS), 100):
        numbers = batch.features[:, 0].astype(int)
        np.testing.assert_array_equal(IDS[numbers], batch.ids)
        assert batch.features.dtype == np.float32 and (batch.weights == 1).all()


def test_classes_come_equally_often_however_rare():
    ids = np.concatenate([b.ids for b in drawn(Quota(FEATURES, IDS, 0.5), 10)])
    counts = np.bincount(ids)
    assert counts[0] == 500 and abs(counts[1] - 250) < 50


def test_the_draw_hangs_on_the_generator_alone():
    quota = Quota(FEATURES, IDS)
    one, same, other = drawn(quota, 128), drawn(quota, 128), drawn(quota, 128, seed=1)
    np.testing.assert_array_equal(one[0].features, same[0].features)
    assert (one[0].features != other[0].features).any()


@pytest.mark.parametrize("ids", [[0, 0], [1, 2]])
def test_background_and_objects_are_both_needed(ids):
    with pytest.raises(errors.DataError, match="windows of objects and of background"):
        Quota(FEATURES[:2], np.array(ids))
