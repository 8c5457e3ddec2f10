import json
import zipfile

import numpy as np
import pytest

from midlevel.networks import growing, heads, parts, tasks
from midlevel.system import runtime


@pytest.fixture(scope="module")
def keras():
    return runtime.load_keras()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "head.keras"


def names(path):
    """Module and class of every part of a file."""
    found = set()
    waiting = [json.loads(zipfile.ZipFile(path).read("config.json"))]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict) and "class_name" in item:
            found.add((item.get("module") or "", item["class_name"]))
        if isinstance(item, dict | list):
            waiting += item.values() if isinstance(item, dict) else item
    return found


def without_background_before(keras):
    """A head as versions wrote it that had operations behind the classifier."""
    head = heads.build(4, 2, [3])
    none = keras.ops.prod(1 - head.output, axis=-1, keepdims=True)
    scores = keras.ops.concatenate([none, head.output], axis=-1)
    return keras.Model(head.input, scores)


def test_the_table_names_what_heads_are_made_of_and_nothing_else(keras, path):
    falling = keras.optimizers.schedules.CosineDecay(0.1, 9)
    optimizers = [keras.optimizers.SGD(), *map(keras.optimizers.Adam, (0.1, falling))]
    used = set()
    kinds = ({}, {"normalise": "none"}, {"background": False})
    made = [heads.build(4, 2, [3], **kind) for kind in kinds]
    grown = growing.grow(made[0], 2, growing.NewUnits("wa", 3), suffix="2")
    joined = tasks.joined([made[0], grown])
    for head in (*made, joined, without_background_before(keras)):
        for optimizer in optimizers:
            head.compile(optimizer, "sparse_categorical_crossentropy")
            head.save(path)
            parts.check(path)
            used |= names(path)
    table = {(module, name) for module, some in parts.PARTS.items() for name in some}
    assert used == table


def test_a_head_of_before_without_background_gives_what_it_gave(keras, path):
    before = without_background_before(keras)
    before.save(path)
    found, features = heads.load(path), np.ones((3, 4), np.float32)
    assert np.array_equal(found(features), before(features))
    assert not heads.has_background(found)


def test_a_part_that_is_added_to_the_table_is_loaded(keras, path, monkeypatch):
    inputs = keras.Input((4,))
    keras.Model(inputs, keras.layers.LayerNormalization()(inputs)).save(path)
    with pytest.raises(ValueError, match="no head has, 'keras.layers.LayerNormal"):
        parts.check(path)
    more = (*parts.PARTS["keras.layers"], "LayerNormalization")
    monkeypatch.setitem(parts.PARTS, "keras.layers", more)
    monkeypatch.setitem(parts.PARTS, "keras.initializers", ("Zeros", "Ones"))
    assert heads.load(path).output_shape == (None, 4)


@pytest.mark.parametrize(
    ("part", "is_known"),
    [
        ({"module": "keras.layers", "class_name": "Dense"}, True),
        ({"module": "midlevel.networks.own", "class_name": "Own"}, True),
        ({"module": "keras.layers", "class_name": "Own"}, False),
        ({"module": "midlevel.networks.own", "class_name": "Dense"}, False),
        ({"module": ["keras.layers"], "class_name": "Dense"}, False),
        ({"class_name": "Dense"}, False),
        (
            {
                "module": "midlevel.networks.own",
                "class_name": "Own",
                "registered_name": "midlevel>Own",
            },
            True,
        ),
        (
            {
                "module": "keras.layers",
                "class_name": "Dense",
                "registered_name": "midlevel>Own",  # by which Keras would look first
            },
            False,
        ),
    ],
)
def test_a_part_goes_by_module_class_and_registered_name(
    path, monkeypatch, part, is_known
):
    monkeypatch.setitem(parts.PARTS, "midlevel.networks.own", ("Own",))
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", json.dumps({"layers": [part]}))
    if is_known:
        parts.check(path)
    else:
        with pytest.raises(ValueError, match="a part that no head has"):
            parts.check(path)
