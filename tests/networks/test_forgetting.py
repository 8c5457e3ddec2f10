"""Learning without forgetting, against its equations."""

import numpy as np
import pytest

from midlevel.networks import forgetting, growing, heads, tasks
from midlevel.networks.growing import NewUnits


def slow_distillation(scores, responses, temperature):
    """Equations 2 and 3 of Li and Hoiem, number by number."""
    total = 0.0
    for now, before in zip(scores, responses, strict=True):
        now, before = now ** (1 / temperature), before ** (1 / temperature)
        now, before = now / now.sum(), before / before.sum()
        total -= float((before * np.log(now)).sum())
    return total / len(scores)


def random_scores(count, seed):
    scores = np.random.default_rng(seed).random((5, count)).astype(np.float32)
    return scores / scores.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_with_background_it_is_the_cross_entropy_of_roots(temperature):
    scores, responses = random_scores(4, 0), random_scores(4, 1)
    found = forgetting.distillation(scores, responses, True, temperature)
    expected = slow_distillation(scores, responses, temperature)
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_without_background_each_class_has_two_outcomes():
    rng = np.random.default_rng(2)
    scores, responses = rng.uniform(0.01, 0.99, (2, 5, 4)).astype(np.float32)
    found = forgetting.distillation(scores, responses, False, 2.0)
    expected = sum(
        slow_distillation(
            *(np.stack([p[:, i], 1 - p[:, i]], axis=1) for p in (scores, responses)), 2
        )
        for i in range(1, 4)  # column 0 is what is left
    )
    assert float(found) == pytest.approx(expected, rel=1e-4)


def test_it_is_least_where_nothing_has_changed():
    responses = random_scores(4, 3)
    least = forgetting.distillation(responses, responses, True, 2.0)
    assert least < forgetting.distillation(random_scores(4, 4), responses, True, 2.0)


def test_layers_that_tasks_share_are_old():
    old = heads.build(6, 2, hidden=(4,))
    new = growing.grow(old, 1, NewUnits("wa", 8), suffix="2")
    of_new, of_old = forgetting.variables(tasks.joined([old, new]))
    assert {one.path.split("/")[-2] for one in of_old} == {"fca", "fcb"}
    assert "fca" not in {one.path.split("/")[-2] for one in of_new}
    assert len(of_new) == 2 + 2 + 2  # new units, their scale and the old, a classifier
