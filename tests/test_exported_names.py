"""What `import midlevel` gives is what it says it gives."""

import inspect
import subprocess
import sys

import pytest
import stub

import midlevel
from midlevel import api


def test_every_name_is_there():
    assert sorted(dir(midlevel)) == sorted(midlevel.__all__)
    for name in midlevel.__all__:
        assert getattr(midlevel, name) is not None


def test_every_public_function_is_exported_with_what_it_is_for():
    functions = {
        name
        for name, value in vars(api).items()
        if inspect.isfunction(value) and not name.startswith("_")
    }
    assert functions and functions <= set(midlevel.__all__)
    for name in functions:
        assert getattr(midlevel, name) is getattr(api, name)
        assert len(getattr(api, name).__doc__.splitlines()) > 3


def test_a_name_that_is_not_there_is_said():
    with pytest.raises(AttributeError, match="has no attribute 'predcit'"):
        _ = midlevel.predcit


@pytest.mark.slow
def test_a_checker_knows_what_load_gives(tmp_path):
    code = "import midlevel\nmodel = midlevel.load('run')\n"
    file = tmp_path / "use.py"
    file.write_text(code + "model.predict('a.jpg')[0]['labels']\nmodel.predcit('a')\n")
    command = [sys.executable, "-m", "mypy", "--follow-imports=silent", str(file)]
    done = subprocess.run(command, capture_output=True, text=True)
    (said,) = [line for line in done.stdout.splitlines() if "error:" in line]
    assert '"Model" has no attribute "predcit"; maybe "predict"?' in said


@pytest.mark.tf
def test_what_is_found_is_a_table_for_pandas(trained, toy_voc):
    pandas = pytest.importorskip("pandas")
    found = midlevel.evaluate(trained, progress=stub.QUIET).to_pandas()
    assert list(found.index) == ["disc", "square", "wedge", "mean"]
    assert found.loc["mean", "area"] == trained.metrics["mAP"]["area"]
    problems = midlevel.check(toy_voc, progress=stub.QUIET).to_pandas()
    assert isinstance(problems, pandas.DataFrame) and "fate" in problems.columns
