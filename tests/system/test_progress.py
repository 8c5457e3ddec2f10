import io

import pytest
from rich import console

from midlevel.system import progress
from midlevel.system.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    """The time, in seconds, as a list of one."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def on_terminal(width, color_system=None):
    loud = Progress()
    loud._console = console.Console(
        file=io.StringIO(), force_terminal=True, width=width, color_system=color_system
    )
    return loud


def test_what_is_said_is_one_line_on_stderr_whatever_its_length(capsys):
    text = f"[bold]{'long ' * 60}[/bold] :smile: 'a' 12"
    Progress().say(text)
    said = capsys.readouterr()
    assert said.err == f"{text}\n" and said.out == ""


def test_what_is_wrong_can_be_told_from_the_rest(capsys):
    Progress().warn("a.xml:3: no box")
    assert capsys.readouterr().err == "warning: a.xml:3: no box\n"
    loud = on_terminal(width=19, color_system="standard")
    loud.warn("a.xml:3: no box is here")
    shown = loud._console.file.getvalue()
    assert shown == "\x1b[33mwarning:\x1b[0m a.xml:3:\nno box is here\n"


def test_a_terminal_breaks_lines_between_words():
    loud = on_terminal(width=10)
    loud.say("some words and/a/long/path end")
    assert loud._console.file.getvalue() == "some words\nand/a/long/path\nend\n"


def test_quiet_says_nothing(capsys):
    for silent in (Progress(quiet=True), Progress().silent()):
        silent.say("something")
        silent.warn("something")
        with silent.task("work", 2) as advance:
            advance(2)
    assert capsys.readouterr() == ("", "")


def test_without_a_terminal_work_tells_once_in_a_while(capsys, clock):
    with Progress().task("work", 10) as advance:
        for _ in range(10):
            clock[0] += 7
            advance()
    assert capsys.readouterr().err.splitlines() == [
        "work: 5/10, 35 s",
        "work: 10/10, 70 s",
    ]


def test_no_work_is_no_line(capsys):
    with Progress().task("work", 0):
        pass
    assert capsys.readouterr().err == ""


def test_a_terminal_shows_a_bar():
    loud = on_terminal(width=80)
    with loud.task("work", 3) as advance:
        advance()
        advance(2)
    shown = loud._console.file.getvalue()
    assert "work" in shown and "3/3" in shown


EPOCH = "epoch 1: loss 0.2628, validation mAP 0.8185"


def epochs(loud):
    """Two of them, as training tells of them."""
    with loud.task("epoch 1", 1) as advance:
        advance()
    loud.meanwhile(EPOCH)
    with loud.task("epoch 2", 1) as advance:
        advance()
    loud.say("epoch 2: done")


def test_what_is_known_meanwhile_stands_beside_the_next_bar():
    loud = on_terminal(width=80)
    epochs(loud)
    lines = loud._console.file.getvalue().splitlines()
    beside = [line for line in lines if EPOCH in line]
    assert beside and all("epoch 2 " in line and "1/1" in line for line in beside[-1:])
    assert lines[-1].endswith("epoch 2: done")


def test_what_is_known_meanwhile_is_a_line_in_a_log_and_where_there_is_no_room(capsys):
    epochs(Progress())
    assert capsys.readouterr().err.splitlines() == [EPOCH, "epoch 2: done"]
    narrow = on_terminal(width=60)
    epochs(narrow)
    assert f"{EPOCH}\n" in narrow._console.file.getvalue()
    epochs(Progress(quiet=True))
    assert capsys.readouterr().err == ""
