"""`midlevel predict` on every kind of bad file, see scripts/torture.py."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from midlevel.commands import cli

pytest.importorskip("pillow_heif")
sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import torture


@pytest.fixture(scope="module")
def tortured(trained, tmp_path_factory):
    """What is expected of each file, and what `predict` gave."""
    folder = tmp_path_factory.mktemp("torture") / "all"
    expected = torture.build(folder)
    output = folder / "records.jsonl"
    words = ["predict", str(folder / torture.PHOTOGRAPHS), "--output", str(output)]
    done = CliRunner().invoke(cli.cli, [*words, "--model", str(trained.folder)])
    assert done.exit_code == 0, done.output
    return expected, [json.loads(row) for row in output.read_bytes().splitlines()], done


def test_every_bad_file_has_its_reason_and_every_good_one_a_score(tortured):
    expected, records, _ = tortured
    assert sum(not row["good"] for row in expected) >= 60
    assert len(records) == len(expected)
    assert torture.faults(expected, records) == []


def test_stdout_is_for_data_and_stderr_for_people(tortured):
    _, _, done = tortured
    assert done.stdout == ""
    assert "Traceback" not in done.stderr and "failed" in done.stderr


def test_a_wrong_record_is_a_fault(tortured):
    expected, records, _ = tortured
    good = next(i for i, row in enumerate(expected) if row["good"])
    bad = next(i for i, row in enumerate(expected) if not row["good"])
    changed = [dict(record) for record in records]
    changed[good]["failure"], changed[bad]["failure"] = "no", None
    assert len(torture.faults(expected, changed)) == 2
    assert len(torture.faults(expected, changed[::-1])) == 1
