"""docs/commands.md and docs/settings.md say what the code says."""

import subprocess
import sys
from pathlib import Path

from midlevel.settings.config import Config

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import make_reference


def test_pages_are_what_the_script_writes():
    """In a process of its own: click keeps the help of a command as first asked for."""
    script = [sys.executable, make_reference.__file__, "--check"]
    done = subprocess.run(script, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_setting_says_what_it_means():
    for line in make_reference.settings().splitlines():
        if line.startswith("| `"):
            assert not line.endswith("|  |"), line


def test_every_line_of_a_table_is_a_whole_row():
    lines = make_reference.settings().splitlines()
    begins = [i for i, line in enumerate(lines) if line.startswith("| key |")]
    assert begins
    for begin in begins:
        end = next((i for i in range(begin, len(lines)) if not lines[i]), len(lines))
        for line in lines[begin:end]:
            cells = line.replace("\\|", "").split("|")
            assert len(cells) == 6 and cells[0] == cells[-1] == "", line


def test_every_setting_is_there():
    page, tree = make_reference.settings(), Config().model_dump()
    for name, value in tree.items():
        keys = [f"{name}.{key}" for key in value] if isinstance(value, dict) else [name]
        assert all(f"| `{key}` |" in page for key in keys)


def test_pages_are_linked_from_the_readme():
    readme = Path(make_reference.DOCS, "../README.md").read_text(encoding="utf-8")
    assert all(f"docs/{file}" in readme for file in make_reference.PAGES)
