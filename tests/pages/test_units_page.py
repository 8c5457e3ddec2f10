import re

import numpy as np
import pytest
import stub
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

import midlevel
from midlevel import errors
from midlevel.commands.cli import cli
from midlevel.features import store
from midlevel.images import pixels
from midlevel.networks import heads
from midlevel.pages.units import excitement, units_page


@pytest.fixture(scope="module")
def model(trained):
    return midlevel.load(trained.folder)


@pytest.fixture(scope="module")
def made(model, tmp_path_factory):
    return make(model, tmp_path_factory.mktemp("units"), count=3)


def make(model, place, output="out", progress=stub.QUIET, **asked):
    return units_page.make(
        model, units_page.Asked(**asked), place / output, progress
    ).read_text(encoding="utf-8")


# === The strongest windows ===

photographs = st.lists(
    st.integers(1, 6).flatmap(
        lambda n: st_numpy.arrays(np.float32, (n, 3), elements=st.integers(0, 9))
    ),
    max_size=8,
)


@given(photographs, st.integers(1, 4))
def test_the_strongest_windows_are_those_of_a_sorted_list(arrays, count):
    found = excitement.Strongest(3, 1, count)
    for rows in arrays:
        found.take(rows, np.zeros(len(rows), int))
    for unit in range(3):
        tops = [(-rows[:, unit].max(), i) for i, rows in enumerate(arrays)]
        expected = sorted(tops)[:count]
        values, numbers = found.values[:, unit], found.photographs[:, unit]
        assert (-values[: len(expected)]).tolist() == [top for top, _ in expected]
        assert numbers[: len(expected)].tolist() == [i for _, i in expected]
        assert np.isinf(values[len(expected) :]).all()
        for rank, (top, number) in enumerate(expected):
            window = found.windows[rank, unit]
            assert arrays[number][window, unit] == -top


@given(photographs)
def test_variance_and_means_are_those_of_all_windows(arrays):
    found = excitement.Strongest(3, 1)
    for number, rows in enumerate(arrays):
        found.take(rows, np.full(len(rows), number % 2))
    for i in range(2):
        of_class = arrays[i::2] and np.vstack(arrays[i::2])
        of_class = of_class if len(of_class) else np.vstack([*arrays, np.zeros((0, 3))])
        expected = of_class.mean(axis=0) if len(of_class) else np.zeros(3)
        np.testing.assert_allclose(found.means[i], expected, rtol=1e-5)
    if arrays:
        everything = np.vstack(arrays)
        np.testing.assert_allclose(found.variance, everything.var(axis=0), atol=1e-4)


def test_units_are_chosen_by_what_they_add():
    weights = np.array([[0, 9.0, 0], [0, 1, 0], [0, 0, 2], [0, 0, -1]])
    means = np.array([[1.0] * 4, [0, 1, 0, 1], [1, 1, 1, 1]])
    assert excitement.heaviest(weights, means, ["cat", "dog"]) == {1: "cat", 2: "dog"}


def test_a_unit_leans_towards_and_against():
    found = excitement.leaning(
        np.array([0.5, -1.0, 2.0, 0.0]), ("background", *"abc"), 1
    )
    assert (found.towards, found.against) == ([("b", 2.0)], [("a", -1.0)])


# === The head's units ===


def test_activations_and_weights_give_the_heads_scores(model, trained, rng_features):
    head = heads.load(trained.head_file)
    activations, weights = heads.hidden(head)
    bias = head.get_layer("fcb").get_weights()[1]
    logits = activations(rng_features) @ weights + bias
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        heads.score(model.head, rng_features), expected, atol=1e-5
    )
    assert weights.shape == (16, 4) and activations(rng_features).min() >= 0


@pytest.fixture
def rng_features():
    return np.random.default_rng(0).random((20, 6), np.float32)


@pytest.mark.tf
def test_a_head_without_a_hidden_layer_says_what_to_look_at_instead():
    with pytest.raises(errors.MidlevelError, match="--of backbone"):
        heads.hidden(heads.build(6, 2, hidden=()))


# === Pages ===


def test_a_page_has_units_for_every_class(made, model):
    assert re.search(r"of the 16\s+units of the last hidden layer", made)
    for name in model.classes:
        assert f"<small>adds to {name}</small>" in made
    assert made.count("<section>") == made.count("data:image/jpeg") > 3
    assert "5 photographs of split val" in " ".join(made.split())
    assert "http" not in made


@pytest.mark.parametrize(("of", "count"), [("head", 16), ("backbone", 6)])
def test_sheets_are_of_the_windows_that_excite_most(
    model, toy_voc, tmp_path, monkeypatch, of, count
):
    cut, original = [], pixels.cut
    monkeypatch.setattr(
        pixels, "cut", lambda *a, **k: cut.append(a[1].tolist()) or original(*a, **k)
    )
    text = make(model, tmp_path, of=of, numbers=range(count), count=2)
    best = [[] for _ in range(count)]
    for path in sorted((toy_voc / "JPEGImages").glob("val_*.jpg")):
        photograph = model.extractor.read(path)
        values = model.extractor.many([photograph])[0].windows.astype(np.float16)
        values = values.astype(np.float32)
        if of == "head":
            values = heads.hidden(heads.load(model.run.head_file))[0](values)
        boxes = model.extractor.plan(photograph.size_wh).boxes.tolist()
        for unit, column in enumerate(values.T):
            best[unit].append((-column.max(), boxes[column.argmax()]))
    tops = [sorted(rows)[:2] for rows in best]
    expected = [box for rows in tops for value, box in rows if value < 0]
    assert sorted(cut) == sorted(expected)
    sheets = {path.name for path in (tmp_path / "out").glob("*.png")}
    alive = [unit for unit, rows in enumerate(tops) if rows[0][0] < 0]
    assert sheets == {f"{of}-{unit:04}.png" for unit in alive}
    dead = text.count("No window of these photographs excites it")
    assert dead == count - len(alive)


def test_channels_are_chosen_by_variance(model, tmp_path):
    text = make(model, tmp_path, of="backbone")
    assert text.count("varies much") == 6
    assert "Weights:" not in text


def test_only_the_store_is_read_in_order(model, tmp_path, monkeypatch):
    keys, load = [], store.FeatureStore.load
    monkeypatch.setattr(
        store.FeatureStore,
        "load",
        lambda self, key: keys.append(key) or load(self, key),
    )
    make(model, tmp_path, numbers=(0, 1, 2))
    assert len(keys) == len(set(keys)) == 5


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({"numbers": (16,)}, "no unit 16 in the head: expected numbers from 0 to 15"),
        ({"numbers": (-1,)}, "no unit -1"),
        ({"numbers": (1,) * 201}, "201 units are too many for a page"),
        ({"split": "night"}, "'night'"),
    ],
)
def test_what_cannot_be_shown_is_said(model, tmp_path, asked, text):
    with pytest.raises(errors.MidlevelError, match=text):
        make(model, tmp_path, **asked)
    assert not (tmp_path / "out").exists()


def test_the_command_prints_the_page(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["units", "--model", str(trained.folder), "--of", "backbone"]
    done = CliRunner().invoke(cli, [*arguments, "--unit", "1", "--count", "2", "-q"])
    assert done.exit_code == 0, done.output
    assert re.fullmatch(r"runs/units/[\d-]+/index.html\n", done.stdout)
