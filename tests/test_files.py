import os

import pytest

from midlevel import files


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="power cut"), files.whole(path) as waiting:
        waiting.write_text("ne")
        raise RuntimeError("power cut")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.txt"]


def test_what_waits_keeps_the_ending_and_is_found_by_no_pattern(tmp_path):
    with files.whole(tmp_path / "epoch-001.keras") as waiting:
        waiting.write_text("new")
        assert waiting.suffix == ".keras"
        assert not list(tmp_path.glob("epoch-*.keras"))
        assert not (tmp_path / "epoch-001.keras").exists()
    assert os.listdir(tmp_path) == ["epoch-001.keras"]


def test_text_is_utf_8(tmp_path):
    files.write_text(tmp_path / "a", "é")
    assert (tmp_path / "a").read_bytes() == b"\xc3\xa9"
