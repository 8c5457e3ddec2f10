import numpy as np
import pytest
import stub

from midlevel.method import calibration
from midlevel.method.aggregation import Aggregation
from midlevel.networks import heads, image_loss
from midlevel.settings.image_loss import ImageLoss
from midlevel.training import fitting
from midlevel.training.batches import Batch
from midlevel.training.fitting import Schedule
from midlevel.training.image_step import ImageStep
from midlevel.training.photographs import PhotographBatch

POWER = Aggregation("power", 2.0)


def head(dropout=0.0):
    return heads.build(5, 2, hidden=[8], dropout=dropout, seed=3)


def batch(photographs=4, windows=6):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(photographs, windows, 5)).astype(np.float32)
    targets = rng.integers(0, 2, (photographs, 2)).astype(np.int8)
    return PhotographBatch(features, targets)


def begun(model, rate=0.01):
    step = ImageStep(model, ImageLoss(learning_rate=rate).resolved("image"), POWER, 0)
    step.begin()
    return step


def by_hand(model, given):
    """The loss, photograph by photograph, in numpy."""
    losses = []
    for features, targets in zip(given.features, given.targets, strict=True):
        of_windows = heads.score(heads.in_training(model), features)[:, 1:]
        p = POWER(of_windows)
        losses.append(-np.log(np.where(targets == 1, p, 1 - p))[targets >= 0].sum())
    return np.mean(losses)


def test_the_loss_is_that_of_the_image_score():
    model, given = head(), batch()
    expected = by_hand(model, given)
    assert begun(model).learn(given) == pytest.approx(expected, rel=1e-4)


def test_a_class_of_difficult_objects_alone_teaches_nothing():
    model, given = head(), batch()
    given.targets[:, 0] = -1
    expected = by_hand(model, given)
    assert begun(model).learn(given) == pytest.approx(expected, rel=1e-4)


def test_learning_lowers_the_loss():
    given = batch()
    step = begun(head(), rate=0.05)
    first = step.learn(given)
    for _ in range(30):
        last = step.learn(given)
    assert last < first / 2


class Same:
    """The same photographs in every epoch."""

    def __len__(self):
        return 4

    def batches(self, rng, size):
        yield batch()


@pytest.mark.slow
def test_interrupted_it_goes_on_to_the_same_head(tmp_path):
    def fit(folder, epochs):
        step = ImageStep(head(dropout=0.5), ImageLoss().resolved("image"), POWER, 4)
        schedule = Schedule(epochs, 4)
        return fitting.fit(step, Same(), None, schedule, 0, folder, stub.QUIET)[0]

    whole = fit(tmp_path / "whole", 4)
    fit(tmp_path / "parts", 2)
    state = tmp_path / "parts/state.json"
    state.write_text(state.read_text().replace('"finished": true', '"finished": false'))
    parts = fit(tmp_path / "parts", 4)
    for a, b in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("steps", "shares"), [(8, (1, 0.5, 0)), (0, (1, 1, 1))])
def test_the_rate_falls_as_half_a_cosine(steps, shares):
    settings = ImageLoss(learning_rate=0.01).resolved("image")
    step = ImageStep(head(), settings, POWER, steps)
    step.begin()
    found = [step.rate]
    for _ in range(2):
        for _ in range(4):
            step.learn(batch())
        found.append(step.rate)
    assert found == pytest.approx([0.01 * share for share in shares], abs=1e-7)


def test_a_high_power_of_small_scores_is_a_finite_loss():
    model = head()
    settings, high = ImageLoss().resolved("image"), Aggregation("power", 20.0)
    step = ImageStep(model, settings, high, 0)
    step.begin()
    given = batch()
    given.features[:] *= 50
    assert all(np.isfinite(step.learn(given)) for _ in range(4))
    assert all(np.isfinite(w).all() for w in model.get_weights())


@pytest.mark.parametrize(
    "kind",
    [
        Aggregation("power", 2.0),
        Aggregation("max", 0.0),
        Aggregation("top", 0.1),
        Aggregation("top", 0.33),
        Aggregation("lse", 5.0),
    ],
)
@pytest.mark.parametrize("windows", [1, 9, 100])
def test_the_loss_has_the_log_odds_of_the_same_score(kind, windows):
    tf = pytest.importorskip("tensorflow")
    y = np.random.default_rng(0).uniform(0.01, 0.99, (3, windows, 2)).astype("float32")
    found = image_loss.log_odds(tf.constant(y), kind).numpy()
    expected = [calibration.log_odds(kind(image)) for image in y]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_labelled_windows_add_their_weighted_loss():
    given, rng = batch(), np.random.default_rng(5)
    features = rng.normal(size=(6, 5)).astype(np.float32)
    ids, weights = np.array([0, 1, 2, 1, 0, 2], np.int16), rng.random(6)
    windows = Batch(features, ids, weights.astype(np.float32))
    both = PhotographBatch(given.features, given.targets, windows)
    model = head()
    scores = heads.score(heads.in_training(model), features)
    of_windows = -(np.log(scores[np.arange(6), ids]) * weights).mean()
    expected = by_hand(model, given) + 0.3 * of_windows
    settings = ImageLoss(learning_rate=0.01, window_loss=0.3).resolved("image")
    step = ImageStep(model, settings, POWER, 0)
    step.begin()
    assert step.learn(both) == pytest.approx(expected, rel=1e-4)


# === Heads without background ===


def test_a_head_without_background_starts_at_the_odds_it_is_given():
    model = heads.build(5, 2, hidden=[8], background=False)
    odds = np.array([-2.0, 1.0])
    heads.start_at(model, odds)
    nothing = np.zeros((1, 5), np.float32)
    (found,) = heads.score(heads.in_training(model), nothing)
    p = 1 / (1 + np.exp(-odds))
    np.testing.assert_allclose(found, [(1 - p).prod(), *p], rtol=1e-5)


def test_a_head_without_background_is_kept_and_read(tmp_path):
    model = heads.build(5, 2, hidden=[8], background=False)
    model.save(tmp_path / "head.keras")
    same = heads.load(tmp_path / "head.keras")
    assert not heads.has_background(same) and heads.has_background(head())
    given = batch().features[0]
    np.testing.assert_array_equal(
        *(heads.score(heads.in_training(one), given) for one in (model, same))
    )


def test_units_of_a_head_without_background_have_no_weight_towards_it():
    model = heads.build(5, 2, hidden=[8], background=False)
    _, weights = heads.hidden(model)
    assert weights.shape == (8, 3) and not weights[:, 0].any()
    np.testing.assert_array_equal(weights[:, 1:], model.get_layer("fcb").kernel)
