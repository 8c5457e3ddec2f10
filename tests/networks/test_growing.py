import numpy as np
import pytest

from midlevel import errors
from midlevel.networks import engines, growing, heads, parts
from midlevel.networks.growing import NewUnits
from midlevel.networks.l2_scale import L2Scale
from midlevel.system import runtime

FEATURES = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
KINDS = ("none", "da", "wa", "dwa", "wwa")


def old_head(kind="wa", **settings):
    hidden = (8, 6) if kind == "wwa" else (8,)
    return heads.build(5, 2, hidden=hidden, seed=3, **settings)


def grown(head, kind, classes=3, scale=20.0, **settings):
    units = NewUnits(kind, 4, scale)
    return growing.grow(head, classes, units, seed=1, **settings)


def shapes(head):
    """Inputs and outputs of each dense layer, by name."""
    dense = runtime.load_keras().layers.Dense
    return {
        layer.name: layer.kernel.shape
        for layer in head.layers
        if isinstance(layer, dense)
    }


# === What stands where ===


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("none", {"fca": (5, 8), "fcb": (8, 4)}),
        ("da", {"fca": (5, 8), "fc7_deeper": (8, 4), "fcb": (4, 4)}),
        ("wa", {"fca": (5, 8), "fc7_wider": (5, 4), "fcb": (12, 4)}),
        (
            "dwa",
            {
                "fca": (5, 8),
                "fc7_wider": (5, 4),
                "fc7_deeper": (12, 4),
                "fcb": (4, 4),
            },
        ),
        (
            "wwa",
            {
                "fca": (5, 8),
                "fc6_wider": (5, 2),
                "fca2": (8, 6),  # the old one sees the old one alone
                "fc7_wider": (10, 4),
                "fcb": (10, 4),
            },
        ),
    ],
)
def test_new_units_stand_where_the_paper_has_them(kind, expected):
    assert shapes(grown(old_head(kind), kind)) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_hidden_layers_are_the_old_ones_and_the_classifier_is_not(kind):
    head = old_head(kind)
    new = grown(head, kind)
    for name in shapes(head):
        is_shared = new.get_layer(name) is head.get_layer(name)
        assert is_shared is (name != "fcb")


@pytest.mark.parametrize("scale", [20.0, 10.0, None])
def test_each_block_has_one_length_and_a_scale_for_each_unit(scale):
    head = old_head()
    new = grown(head, "wa", scale=scale)
    layers = [layer for layer in new.layers if isinstance(layer, L2Scale)]
    if scale is None:
        assert not layers
        return
    assert [layer.scales.shape for layer in layers] == [(8,), (4,)]
    read = runtime.load_keras().Model(new.input, new.get_layer("fcb").input)
    units = read(FEATURES).numpy()
    for block in (units[:, :8], units[:, 8:]):
        np.testing.assert_allclose(np.linalg.norm(block, axis=1), scale, rtol=1e-5)


def test_units_that_are_all_nought_stay_so_and_have_a_slope():
    import tensorflow as tf

    layer = L2Scale(20.0)
    units = tf.Variable(np.zeros((2, 3), np.float32))
    with tf.GradientTape() as tape:
        sum_ = tf.reduce_sum(layer(units))
    assert float(sum_) == 0
    assert np.isfinite(tape.gradient(sum_, units).numpy()).all()


def test_the_classifier_misses_as_many_units_as_the_old_one_in_training():
    new = grown(old_head(dropout=0.25), "dwa")
    dropout = runtime.load_keras().layers.Dropout
    added = [one for one in new.layers if isinstance(one, dropout)]
    assert [one.rate for one in added] == [0.25, 0.25]


@pytest.mark.parametrize("background", [True, False])
def test_a_grown_head_may_know_no_background(background):
    new = grown(old_head(), "wa", background=background)
    assert heads.has_background(new) is background


def test_a_seed_gives_the_same_new_units_and_layers_differ():
    one, same = (grown(old_head("wwa"), "wwa") for _ in range(2))
    for a, b in zip(one.get_weights(), same.get_weights(), strict=True):
        assert np.array_equal(a, b)
    other = growing.grow(old_head(), 3, NewUnits("wa", 8), seed=2)
    kernels = [other.get_layer(name).kernel.numpy() for name in ("fca", "fc7_wider")]
    assert not np.array_equal(*kernels)


# === What it says before it learns ===


@pytest.mark.parametrize("kind", KINDS)
def test_growing_leaves_the_old_scores_as_they_were(kind):
    head = old_head(kind)
    before = head(FEATURES).numpy()
    scores = grown(head, kind)(FEATURES).numpy()
    assert np.allclose(scores.sum(axis=1), 1)
    assert np.array_equal(head(FEATURES).numpy(), before)


@pytest.mark.parametrize(
    ("kind", "scale", "is_kept"),
    [
        ("none", 20.0, True),
        ("wa", None, True),
        ("wwa", None, True),
        ("wa", 20.0, False),
    ],
)
def test_with_the_old_classifier_on_old_units_it_gives_the_old_scores(
    kind, scale, is_kept
):
    head = old_head(kind)
    new = grown(head, kind, classes=2, scale=scale)
    kernel, bias = head.get_layer("fcb").get_weights()
    added = len(new.get_layer("fcb").get_weights()[0]) - len(kernel)
    new.get_layer("fcb").set_weights([np.pad(kernel, ((0, added), (0, 0))), bias])
    is_same = np.allclose(new(FEATURES), head(FEATURES), atol=1e-6)
    assert is_same is is_kept


# === Growing what has grown ===


@pytest.mark.parametrize("kind", ["none", "da", "wa", "dwa"])
def test_a_grown_head_grows_again(kind):
    once = grown(old_head(), "wa", suffix="_b")
    twice = grown(once, kind, suffix="_c")
    old = 12  # units that the classifier of the first growth reads
    reads = {"none": old, "da": 4, "wa": old + 4, "dwa": 4}[kind]
    assert twice.get_layer("fcb_c").kernel.shape == (reads, 4)
    assert np.allclose(twice(FEATURES).numpy().sum(axis=1), 1)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_a_head_without_hidden_layers_cannot_grow(kind):
    with pytest.raises(errors.MidlevelError, match=r"head\.hidden is empty"):
        grown(heads.build(5, 2, hidden=()), kind)


def test_two_layers_are_widened_only_where_there_are_two():
    with pytest.raises(errors.MidlevelError, match="needs a head with two hidden"):
        grown(old_head(), "wwa")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("none", [["fca"]]),
        ("da", [["fc7_deeper"], ["fca"]]),
        ("wa", [["fca", "fc7_wider"]]),
        ("dwa", [["fc7_deeper"], ["fca", "fc7_wider"]]),
        ("wwa", [["fca2", "fc7_wider"], ["fca", "fc6_wider"]]),
    ],
)
def test_hidden_layers_are_told_from_the_last_down(kind, expected):
    found = growing.hidden_layers(grown(old_head(kind), kind))
    assert [[layer.name for layer in level] for level in found] == expected


def test_a_head_without_hidden_layers_has_none():
    assert growing.hidden_layers(heads.build(5, 2, hidden=())) == []


# === Files and engines ===


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scale", [20.0, None])
def test_a_grown_head_is_kept_and_read_by_keras_and_by_openvino(tmp_path, kind, scale):
    new = grown(old_head(kind), kind, scale=scale)
    path, stored = tmp_path / "head.keras", tmp_path / "head.xml"
    heads.keep(path, stored, new)
    parts.check(path)
    expected = new(FEATURES).numpy()
    np.testing.assert_array_equal(heads.load(path)(FEATURES).numpy(), expected)
    network = heads.network(path, stored, engines.choose("openvino"))
    np.testing.assert_allclose(heads.score(network, FEATURES), expected, atol=1e-6)


def test_the_units_of_a_grown_head_are_all_that_its_classifier_reads():
    new = grown(old_head(), "wa")
    below, weights = heads.hidden(new)
    assert below(FEATURES).shape == (6, 12)
    assert weights.shape == (12, 4)
