"""Tables and lines for people: aligned, broken between words, never cut off.

On a terminal they fit its width and have colours (unless NO_COLOR is set); elsewhere
they are plain and as wide as they are.
"""

import io
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from midlevel import errors

ANY_WIDTH = 1_000_000  # of what is no terminal, in characters
FURTHER = 2  # characters in which a line goes on that begins with spaces


def table(
    form: str, rows: Iterable[Sequence[str | Text]], titles: Sequence[str] = ()
) -> Table:
    """Rows under one another, two spaces between their cells.

    Args:
        form: a character for each column: `<` to the left, `>` to the right, neither
            ever broken; `~` to the left, broken between words where there is no room.
        rows: cells; what would do something to a terminal is escaped.
        titles: of the columns, if they have any.
    """
    head, lines = list(map(text, titles)), [list(map(text, row)) for row in rows]
    found = Table(
        box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=bool(head)
    )
    for number, side in enumerate(form):
        cells = [row[number] for row in (head, *lines) if row]
        found.add_column(
            head[number] if head else "",
            justify="right" if side == ">" else "left",
            min_width=None if side == "~" else max(cell_len(c.plain) for c in cells),
        )
    for row in lines:
        found.add_row(*row)
    return found


def text(content: str | Text, style: str = "") -> Text:
    """What is said, on one line and harmless to a terminal, whoever wrote it."""
    return content if isinstance(content, Text) else Text(errors.plain(content), style)


def shown(*parts: str | Text | Table) -> str:
    """Tables and lines as text for stdout.

    What begins with spaces goes on a little further in where a line has no room.
    """
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    columns = shutil.get_terminal_size().columns if is_terminal else ANY_WIDTH
    file = io.StringIO()
    console = Console(
        file=file, width=ANY_WIDTH, force_terminal=is_terminal, legacy_windows=False
    )
    for part in parts:
        if isinstance(part, Table):
            width = max(columns, console.measure(part).minimum)  # of its longest words
            console.print(part, width=width)
        else:
            say(console, text(part), columns)
    return "\n".join(line.rstrip() for line in file.getvalue().split("\n")[:-1])


def say(console: Console, line: Text, columns: int) -> None:
    """Print a line, broken between words to at most `columns` characters.

    A longer word stays whole, so that paths can be copied.
    """
    indent = len(line.plain) - len(line.plain.lstrip(" "))
    further, rest = indent + FURTHER * bool(indent), line[indent:]
    for part in rest.divide(_breaks(rest.plain, columns - further)):
        part.rstrip()
        console.print(Text(" " * indent) + part, soft_wrap=True)
        indent = further


def _breaks(line: str, columns: int) -> Iterator[int]:
    """Where new lines begin."""
    at = end = 0
    for word in re.finditer(r"\S+", line):
        gap, size = word.start() - end, cell_len(word.group())
        if end and at + gap + size > columns:
            yield word.start()
            at = size
        else:
            at += gap + size
        end = word.end()
