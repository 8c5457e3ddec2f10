import re
from pathlib import Path

import pytest
import yaml

from midlevel import errors
from midlevel.method import labels, windows
from midlevel.settings import config, sections


def save(folder, text, name="a.yaml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


# === Reading and writing ===


def test_the_defaults_are_those_of_the_paper_or_stated():
    settings = config.load()
    assert settings == config.Config()
    assert settings.windows.levels() == windows.PYRAMIDS["octaves"]
    assert settings.head.hidden == [2048]
    assert settings.labels.background_fraction == 0.1
    assert (settings.labels.min_of_window, settings.labels.min_of_box) == (
        labels.MIN_OF_WINDOW,
        labels.MIN_OF_BOX,
    )


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"data.classes": ["고양이", "chien", "no"], "seed": 7},
        {"windows.pyramid": [{"scale": 1.5, "sizes": [7, 5]}], "windows.overlap": 0},
        {"features.views": ["original", "colour:2"], "features.store": "/tmp/a b"},
        {"scores.k": 3.5, "training.learning_rate": 1e-5, "head.hidden": []},
    ],
)
def test_settings_written_as_yaml_are_read_back_the_same(tmp_path, settings):
    before = config.load(settings=settings)
    path = save(tmp_path, config.dump(before))
    assert config.load(path) == before
    assert config.dump(config.load(path)) == config.dump(before)


def test_every_setting_is_written():
    written = yaml.safe_load(config.dump(config.Config()))
    assert list(written) == list(config.Config.model_fields)
    assert written["training"]["epochs"] == config.Config().training.epochs


def test_the_command_line_goes_over_the_file_and_the_file_over_the_defaults(tmp_path):
    path = save(tmp_path, "training: {epochs: 3, batch: 8}\nseed: 1\n")
    settings = config.load(path, {"training.epochs": 4, "head.dropout": 0.25})
    assert (settings.training.epochs, settings.training.batch) == (4, 8)
    assert (settings.seed, settings.head.dropout) == (1, 0.25)
    assert settings.training.patience == sections.Training().patience


def test_an_empty_file_gives_the_defaults(tmp_path):
    assert config.load(save(tmp_path, "# nothing\n")) == config.Config()


def test_a_pyramid_may_be_written_out():
    settings = config.load(settings={"windows.pyramid": [{"scale": 2, "sizes": [7]}]})
    assert settings.windows.levels() == (windows.Level(2, (7,)),)


def test_settings_cannot_be_changed_afterwards():
    with pytest.raises(ValueError, match="frozen"):
        config.Config().training.epochs = 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("seed=3", ("seed", 3)),
        ("training.learning_rate=1e-3", ("training.learning_rate", "1e-3")),
        ("data.classes=[cat, dog]", ("data.classes", ["cat", "dog"])),
        ("backbone.weights=a=b.h5", ("backbone.weights", "a=b.h5")),
        ("features.store=", ("features.store", None)),
    ],
)
def test_a_setting_on_the_command_line_is_yaml(text, expected):
    assert config.parse_setting(text) == expected


def test_yaml_reads_some_numbers_as_text_and_they_count_as_numbers():
    key, value = config.parse_setting("training.learning_rate=1e-3")
    assert config.load(settings={key: value}).training.learning_rate == 0.001


# === Errors ===


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("training.epoch", r"^training\.epoch: .* Did you mean training\.epochs\?$"),
        ("epochs", r"^epochs: no such setting\. Did you mean training\.epochs\?$"),
        ("window.overlap", r"^window: no such setting\. Did you mean windows\?$"),
        ("head.epochs", r"^head\.epochs: .* Did you mean training\.epochs\?$"),
        ("zzz", r"^zzz: no such setting\. There are: data, windows, .*, seed\.$"),
        (
            "scores.zzz",
            r"^scores\.zzz: no such setting\. There are: aggregation, k, .*, mirror\.$",
        ),
    ],
)
def test_an_unknown_setting_suggests_what_was_meant(key, message):
    with pytest.raises(errors.MidlevelError, match=message):
        config.load(settings={key: 1})


FRACTION = "a number from 0 to 1"
WHOLE = "a whole number from 1"
SCALE = "a number above 0 and at most 16"
LEVELS = "text or a list of scale and sizes, at least one"
PYRAMIDS = "one of paper, octaves, single, fine, or a list of scale and sizes"
UNITS = "one of auto, pixels, shares, percent, thousandths"
VIEWS = (
    "one of original, mirror, colour, geometry, or such as colour:2 for another draw"
)
K = "auto or a number from 1 to 100"


@pytest.mark.parametrize(
    ("key", "value", "expected", "received"),
    [
        ("training.epochs", 0, WHOLE, "0."),
        ("training.epochs", "many", WHOLE, "many."),
        ("training.epochs", 2.5, WHOLE, "2.5."),
        ("training.optimizer", "adm", "one of adam, sgd", "adm. Did you mean adam?"),
        ("training.optimizer", "rmsprop", "one of adam, sgd", "rmsprop."),
        ("data.units", None, UNITS, "nothing."),
        ("data.units", "Pixel", UNITS, "Pixel. Did you mean pixels?"),
        ("engine", "gpu", "one of auto, openvino, tensorflow", "gpu."),
        ("windows.overlap", 1, "a number from 0 and below 1", "1."),
        ("windows.pyramid", "octave", PYRAMIDS, "octave. Did you mean octaves?"),
        ("windows.pyramid", [], LEVELS, "[]."),
        ("windows.pyramid", 5, LEVELS, "5."),
        ("features.views", ["mirrors"], VIEWS, "['mirrors']. Did you mean mirror?"),
        ("features.views", [], "a list of names, at least one", "[]."),
        ("data.classes", "cat", "a list of names", "cat."),
        ("data.merge", [], "names with lists of names", "[]."),
        ("data.strict", "maybe", "true or false", "maybe."),
        ("data.val_fraction", 0, "a number above 0 and below 1", "0."),
        ("labels.min_of_box", 1.1, FRACTION, "1.1."),
        ("scores.k", 0.5, K, "0.5."),
        ("scores.k", "aut", K, "aut. Did you mean auto?"),
        ("training", 3, "settings such as optimizer", "3."),
        ("data.train", 5, "text", "5."),
        ("seed", float("inf"), "a whole number from 0", "inf."),
        ("report", "a\nb", "true or false", "a b."),
    ],
)
def test_a_wrong_value_is_told_what_was_expected(key, value, expected, received):
    with pytest.raises(errors.MidlevelError) as caught:
        config.load(settings={key: value})
    assert str(caught.value) == f"{key}: expected {expected}. Received: {received}"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("data.classes", ["a", 3], ".1: expected text. Received: 3."),
        (
            "data.merge",
            {"pet": "cat"},
            ".pet: expected a list of names. Received: cat.",
        ),
        ("data.merge", {1: ["cat"]}, ".1: expected text. Received: 1."),
        ("head.hidden", [8, "a"], f".1: expected {WHOLE}. Received: a."),
        ("windows.pyramid", [3], ".0: expected scale and sizes. Received: 3."),
        (
            "windows.pyramid",
            [{"scale": 0, "sizes": [0]}],
            f".0.scale: expected {SCALE}. Received: 0. "
            f"windows.pyramid.0.sizes.0: expected {WHOLE}. Received: 0.",
        ),
        (
            "windows.pyramid",
            [{"sizes": [7]}],
            f".0.scale: is missing. Expected {SCALE}.",
        ),
    ],
)
def test_a_wrong_part_of_a_value_is_told_its_place(key, value, said):
    with pytest.raises(errors.MidlevelError) as caught:
        config.load(settings={key: value})
    assert str(caught.value) == f"{key}{said}"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"data.classes": ["a", "a"]}, "each name once. Received: "),
        ({"data.classes": []}, "at least one name"),
        ({"data.group_by": "("}, "must be a regular expression: .* Received: "),
        ({"backbone.name": "resnet5"}, "openvino. Received: .* Did you mean resnet50"),
        ({"windows.pyramid": [{"scale": 1, "size": [7]}]}, "size: no such setting"),
        ({"seed": 0, "seed.a": 1}, "^seed.a: seed is a value, not a section"),
    ],
)
def test_what_a_setting_says_itself_is_named(settings, message):
    with pytest.raises(errors.MidlevelError, match=message):
        config.load(settings=settings)


WRONG = [
    "",
    "?",
    -1,
    0.5,
    1e400,
    True,
    None,
    [],
    [[]],
    {},
    {"x": {}},
    [{"x": 1}],
    "9" * 5000,
]


@pytest.mark.parametrize("key", list(config.flat(config.Config())) + ["data", "head"])
def test_whatever_is_given_the_words_are_our_own(key):
    for value in WRONG:
        try:
            config.load(settings={key: value})
        except errors.MidlevelError as error:
            message = str(error)
            assert message.startswith(key) and message[-1] in ".?", message
            for wrong in ("Input", "should", "valid", "ictionary", "  ", "expected ."):
                assert wrong not in message, message
            assert ".;" not in message and len(message) < 400


def test_every_wrong_setting_is_named_at_once_with_the_file(tmp_path):
    path = save(tmp_path, "training: {epochs: 0}\nhead: {dropout: 2}\nsed: 1\n")
    with pytest.raises(errors.MidlevelError) as caught:
        config.load(path)
    assert str(caught.value) == (
        f"{path}: head.dropout: expected a number from 0 and below 1. Received: 2. "
        "training.epochs: expected a whole number from 1. Received: 0. "
        "sed: no such setting. Did you mean seed?"
    )


def test_a_value_that_would_fill_the_memory_is_shown_in_short(tmp_path):
    names = "abcdefghijklmnopqrstuvwxyz"
    lines = ["x0: &a [1, 1]"]
    for old, new in zip(names, names[1:], strict=False):
        lines.append(f"x{new}: &{new} [{', '.join(['*' + old] * 9)}]")
    path = save(tmp_path, "\n".join([*lines, "engine: *z"]))
    with pytest.raises(errors.MidlevelError, match="engine: expected one of auto, "):
        config.load(path)


@pytest.mark.parametrize("text", ["epochs", "=3", "", "--x"])
def test_set_without_a_key_and_a_value_is_refused(text):
    with pytest.raises(errors.MidlevelError, match=f"key=value. Received: {text}"):
        config.parse_setting(text)


def test_set_with_broken_yaml_is_refused():
    with pytest.raises(errors.MidlevelError, match=r"--set a\.b: .* YAML.*: \[cat"):
        config.parse_setting("a.b=[cat")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("training: [", r"a\.yaml: is not YAML: .* line 1"),
        ("- a\n- b\n", "expected sections such as `training:`"),
        ("just text", "expected sections"),
        ("x: !!python/object/apply:os.getcwd []", "is not YAML: .* constructor"),
    ],
)
def test_a_file_that_holds_no_sections_is_refused(tmp_path, text, message):
    with pytest.raises(errors.MidlevelError, match=message):
        config.load(save(tmp_path, text))


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(errors.MidlevelError, match=r"no\.yaml: cannot be read"):
        config.load(tmp_path / "no.yaml")
    (tmp_path / "b.yaml").write_bytes(b"seed: \xff\xfe")
    with pytest.raises(errors.MidlevelError, match=r"b\.yaml: cannot be read"):
        config.load(tmp_path / "b.yaml")


CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))


@pytest.mark.parametrize("file", CONFIGS, ids=lambda path: path.name)
def test_the_configs_that_come_along_are_good(file):
    assert config.load(file).data.classes


def test_the_papers_own_settings_are_good():
    """Those that configs/voc2007.yaml names for a machine with a GPU."""
    text = (CONFIGS[0].parent / "voc2007.yaml").read_text()
    settings = dict(map(config.parse_setting, re.findall(r"--set (\S+)", text)))
    assert settings["backbone.name"] == "vgg16_fc7" and len(settings) > 5
    config.load(CONFIGS[0].parent / "voc2007.yaml", settings)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("data.classes=cat,dog", ["cat", "dog"]),
        ("data.classes=cat", ["cat"]),
        ("data.classes=[cat, 'a,b']", ["cat", "a,b"]),
        ("head.hidden=64,32", [64, 32]),
        ("head.hidden=2048", [2048]),
        ("data.group_by=a,b", "a,b"),
        ("windows.pyramid=octaves", "octaves"),
    ],
)
def test_a_list_needs_no_brackets_in_a_shell(text, value):
    assert config.parse_setting(text)[1] == value
