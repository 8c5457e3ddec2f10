import json

import numpy as np
import pytest
import stub

from midlevel import errors
from midlevel.networks import engines, heads
from midlevel.settings import config
from midlevel.settings.sections import Training
from midlevel.system import runtime
from midlevel.training import fitting
from midlevel.training.batches import Batch
from midlevel.training.quota import Quota
from midlevel.training.steps import WindowStep


def recipe(optimizer, learning_rate, batch, epochs, patience):
    return Training(
        optimizer=optimizer,
        learning_rate=learning_rate,
        batch=batch,
        epochs=epochs,
        patience=patience,
    )


ADAM = recipe("adam", 0.01, 32, epochs=4, patience=9)


class Points:
    """Windows of three classes, told apart by their features; held in memory."""

    def __init__(self, count=150):
        rng = np.random.default_rng(0)
        self.ids = np.arange(count) % 3
        self.class_weights = np.array([1, 2, 0.5], np.float32)
        self._features = np.eye(3, 5)[self.ids] + rng.normal(0, 0.3, (count, 5))

    def __len__(self):
        return len(self.ids)

    def features(self, chosen):
        return self._features[chosen].astype(np.float32)

    def batches(self, rng, size):
        order = rng.permutation(len(self))
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            ids = self.ids[chosen]
            yield Batch(self.features(chosen), ids, self.class_weights[ids])


def scripted(maps):
    """Validation that gives these mAPs, epoch by epoch; an exception is raised."""
    left = iter(maps)

    def validate(head):
        value = next(left)
        if isinstance(value, BaseException):
            raise value
        return {"mAP": value, "k": 1.0}

    return validate


def fit(
    folder,
    maps=(0.1, 0.2, 0.3, 0.4),
    recipe=ADAM,
    seed=0,
    windows=None,
    make=WindowStep,
):
    step = make(heads.build(5, 2, hidden=[8], dropout=0.5, seed=seed), recipe)
    windows, schedule = windows or Points(), schedule_of(recipe)
    validate = scripted(maps)
    return fitting.fit(step, windows, validate, schedule, seed, folder, stub.QUIET)


def schedule_of(recipe):
    is_sgd = recipe.optimizer == "sgd"
    return fitting.Schedule(recipe.epochs, recipe.batch, recipe.patience, is_sgd)


def score(head, features):
    return heads.score(heads.in_training(head), features)


def weights(head):
    return np.concatenate([w.ravel() for w in head.get_weights()])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Four epochs without a break."""
    return fit(tmp_path_factory.mktemp("whole"))


def test_the_same_seed_gives_the_same_weights(whole, tmp_path):
    np.testing.assert_array_equal(weights(fit(tmp_path)[0]), weights(whole[0]))


@pytest.mark.slow
def test_another_seed_gives_other_weights(whole, tmp_path):
    assert np.abs(weights(fit(tmp_path, seed=1)[0]) - weights(whole[0])).max() > 0.01


@pytest.mark.parametrize(
    "optimizer", ["adam", pytest.param("sgd", marks=pytest.mark.slow)]
)
def test_an_interrupted_fit_goes_on_as_if_nothing_had_happened(tmp_path, optimizer):
    chosen = recipe(optimizer, 0.01, 32, epochs=4, patience=9)
    straight, expected = fit(tmp_path / "straight", recipe=chosen)
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "broken", [0.1, KeyboardInterrupt()], chosen)
    assert fitting.read_state(tmp_path / "broken").epoch == 1
    head, state = fit(tmp_path / "broken", [0.2, 0.3, 0.4], chosen)
    np.testing.assert_array_equal(weights(head), weights(straight))
    assert state == expected


@pytest.mark.slow
def test_a_break_within_an_epoch_repeats_that_epoch(whole, tmp_path):
    class Breaking(Points):
        steps = 0

        def features(self, chosen):
            self.steps += 1
            if self.steps == 8:  # five steps an epoch
                raise KeyboardInterrupt
            return super().features(chosen)

    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path, windows=Breaking())
    assert fitting.read_state(tmp_path).epoch == 1
    head, state = fit(tmp_path, [0.2, 0.3, 0.4])
    np.testing.assert_array_equal(weights(head), weights(whole[0]))
    assert state == whole[1]


@pytest.mark.slow
def test_a_finished_fit_gives_its_head_again_without_work(tmp_path):
    head, state = fit(tmp_path)
    again, same = fit(tmp_path, maps=[])
    assert same == state and state.finished
    np.testing.assert_array_equal(weights(again), weights(head))


def test_fitting_stops_without_gain_and_keeps_the_best_epoch(tmp_path):
    seen = []

    def validate(_):
        seen.append(weights(head))
        return {"mAP": [0.1, 0.5, 0.4, 0.50005, 0.9][len(seen) - 1], "k": 2.0}

    chosen = recipe("adam", 0.01, 32, epochs=9, patience=2)
    head = heads.build(5, 2, hidden=[8])
    step = WindowStep(head, chosen)
    head, state = fitting.fit(
        step, Points(), validate, schedule_of(chosen), 0, tmp_path, stub.QUIET
    )
    assert (state.epoch, state.best_epoch, state.best_mAP) == (4, 2, 0.5)
    np.testing.assert_array_equal(weights(head), seen[1])
    assert [row["mAP"] for row in state.history] == [0.1, 0.5, 0.4, 0.50005]


def test_only_the_best_and_the_last_head_stay_on_disk(tmp_path):
    fit(tmp_path, [0.3, 0.5, 0.4, 0.45])
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["epoch-002.keras", "epoch-004.keras", "state.json"]


def test_sgd_divides_its_rate_by_ten_at_plateaus_and_stops_at_the_third(
    tmp_path, monkeypatch
):
    losses = iter([2.0, 1.5, 1.495, 1.2, 1.3, 1.299, 1.0])
    monkeypatch.setattr(fitting, "_epoch", lambda *args: next(losses))
    chosen = recipe("sgd", 0.01, 128, epochs=99, patience=99)
    _, state = fit(tmp_path, [0.1] * 9, chosen)
    rates = [row["learning_rate"] for row in state.history]
    np.testing.assert_allclose(rates, [1e-2, 1e-2, 1e-2, 1e-3, 1e-3, 1e-4], rtol=1e-5)
    assert state.drops == 3 and state.finished


def test_the_rate_goes_on_where_it_was_after_a_break(tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "PLATEAU", 1.0)  # every epoch but the first is one
    chosen = recipe("sgd", 0.01, 128, epochs=99, patience=99)
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path, [0.1, 0.1, KeyboardInterrupt()], chosen)
    _, state = fit(tmp_path, [0.1] * 9, chosen)
    rates = [row["learning_rate"] for row in state.history]
    np.testing.assert_allclose(rates, [1e-2, 1e-2, 1e-3, 1e-4], rtol=1e-5)


def test_the_loss_of_an_epoch_is_the_weighted_mean_over_all_windows(tmp_path):
    chosen = recipe("sgd", 1e-12, 64, epochs=1, patience=1)  # too slow to learn
    head, windows = heads.build(5, 2, hidden=[], seed=3), Points(150)
    scores = score(head, windows.features(np.arange(150)))
    of_each = -np.log(scores[np.arange(150), windows.ids])
    expected = (of_each * windows.class_weights[windows.ids]).mean()
    step = WindowStep(head, chosen)
    _, state = fitting.fit(
        step, windows, scripted([0.1]), schedule_of(chosen), 0, tmp_path, stub.QUIET
    )
    assert state.history[0]["loss"] == pytest.approx(expected, rel=1e-4)


def test_fitting_learns(tmp_path):
    chosen = recipe("adam", 0.03, 32, epochs=9, patience=9)
    head, state = fit(tmp_path, np.linspace(0.1, 0.9, 9), chosen)
    windows = Points()
    found = score(head, windows.features(np.arange(150))).argmax(axis=1)
    assert (found == windows.ids).mean() > 0.9
    assert state.history[-1]["loss"] < state.history[0]["loss"] / 2


def test_settings_left_open_hang_on_the_optimizer():
    settings = config.load(settings={"training.optimizer": "sgd"}).training
    assert settings.resolved() == recipe("sgd", 0.01, 128, 60, 3)
    settings = config.load(
        settings={"training.batch": 7, "training.epochs": 2}
    ).training
    assert settings.resolved() == recipe("adam", 3e-4, 7, 2, 3)


def test_the_state_on_disk_is_readable_json(tmp_path):
    _, state = fit(tmp_path)
    assert json.loads((tmp_path / "state.json").read_text())["history"] == state.history


# === A loss that is lost ===


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_loss_that_is_not_finite_stops_and_says_what_to_do(tmp_path, optimizer):
    chosen = recipe(optimizer, 1e30, 32, epochs=4, patience=9)
    with pytest.raises(errors.MidlevelError) as caught:
        fit(tmp_path, recipe=chosen)
    assert "Epoch 1: expected a loss that is a finite number" in str(caught.value)
    assert "Lower training.learning_rate" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_an_epoch_whose_loss_is_lost_is_not_kept(tmp_path):
    class Spoilt(Points):
        begun = 0

        def batches(self, rng, size):
            self.begun += 1
            for batch in super().batches(rng, size):
                if self.begun == 2:
                    batch.weights[0] = np.inf
                yield batch

    with pytest.raises(errors.MidlevelError, match="Epoch 2: expected a loss"):
        fit(tmp_path, windows=Spoilt())
    state = fitting.read_state(tmp_path)
    assert state.epoch == 1 and not state.finished


# === Other losses, batches and rates ===


class Squared(WindowStep):
    """Squared error of scores, on batches without weights."""

    def begin(self):
        self.model.compile(self.optimizer(), "mean_squared_error")

    def learn(self, batch):
        features, wanted = batch[0]["features"], batch[0]["wanted"]
        self.model.reset_metrics()
        return float(self.model.train_on_batch(features, wanted))


class Wanted(Points):
    """Batches of a kind that only `Squared` knows."""

    class Batch(list):
        def __len__(self):
            return len(self[0]["wanted"])

    def batches(self, rng, size):
        for batch in super().batches(rng, size):
            wanted = np.eye(3)[batch.ids]
            yield self.Batch([{"features": batch.features, "wanted": wanted}])


def test_another_loss_on_other_batches_needs_no_other_loop(tmp_path):
    chosen = recipe("sgd", 1e-12, 64, epochs=1, patience=1)  # too slow to learn
    head, points = heads.build(5, 2, hidden=[], seed=3), Points()
    scores = score(head, points.features(np.arange(150)))
    validate, step = scripted([0.1]), Squared(head, chosen)
    schedule = schedule_of(chosen)
    _, state = fitting.fit(step, Wanted(), validate, schedule, 0, tmp_path, stub.QUIET)
    expected = ((np.eye(3)[points.ids] - scores) ** 2).mean()
    assert state.history[0]["loss"] == pytest.approx(expected, rel=1e-4)


def test_without_validation_every_epoch_is_made_and_the_last_head_kept(tmp_path):
    step = WindowStep(heads.build(5, 2, hidden=[8]), ADAM)
    schedule = fitting.Schedule(3, 32)
    head, state = fitting.fit(step, Points(), None, schedule, 0, tmp_path, stub.QUIET)
    assert (state.epoch, state.best_epoch) == (3, 3)
    assert set(state.history[0]) == {"epoch", "loss", "learning_rate"}
    np.testing.assert_array_equal(weights(head), weights(step.model))


@pytest.mark.slow
def test_windows_drawn_by_quota_are_learned_from(tmp_path):
    points = Points()
    quota = Quota(points.features(np.arange(150)), points.ids, share=2 / 3)
    chosen = recipe("adam", 0.03, 32, epochs=9, patience=9)
    head, _ = fit(tmp_path, np.linspace(0.1, 0.9, 9), chosen, windows=quota)
    found = score(head, points.features(np.arange(150))).argmax(axis=1)
    assert (found == points.ids).mean() > 0.8


def slow_below(keras):
    """SGD that learns ten times slower below the last layer."""

    class SlowBelow(keras.optimizers.SGD):
        def update_step(self, gradient, variable, learning_rate):
            is_new = self._get_variable_index(variable) >= 2  # the first layer's two
            slow = 1.0 if is_new else 0.1
            super().update_step(gradient, variable, learning_rate * slow)

    return SlowBelow


class TwoRates(WindowStep):
    """New layers learn ten times as fast as those below (Wang et al., CVPR 2017)."""

    def optimizer(self):
        optimizer = slow_below(runtime.load_keras())
        return optimizer(self.settings.learning_rate, momentum=0.9)

    def load(self, path):
        keras = runtime.load_keras()
        known = {"SlowBelow": slow_below(keras)}
        self.model = keras.saving.load_model(path, known)

    def trained(self, path):
        return runtime.load_keras().saving.load_model(path, compile=False)


class OneRate(TwoRates):
    def optimizer(self):
        keras = runtime.load_keras()
        return keras.optimizers.SGD(self.settings.learning_rate, momentum=0.9)


def test_layers_may_learn_at_two_rates(tmp_path):
    chosen = recipe("sgd", 0.01, 150, epochs=1, patience=9)  # one step
    start = heads.build(5, 2, hidden=[8], dropout=0.5, seed=0).get_weights()
    moved = []
    for make in (OneRate, TwoRates):
        head, _ = fit(tmp_path / make.__name__, [0.1], chosen, make=make)
        pairs = zip(head.get_weights(), start, strict=True)
        moved.append([after - before for after, before in pairs])
    for below in (0, 1):  # kernel and bias
        assert np.abs(moved[0][below]).max() > 1e-3
        np.testing.assert_allclose(moved[1][below], moved[0][below] / 10, atol=1e-7)
    for last in (2, 3):
        np.testing.assert_allclose(moved[1][last], moved[0][last], atol=1e-7)


@pytest.mark.slow
def test_two_rates_are_lowered_and_gone_on_with_too(tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "PLATEAU", 1.0)  # every epoch but the first is one
    chosen = recipe("sgd", 0.01, 32, epochs=3, patience=9)
    maps = [0.1, 0.2, 0.3]
    straight, expected = fit(tmp_path / "straight", maps, chosen, make=TwoRates)
    broken = tmp_path / "broken"
    with pytest.raises(KeyboardInterrupt):
        fit(broken, [0.1, KeyboardInterrupt()], chosen, make=TwoRates)
    head, state = fit(broken, maps[1:], chosen, make=TwoRates)
    np.testing.assert_array_equal(weights(head), weights(straight))
    assert state == expected
    rates = [row["learning_rate"] for row in state.history]
    np.testing.assert_allclose(rates, [1e-2, 1e-2, 1e-3], rtol=1e-5)


# === Heads ===


def test_scores_of_a_head_sum_to_one_and_the_background_is_a_column():
    head = heads.build(5, 3, hidden=[7, 6])
    found = score(head, np.random.default_rng(0).normal(size=(9, 5)))
    assert found.shape == (9, 4) and found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


def test_many_windows_are_scored_in_parts(monkeypatch):
    scorer = heads.in_training(heads.build(5, 2))
    features = np.random.default_rng(0).normal(size=(25, 5))
    whole = heads.score(scorer, features)
    monkeypatch.setattr(heads, "SCORED_AT_ONCE", 10)
    np.testing.assert_allclose(heads.score(scorer, features), whole, atol=1e-6)
    assert heads.score(scorer, features[:0]).shape == (0, 3)


def test_a_head_in_training_is_scored_with_the_weights_it_has_now():
    head, features = heads.build(5, 2), np.eye(5)
    scorer = heads.in_training(head)
    before = heads.score(scorer, features)
    head.set_weights([-3 * w for w in head.get_weights()])
    after = heads.score(scorer, features)
    assert np.abs(after - before).max() > 0.01
    np.testing.assert_allclose(after, head(features, training=False), atol=1e-6)


def test_a_kept_head_scores_alike_on_every_engine(tmp_path):
    head, features = heads.build(5, 2, hidden=[8]), Points().features(np.arange(150))
    places = tmp_path / "head.keras", tmp_path / "head.xml"
    heads.keep(*places, head)
    assert all(place.exists() for place in places)
    for name in ("openvino", "tensorflow"):
        found = heads.score(heads.network(*places, engines.Engine(name)), features)
        np.testing.assert_allclose(found, score(head, features), atol=1e-6)


def test_a_run_without_a_stored_head_is_scored_from_the_keras_file(tmp_path):
    head, path = heads.build(5, 2, hidden=[8]), tmp_path / "head.keras"
    head.save(path)
    network = heads.network(path, tmp_path / "head.xml", engines.Engine("openvino"))
    np.testing.assert_allclose(
        heads.score(network, np.eye(5)), score(head, np.eye(5)), atol=1e-6
    )


def test_a_head_comes_back_from_its_file(tmp_path):
    head = heads.build(5, 2, hidden=[8])
    head.save(tmp_path / "head.keras")
    loaded = heads.load(tmp_path / "head.keras")
    np.testing.assert_array_equal(weights(loaded), weights(head))


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 cut off"])
def test_a_file_that_holds_no_head_is_refused_by_name(tmp_path, content):
    path = tmp_path / "head.keras"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(errors.MidlevelError, match="head.keras: cannot be read as"):
        heads.load(path)
