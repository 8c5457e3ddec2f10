"""Lines that people copy from the documentation work in zsh too.

zsh, the shell of macOS, ends a command in which an unquoted pattern matches no file.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
BLOCK = re.compile(r"```(?:sh|console|bash|text|)\n(.*?)```", re.S)
INLINE = re.compile(r"`((?:midlevel|pip|python|cat|curl) [^`\n]+|--set [^`\n]+)`")
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|#.*")


def commands(text):
    """Lines of code that are for a shell."""
    for block in BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            line = line.strip().removeprefix("$ ")
            if re.match(r"(midlevel|python|pip|\.venv|cat|curl|MIDLEVEL\w*=)", line):
                yield line
    yield from INLINE.findall(text)


def patterns(line):
    """Words of a command that a shell takes for patterns."""
    bare = QUOTED.sub("", line)
    return [word for word in bare.split() if re.search(r"[\[\]{}*?]", word)]


def test_patterns_are_found():
    assert patterns("a --set x=[b,c] 'd*' e?.jpg") == ["x=[b,c]", "e?.jpg"]
    assert list(commands("```sh\n$ midlevel a\n```\n`--set b=c`")) == [
        "midlevel a",
        "--set b=c",
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_unquoted_patterns_match_files(page):
    for line in commands(page.read_text(encoding="utf-8")):
        if line.startswith("midlevel") and "[OPTIONS]" in line:
            continue  # how help shows a command
        for word in patterns(line):
            is_own = "=" not in word and "*" in word  # photographs of the reader
            assert is_own or list(ROOT.glob(word)), f"{word} in: {line}"
