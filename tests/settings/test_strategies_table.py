import pytest
import yaml

from midlevel import errors
from midlevel.settings import config, strategies
from midlevel.settings.geometry import geometry_of

LINEAR = {"head.hidden": [], "image_loss.epochs": 0}
EXPANDED = {
    "auto": {},
    "head": {},
    "linear": LINEAR,
    "early": {"backbone.map": "stride16", **LINEAR},
    "tail": {"tail.cut": "before_last"},
    "all": {"tail.cut": "input", "tail.learning_rate": 1e-5},
    "scratch": {
        "backbone.weights": "none",
        "tail.cut": "input",
        "tail.learning_rate": 1e-3,
        "tail.head_factor": 1.0,
        "tail.steps": 3000,
        "tail.batch_norm": "learns",
    },
}


def changed(settings):
    """What differs from the defaults, but for the strategy's name."""
    usual = config.flat(config.Config())
    found = config.flat(config.load(settings=settings))
    return {k: v for k, v in found.items() if v != usual[k] and k != "strategy"}


@pytest.mark.parametrize("name", EXPANDED)
def test_a_strategy_fills_in_what_is_left_open(name):
    assert changed({"strategy": name}) == EXPANDED[name]


def test_every_row_says_what_it_is_for_and_who_says_so():
    assert set(strategies.STRATEGIES) == set(EXPANDED) - {"auto"}
    for row in strategies.ROWS:
        assert row.line and row.scenario and row.source


@pytest.mark.parametrize("name", EXPANDED)
def test_settings_that_were_filled_in_are_read_back_the_same(name, tmp_path):
    before = config.load(settings={"strategy": name})
    path = tmp_path / "config.yaml"
    path.write_text(config.dump(before))
    assert config.load(path) == before
    assert config.load(before) == before


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "head"),
        ({"tail.cut": "block6"}, "tail"),
        ({"tail.cut": "input"}, "all"),
        ({"tail.cut": "input", "backbone.weights": "none"}, "scratch"),
    ],
)
def test_without_a_strategy_the_cut_says_which(settings, name):
    found = config.load(settings=settings)
    assert (found.strategy, found.way.name) == ("auto", name)


def test_what_is_given_is_kept():
    given = {"tail.cut": "block6", "tail.learning_rate": 1e-4}
    assert changed({"strategy": "tail", **given}) == given
    given = {"strategy": "all", "tail.learning_rate": 3e-5}  # tail's own default
    assert config.load(settings=given).tail.learning_rate == 3e-5
    assert config.load(config.load(settings=given)).tail.learning_rate == 3e-5
    early = {"strategy": "early", "backbone.map": "block6"}
    assert config.load(settings=early).backbone.map == "block6"


def test_a_file_of_all_settings_can_have_another_strategy(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(config.dump(config.Config()))
    for name in EXPANDED:
        found = config.load(path, {"strategy": name})
        assert found.way.name == ("head" if name == "auto" else name)
        assert found.tail.cut == EXPANDED[name].get("tail.cut", "none")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strategy": "head", "tail.cut": "block6"}, "strategy=head.*tail.cut=none"),
        ({"strategy": "linear", "tail.cut": "block6"}, "needs tail.cut=none"),
        ({"strategy": "linear", "head.hidden": [512]}, r"needs head.hidden=\[\]"),
        ({"strategy": "early", "image_loss.epochs": 9}, "needs image_loss.epochs=0"),
        ({"strategy": "tail", "tail.cut": "input"}, "cannot have that"),
        ({"strategy": "all", "backbone.weights": "none"}, "cannot have that"),
        ({"strategy": "scratch", "backbone.weights": "a.h5"}, "weights=none"),
        ({"strategy": "tial"}, "Did you mean tail?"),
        ({"strategy": ["tail"]}, "expected one of auto, head"),
        ({"strategy": "tail", "tail": 3}, "tail: expected"),
        ({"strategy": "early", "backbone.name": "convnext_tiny"}, "expected last"),
        ({"backbone.map": "stride8"}, "before_last.*Did you mean stride16?"),
        ({"backbone.map": "stride16", "tail.cut": "block6"}, "needs the last map"),
        ({"linear.c": 0}, "above 0"),
    ],
)
def test_contradictions_are_told_in_a_line(settings, message):
    with pytest.raises(errors.MidlevelError, match=message) as told:
        config.load(settings=settings)
    assert "\n" not in str(told.value)


def test_windows_are_as_large_on_an_earlier_map():
    last, early = (
        geometry_of(config.load(settings={"backbone.map": name}))
        for name in ("last", "stride16")
    )
    assert (last.stride, early.stride) == (32, 16)
    for level, finer in zip(last.levels, early.levels, strict=True):
        assert finer.scale == level.scale
        assert finer.sizes == tuple(2 * size for size in level.sizes)


def test_a_pyramid_that_is_written_out_is_in_cells_of_its_map():
    pyramid = [{"scale": 1.0, "sizes": [7]}]
    settings = {"windows.pyramid": pyramid, "backbone.map": "stride16"}
    assert geometry_of(config.load(settings=settings)).levels[0].sizes == (7,)


def test_a_run_from_before_strategies_means_what_it_did():
    tree = yaml.safe_load(config.dump(config.load(settings={"tail.cut": "block6"})))
    for name in ("strategy", "linear"):
        del tree[name]
    del tree["tail"]["batch_norm"], tree["backbone"]["map"]
    found = config.Config.model_validate(tree)
    assert found.way.name == "tail" and found.tail.learning_rate == 3e-5
