"""docs/data.md says what the code does."""

import re
import shlex
from pathlib import Path

import formats
import pytest

from midlevel import datasets
from midlevel.commands.cli import cli
from midlevel.features import preparation
from midlevel.images import decoding
from midlevel.images.names import SUFFIXES
from midlevel.settings import config

PAGE = Path(__file__).parents[2] / "docs" / "data.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*) ?(\S*)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
FORMATS = {  # of examples not named for theirs
    **{"labels": "csv", "flags": "csv", "partial": "csv"},
    **{"openimages": "csv", "lvis": "coco"},
}
PARTIAL = (
    "lvis",
    "openimages",
    "partial",
)  # of c.jpg nobody says whether it shows dogs


def examples() -> set[str]:
    return {path.partition("/")[0] for _, path, _ in BLOCKS if path} | {"folders"}


def rows_of(head: str) -> list[str]:
    """Lines of the table with this head."""
    return TEXT.partition(f"\n{head}\n|---|---|\n")[2].partition("\n\n")[0].split("\n")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The page's files, and the photographs that it lists."""
    place = tmp_path_factory.mktemp("page")
    for kind, path, text in BLOCKS:
        if path:
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text, encoding="utf-8")
        elif kind == "text":
            names = [n for n in text.split() if Path(n).suffix in SUFFIXES]
            formats.photographs(place, *names, size_wh=(500, 375))
    for name in ("labels", "flags", "partial"):
        names = ["a.jpg", "b.jpg", "c.jpg"][: 3 if name in PARTIAL else 2]
        formats.photographs(place / name, *names, size_wh=(500, 375))
    return place


def test_the_page_has_an_example_of_every_format():
    assert {FORMATS.get(name, name) for name in examples()} == set(datasets.FORMATS)


@pytest.mark.parametrize("name", sorted(examples()))
def test_an_example_is_read_as_the_page_says(written, name):
    listed = [
        path
        for kind, path, text in BLOCKS
        if kind == "text" and not path
        for path in text.split()
        if path.startswith(f"{name}/")
    ]
    assert all((written / path).is_file() for path in listed)
    found = datasets.read(written / name)
    assert (found.format, found.problems) == (FORMATS.get(name, name), ())
    assert found.classes == ("cat", "dog") and list(found.splits) == ["train"]
    by_name = {row.path.stem: row for row in found.split("train")}
    shown = {
        stem: {found.classes[i - 1] for i in (*row.classes, *row.unboxed)}
        for stem, row in by_name.items()
    }
    assert shown["b"] == set()
    assert shown["a"] | shown.get("c", set()) == {"cat", "dog"}


@pytest.mark.parametrize("name", PARTIAL)
def test_of_the_third_photograph_one_class_is_not_said(written, name):
    a, b, c = datasets.read(written / name).split("train")
    targets = [row.targets(2).tolist() for row in (a, b, c)]
    assert targets == [[1, 1], [0, 0], [1, -1]]


@pytest.mark.parametrize("name", ["voc", "coco", "yolo", "csv", "lvis", "openimages"])
def test_the_boxes_of_each_example_are_the_same(written, name):
    found = preparation.mending.fit(
        datasets.read(written / name).split("train")[0], (500, 375)
    )
    boxes = found[0].boxes.round(2).tolist()
    assert boxes == [[10, 20, 210, 220], [250, 100, 450, 300]] and not found[1]


def test_the_commands_and_settings_of_the_page_are_there():
    commands = [
        line.removeprefix("$ midlevel ")
        for kind, _, text in BLOCKS
        if not kind
        for line in text.splitlines()
    ]
    assert len(commands) >= 9
    for command in commands:
        name, *arguments = shlex.split(command)
        context = cli.commands[name].make_context(name, arguments)
        config.load(None, dict(map(config.parse_setting, context.params["settings"])))


def test_every_key_that_the_page_names_is_a_setting():
    keys = set(re.findall(r"`(data|labels)\.(\w+)`", TEXT))
    assert keys
    for section, key in keys:
        assert key in config.Config.model_fields[section].annotation.model_fields


def test_the_table_of_decoding_is_the_decoders():
    lines = [line for line in decoding.__doc__.splitlines() if line.startswith("|")]
    assert lines[2:] == rows_of("| in the file | becomes |")
