"""Old layers that learn with new ones, held by responses or not."""

import numpy as np
import pytest

from midlevel.method.aggregation import Aggregation
from midlevel.networks import growing, heads, tasks
from midlevel.networks.forgetting import Kept
from midlevel.networks.growing import NewUnits
from midlevel.settings import config as config_
from midlevel.training.photographs import PhotographBatch
from midlevel.training.together import let_learn
from midlevel.training.together_step import TogetherStep

RNG = np.random.default_rng(0)
BATCH = PhotographBatch(
    RNG.normal(size=(6, 5, 8)).astype(np.float32),
    RNG.integers(0, 2, (6, 2)).astype(np.int8),
)
ROWS = BATCH.features.reshape(-1, 8)


def old_head(background):
    # Without dropout, which would move what is compared.
    return heads.build(8, 3, (16,), 0.0, seed=1, background=background)


def step_of(keep, weight=1.0, background=True):
    old = old_head(background)
    for layer in old.layers:
        layer.trainable = False
    new = growing.grow(old, 2, NewUnits(), 2, suffix="2")
    head = tasks.joined([old, new])
    settings = {"growth.learn": "fc7", "tasks.keep": keep}
    config = config_.load(None, {**settings, "image_loss.learning_rate": 0.01})
    config = config.at("box")
    let_learn(head, config)
    kept = Kept(old_head(background), weight, 2.0) if keep == "lwf" else None
    config = config_.load(config, {"image_loss.window_loss": 0.0})
    step = TogetherStep(head, config, Aggregation("lse", 1.0), kept, 100)
    step.begin()
    return step


def drift(step, background=True):
    """How far the old task's scores went."""
    old = old_head(background)(ROWS).numpy()[:, 1:]
    return np.abs(step.model(ROWS).numpy()[:, 1:4] - old).mean()


@pytest.mark.parametrize("background", [True, False])
def test_what_was_known_is_forgotten_less_where_it_is_kept(background):
    found = {}
    for keep in ("none", "lwf"):
        step = step_of(keep, 10.0, background)
        losses = [step.learn(BATCH) for _ in range(100)]
        assert losses[-1] < losses[0]
        found[keep] = drift(step, background)
    assert 0 < found["lwf"] < 0.5 * found["none"]


def test_old_layers_learn_at_a_tenth_of_the_rate():
    step = step_of("lwf")
    assert step.rate == pytest.approx(0.01)
    assert float(step._optimizers[1].learning_rate) == pytest.approx(0.001)


def test_it_goes_on_as_if_nothing_had_happened(tmp_path):
    whole, half = step_of("lwf"), step_of("lwf")
    for _ in range(4):
        whole.learn(BATCH)
    for _ in range(2):
        half.learn(BATCH)
    half.save(tmp_path / "epoch-002.keras")
    again = step_of("lwf")
    again.load(tmp_path / "epoch-002.keras")
    for _ in range(2):
        again.learn(BATCH)
    assert np.array_equal(again.model(ROWS).numpy(), whole.model(ROWS).numpy())


def test_without_responses_the_old_classifier_stays():
    step = step_of("none")
    step.learn(BATCH)
    old = old_head(True).get_layer("fcb").get_weights()
    found = step.model.get_layer("fcb").get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(old, found, strict=True))
