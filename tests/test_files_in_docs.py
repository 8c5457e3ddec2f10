"""Files that the documentation names are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NAME = re.compile(r"`((?:[a-z_0-9]+/)*[a-z_0-9]+\.py)`")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
DRAWING = ROOT / "docs" / "design.md"  # which has its own


@pytest.mark.parametrize("page", [p for p in PAGES if p != DRAWING], ids=str)
def test_every_module_that_a_page_names_is_there(page):
    known = {path.name for path in (ROOT / "midlevel").rglob("*.py")}
    for name in NAME.findall(page.read_text(encoding="utf-8")):
        is_there = any((place / name).exists() for place in (ROOT, ROOT / "midlevel"))
        assert is_there or ("/" not in name and name in known), name


def test_names_are_found():
    assert NAME.findall("`a.py`, `b/c.py`, `d.md`, e.py") == ["a.py", "b/c.py"]
