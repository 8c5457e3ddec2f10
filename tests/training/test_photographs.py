import types

import numpy as np

from midlevel.settings.image_loss import ImageLoss
from midlevel.training.batches import Batch
from midlevel.training.photographs import PhotographSet

COUNTS = (7, 3, 9, 12, 5)


def view(number, key):
    features = np.full((COUNTS[number], 4), number, np.float16)
    features[:, 1] = np.arange(COUNTS[number])
    targets = np.array([number % 2, -1, 1], np.int8)  # the third is shown by all
    example = types.SimpleNamespace(targets=lambda count: targets[:count])
    return types.SimpleNamespace(
        key=key, count=COUNTS[number], features=features, example=example
    )


def epoch(photographs, seed=0, size=2):
    return list(photographs.batches(np.random.default_rng(seed), size))


def photographs(order=range(5), windows=6):
    each = [[view(i, f"{i}")] for i in order]
    return PhotographSet(each, 3, ImageLoss(windows=windows))


def test_an_epoch_has_each_photograph_once_with_windows_of_its_own():
    found = epoch(photographs())
    assert [len(batch) for batch in found] == [2, 2, 1]
    features = np.concatenate([batch.features for batch in found])
    assert features.shape == (5, 6, 4) and features.dtype == np.float32
    numbers = features[:, :, 0]
    assert (numbers == numbers[:, :1]).all()
    assert sorted(numbers[:, 0].tolist()) == [0, 1, 2, 3, 4]
    targets = np.concatenate([batch.targets for batch in found])
    assert targets[:, 0].tolist() == [number % 2 for number in numbers[:, 0].tolist()]


def test_windows_are_drawn_once_each_where_there_are_enough():
    for batch in epoch(photographs()):
        for rows in batch.features:
            number, drawn = int(rows[0, 0]), rows[:, 1].tolist()
            assert set(drawn) <= set(range(COUNTS[number]))
            assert len(set(drawn)) == min(6, len(set(drawn)))
            if COUNTS[number] >= 6:
                assert len(set(drawn)) == 6


def test_the_order_of_the_views_changes_nothing_and_every_epoch_draws_anew():
    one, other = epoch(photographs()), epoch(photographs(order=(4, 2, 0, 1, 3)))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.features, b.features)
    again = epoch(photographs(), seed=1)
    assert any(
        (a.features != b.features).any() for a, b in zip(one, again, strict=True)
    )


def test_a_class_that_all_show_teaches_nothing():
    assert set(photographs().targets[:, 2].tolist()) == {-1}
    assert set(photographs().targets[:, 0].tolist()) == {0, 1}


def test_one_scale_is_one_level_a_photograph_and_step():
    views = [view(i, f"{i}") for i in range(5)]
    for one in views:
        level = np.arange(one.count) % 2
        one.plan = types.SimpleNamespace(level=level)
    settings = ImageLoss(windows=6, scales="one")
    found = PhotographSet([[one] for one in views], 3, settings)
    levels = set()
    for seed in range(4):
        for batch in epoch(found, seed):
            drawn = batch.features[:, :, 1] % 2
            assert (drawn == drawn[:, :1]).all()
            levels |= set(drawn[:, 0].tolist())
    assert levels == {0, 1}


def test_of_several_views_one_is_drawn_a_step():
    pairs = [[view(0, f"{i}"), view(2, f"{i} mirrored")] for i in range(5)]
    found = PhotographSet(pairs, 3, ImageLoss(windows=4))
    shown = [set(batch.features[:, 0, 0].tolist()) for batch in epoch(found, size=1)]
    assert len(found) == 5 and set.union(*shown) == {0, 2}


class Labelled:
    """Three batches of labelled windows, the last smaller."""

    def batches(self, rng, size):
        for count in (size, size, 1):
            number = int(rng.integers(1000))
            yield Batch(np.full((count, 4), number), np.ones(count), np.ones(count))


def test_labelled_windows_come_with_every_batch_epoch_after_epoch():
    each = [[view(i % 5, f"{i}")] for i in range(10)]
    settings = ImageLoss(windows=6, window_batch=8)
    found = epoch(PhotographSet(each, 3, settings, Labelled()))
    assert [len(batch.windows) for batch in found] == [8, 8, 1, 8, 8]
    plain = epoch(PhotographSet(each, 3, settings))
    for a, b in zip(found, plain, strict=True):  # photographs are drawn as without
        np.testing.assert_array_equal(a.features, b.features)
        assert b.windows is None


def test_odds_are_of_the_share_of_photographs():
    two_of_five = np.log(2.5 / 3.5)
    np.testing.assert_allclose(photographs().odds, [two_of_five, 0, 0])
