import io

import pytest
from rich.console import Console
from rich.text import Text

from midlevel.system import terminal

ROWS = [("cat", "9.1"), ("狐 fox", "12.5"), ("[red]\x1b[2J", "-")]


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def columns(monkeypatch):
    """Makes stdout a terminal of so many columns."""

    def make(number):
        monkeypatch.setattr(terminal.sys, "stdout", Terminal())
        monkeypatch.setenv("COLUMNS", str(number))
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.delenv("NO_COLOR", raising=False)

    return make


def test_a_table_is_aligned_as_it_is_seen_and_does_nothing_else():
    found = terminal.shown(terminal.table("~>", ROWS, ["", "AP %"]))
    assert found.splitlines() == [
        "              AP %",
        "cat            9.1",
        "狐 fox        12.5",
        "[red]\\x1b[2J     -",
    ]


def test_without_titles_there_is_no_line_of_them():
    assert terminal.shown(terminal.table("<~", [("fine", "a b")])) == "fine  a b"


def test_what_is_no_terminal_has_lines_as_long_as_they_are():
    words = "word " * 500
    table = terminal.table("<~", [("fine", words)])
    assert terminal.shown(table, words, "") == f"fine  {words[:-1]}\n{words[:-1]}\n"


@pytest.mark.parametrize("width", range(1, 40))
def test_a_terminal_breaks_lines_between_words_alone(columns, width):
    columns(width)
    words = ["of/a/long/path", "and", "three", "short", "words"]
    table = terminal.table("<~>", [("fine", " ".join(words), "12,345")])
    shown = terminal.shown(table).split()
    assert [word for word in shown if word not in ("fine", "12,345")] == words
    words.append("狐狐狐")
    shown = terminal.shown("  " + " ".join(words))
    assert shown.split() == words
    for number, line in enumerate(shown.splitlines()):
        is_one_word = len(line.split()) == 1
        assert len(line) - len(line.lstrip()) == (4 if number else 2)
        assert terminal.cell_len(line) <= width or is_one_word


def test_colours_are_for_terminals_that_want_them(columns, monkeypatch):
    mend = terminal.text("mend", "red")
    assert terminal.shown(mend) == "mend"
    columns(20)
    assert terminal.shown(mend) == "\x1b[31mmend\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal.shown(mend) == "mend"


def test_without_stdout_all_is_plain(monkeypatch):
    monkeypatch.setattr(terminal.sys, "stdout", None)
    assert terminal.shown(terminal.text("mend", "red")) == "mend"


def test_a_very_long_line_is_no_work():
    file = io.StringIO()
    line = Text("word " * 100_000)
    terminal.say(Console(file=file), line, terminal.ANY_WIDTH)
    assert len(file.getvalue().split()) == 100_000
