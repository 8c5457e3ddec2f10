import pytest

from midlevel import errors
from midlevel.system import folders


def test_each_new_folder_is_made_and_nobody_elses(tmp_path):
    made = [folders.new(tmp_path / "runs", "") for _ in range(3)]
    assert len(set(made)) == 3 and all(folder.is_dir() for folder in made)


def test_a_place_that_cannot_be_written_is_named_with_the_advice(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        errors.MidlevelError, match="file: cannot be written: .*Ask Eve"
    ):
        folders.new(tmp_path / "file", "Ask Eve.")
