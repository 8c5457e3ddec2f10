"""Heads of several tasks: one graph, the same numbers."""

import numpy as np
import pytest

from midlevel.networks import engines, growing, heads, tasks
from midlevel.networks.growing import NewUnits

FEATURES = np.random.default_rng(0).normal(size=(300, 24)).astype(np.float32)
NONE = NewUnits()
KINDS = [(True, True), (True, False), (False, True), (False, False)]


def old_head(background=True, classes=3):
    return heads.build(24, classes, hidden=(32,), seed=3, background=background)


def with_task(head, number, classes=2, background=True, units=NONE):
    """A head with a further task, on the layers of its newest."""
    newest = tasks.parts(head)[-1]
    new = growing.grow(newest, classes, units, number, background, str(number))
    return tasks.joined([head, new])


def kept(folder, head, name="head"):
    heads.keep(folder / f"{name}.keras", folder / f"{name}.xml", head)
    return heads.load(folder / f"{name}.keras")


@pytest.mark.parametrize(("of_old", "of_new"), KINDS)
def test_the_scores_of_a_task_are_those_of_its_own_head(of_old, of_new):
    head = old_head(of_old)
    both = with_task(head, 2, background=of_new)
    alone = tasks.parts(both)[1]
    found = both(FEATURES).numpy()
    assert np.array_equal(found[:, 1:4], head(FEATURES).numpy()[:, 1:])
    assert np.array_equal(found[:, 4:], alone(FEATURES).numpy()[:, 1:])
    none = head(FEATURES).numpy()[:, 0] * alone(FEATURES).numpy()[:, 0]
    assert np.array_equal(found[:, 0], none)


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
@pytest.mark.parametrize(("of_old", "of_new"), KINDS)
def test_a_head_that_was_read_takes_two_more_tasks_and_keeps_the_first_to_the_bit(
    tmp_path, of_old, of_new, engine
):
    first = kept(tmp_path, old_head(of_old), "first")
    second = kept(tmp_path, with_task(first, 2, background=of_new), "second")
    third = kept(tmp_path, with_task(second, 3, 1, of_old), "third")
    assert [part.output_shape[-1] for part in tasks.parts(third)] == [4, 3, 2]
    chosen = engines.choose(engine, "f32")
    found = [
        heads.score(
            heads.network(tmp_path / f"{name}.keras", tmp_path / f"{name}.xml", chosen),
            FEATURES,
        )
        for name in ("first", "second", "third")
    ]
    assert found[2].shape == (300, 7)
    assert np.array_equal(found[1][:, 1:4], found[0][:, 1:])
    assert np.array_equal(found[2][:, 1:6], found[1][:, 1:])


@pytest.mark.parametrize("kind", ["da", "wa", "dwa"])
def test_a_grown_task_stands_beside_the_old_one(tmp_path, kind):
    first = kept(tmp_path, old_head(), "first")
    grown = kept(tmp_path, with_task(first, 2, units=NewUnits(kind, 16)), "grown")
    again = kept(tmp_path, with_task(grown, 3, units=NewUnits(kind, 16)), "again")
    found = again(FEATURES).numpy()
    assert np.array_equal(found[:, 1:4], first(FEATURES).numpy()[:, 1:])
    assert np.array_equal(found[:, 4:6], grown(FEATURES).numpy()[:, 4:6])


def test_shared_layers_are_in_the_file_once(tmp_path):
    both = kept(tmp_path, with_task(old_head(), 2))
    assert both.count_params() == 24 * 32 + 32 + 33 * 4 + 33 * 3


def test_units_lean_towards_the_classes_of_all_tasks(tmp_path):
    both = kept(tmp_path, with_task(old_head(), 2, background=False))
    activations, weights = heads.hidden(both)
    old, new = (both.get_layer(name).get_weights()[0] for name in ("fcb", "fcb2"))
    assert activations(FEATURES).shape == (300, 32)
    assert np.array_equal(weights, np.concatenate([old, new], axis=1))


def test_new_units_stand_behind_old_ones(tmp_path):
    both = kept(tmp_path, with_task(old_head(), 2, units=NewUnits("da", 16)))
    activations, weights = heads.hidden(both)
    assert activations(FEATURES).shape == (300, 48)
    assert weights.shape == (48, 6)
    assert not weights[32:, 1:4].any()
    assert not weights[:32, 4:].any()
    assert weights[:32, 1:4].all()
    assert weights[32:, 4:].all()
