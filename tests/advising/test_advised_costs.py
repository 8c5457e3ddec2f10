"""What a training is expected to take."""

import pytest

from midlevel.advising import costs
from midlevel.advising.costs import Cost
from midlevel.settings import config as config_

COST = Cost(view_seconds=0.5, fit_seconds=10.0, size_mb=1.0)


def test_a_training_has_its_features_and_as_many_fits_as_hold_out_and_one():
    config = config_.load()  # two views; of 900 photographs one part is held out
    assert costs.training_seconds(COST, config, 900, 450) == pytest.approx(
        0.5 * (2 * 900 + 450) + 2 * 10
    )
    assert costs.training_seconds(COST, config, 90, 40) == pytest.approx(
        0.5 * (2 * 90 + 40) + 4 * 10  # of few, three parts are
    )
    config = config_.load(settings={"training.held_out_fifths": 5})
    assert costs.training_seconds(COST, config, 90, 0) == pytest.approx(90 + 6 * 10)


def test_a_clock_times_tasks_by_their_names_without_numbers():
    clock = costs.Clock()
    for name in ("epoch 1", "epoch 2", "epoch of head and tail 1"):
        with clock.task(name, 3) as advance:
            advance(3)
    assert {name: len(of) for name, of in clock.seconds.items()} == {
        "epoch": 2,
        "epoch of head and tail": 1,
    }
    assert clock.quiet
