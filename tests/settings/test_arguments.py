"""A wrong argument from Python is an error that says what was expected."""

import inspect

import numpy as np
import pytest

import midlevel
from midlevel import api, errors
from midlevel.settings import arguments

PUBLIC = [midlevel.train, midlevel.predict, midlevel.check, midlevel.evaluate]
PUBLIC += [midlevel.report, midlevel.explain, midlevel.windows, midlevel.units]
PUBLIC += [midlevel.export, midlevel.load_keras, midlevel.serve, midlevel.compare]


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("predict", {"source": 5}, "source: expected a path .* Received: 5"),
        ("predict", {"source": "a", "shard": 5}, r"shard: expected \(i, n\)"),
        ("predict", {"source": "a", "shard": (3, 2)}, "shard: .*from 0 to n - 1"),
        ("predict", {"source": "a", "format": "xlsx"}, "format: .*one of jsonl, csv"),
        ("predict", {"source": "a", "output": 5}, "output: expected the path"),
        ("check", {"data": None}, "data: expected the path"),
        ("check", {"data": "a", "settings": ["b=1"]}, "settings: expected a dict"),
        ("check", {"data": "a", "config": 5}, "config: expected a Config, or the path"),
        ("evaluate", {"data": 5}, "data: expected the path"),
        ("evaluate", {"split": 5}, "split: expected a text"),
        ("compare", {"runs": "a"}, "runs: expected a list of runs or their folders"),
        ("windows", {"source": ["a"]}, "source: expected the path"),
        ("windows", {"source": "a", "count": -1}, "count: expected a whole number"),
        ("units", {"of": "x"}, "of: expected one of head, backbone. Received: 'x'"),
        ("units", {"numbers": "a"}, "numbers: expected a list of whole numbers"),
        ("explain", {"source": "a", "classes": "cat"}, "classes: expected a list"),
        ("export", {"formats": "keras"}, "formats: expected a list of names"),
        ("export", {"image_size": 5}, r"image_size: expected \(width, height\)"),
        ("serve", {"port": "x"}, "port: expected a whole number"),
        ("train", {"data": 5}, "data: expected the path"),
        ("train", {"progress": print}, "progress: expected a Progress"),
    ],
)
def test_a_wrong_argument_is_told_before_any_work(name, given, expected):
    with pytest.raises(errors.MidlevelError, match=expected):
        getattr(api, name)(**given)


def test_what_fits_is_passed_on_as_it_is():
    @arguments.checked
    def export(model=None, output=None, *, formats=("keras",), image_size=None):
        return model, output, formats, image_size

    size = (np.int64(640), 480)
    assert export(1, "x", formats=["onnx"], image_size=size) == (1, "x", ["onnx"], size)
    assert export() == (None, None, ("keras",), None)


def test_every_rule_is_of_an_argument_that_there_is():
    names = {
        name
        for function in PUBLIC
        for key in inspect.signature(function).parameters
        for name in (key, f"{function.__name__}.{key}")
    }
    assert set(arguments.RULES) <= names
