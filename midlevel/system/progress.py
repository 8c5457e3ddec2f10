"""What a person sees of long work: bars on a terminal, lines in a log.

Everything goes to stderr; stdout is for data.
"""

import contextlib
import time
from collections.abc import Callable, Iterator

from rich import console, progress
from rich.table import Column
from rich.text import Text

from midlevel.system import terminal

SECONDS_BETWEEN_LINES = 30
LEAST_BESIDE = 80  # columns of a terminal that has room for a bar and a line


class Progress:
    """Tells how work goes. `quiet` says nothing at all."""

    def __init__(self, quiet: bool = False):
        self.quiet = quiet
        self._console = console.Console(stderr=True, quiet=quiet, highlight=False)
        self._meanwhile = Text()

    def silent(self) -> "Progress":
        """One that says nothing."""
        return Progress(quiet=True)

    def say(self, text: str) -> None:
        """One line; a terminal breaks it between words."""
        self._print(terminal.text(text))

    def warn(self, text: str) -> None:
        """The same of what is wrong, or will be: with `warning:` before it."""
        said = terminal.text("warning:", "yellow")
        self._print(Text.assemble(said, " ", terminal.text(text)))

    def meanwhile(self, text: str) -> None:
        """What the next such line outdates: a terminal shows it beside the next bar.

        A line for each where there is no terminal, or a narrow one.
        """
        if self._has_bars and self._console.width >= LEAST_BESIDE:
            self._meanwhile = terminal.text(text)
        else:
            self.say(text)

    @contextlib.contextmanager
    def task(self, name: str, total: int) -> Iterator[Callable[..., None]]:
        """Work of `total` steps; yields a function to call with the steps just done.

        What came of the work is for the caller to say.
        """
        if self._has_bars:
            with self._bar() as bar:
                number = bar.add_task(name, total=total)
                self._meanwhile = Text()
                yield lambda steps=1: bar.advance(number, steps)
        else:
            yield self._lines(name, total)

    @property
    def _has_bars(self) -> bool:
        return self._console.is_terminal and not self.quiet

    def _print(self, line: Text) -> None:
        shown = self._console
        columns = shown.width if shown.is_terminal else terminal.ANY_WIDTH
        terminal.say(shown, line, columns)

    def _bar(self) -> progress.Progress:
        return progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            *([_Beside(self._meanwhile)] if self._meanwhile else []),
            console=self._console,
            transient=True,
        )

    def _lines(self, name: str, total: int) -> Callable[..., None]:
        done, begun = 0, time.monotonic()
        said = begun

        def advance(steps: int = 1) -> None:
            nonlocal done, said
            done += steps
            now = time.monotonic()
            if now - said >= SECONDS_BETWEEN_LINES:
                said = now
                self.say(f"{name}: {done}/{total}, {now - begun:.0f} s")

        return advance


class _Beside(progress.ProgressColumn):
    """The same text beside every bar, cut off where a terminal has no room."""

    def __init__(self, text: Text):
        super().__init__(Column(no_wrap=True, overflow="ellipsis", ratio=1))
        self._text = text

    def render(self, task: progress.Task) -> Text:
        return self._text
