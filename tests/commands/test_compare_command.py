"""`midlevel compare` on the command line."""

import json
import shutil

import click.testing
import pytest

from midlevel.commands.cli import cli


def call(*arguments):
    return click.testing.CliRunner().invoke(cli, list(map(str, arguments)))


@pytest.fixture
def other(trained, tmp_path):
    return shutil.copytree(trained.folder, tmp_path / "other")


def test_tables_json_and_a_page(trained, other, tmp_path):
    page = tmp_path / "page.html"
    done = call("compare", trained.folder, other, "-q", "--output", page)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[2].split()[0] == "other" and done.stderr == ""
    assert "other" in page.read_text(encoding="utf-8")

    done = call("compare", trained.folder, other, "--json", "-q", "--split", "train")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["split"], found["images"]) == ("train", 11)
    assert found["runs"][1]["difference"]["area"] == {"mAP": 0, "interval": [0, 0]}


def test_what_cannot_be_is_said_in_a_line(trained, tmp_path):
    for arguments, said in (
        ([], "Expected two runs or more to compare. Received: 0."),
        ([trained.folder, tmp_path / "nowhere"], "nowhere: does not exist."),
        (
            [trained.folder, tmp_path, "--output", "a.txt"],
            "a.txt: expected a name that",
        ),
    ):
        done = call("compare", *arguments)
        assert done.exit_code == 2 and len(done.stderr.splitlines()) == 1
        assert done.stderr.startswith("midlevel: ") and said in done.stderr
