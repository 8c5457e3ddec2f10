"""What a person sees of long work: bars on a terminal, lines in a log.

Everything goes to stderr; stdout is for data.
"""

import contextlib
import time

from rich import console, progress

from midlevel import errors

SECONDS_BETWEEN_LINES = 30


class Progress:
    """Tells how work goes. `quiet` says nothing at all."""

    def __init__(self, quiet: bool = False):
        self.quiet = quiet
        self._console = console.Console(
            stderr=True, quiet=quiet, soft_wrap=True, highlight=False
        )

    def silent(self) -> "Progress":
        """One that says nothing."""
        return Progress(quiet=True)

    def say(self, text: str):
        """One line."""
        self._console.print(errors.plain(text), markup=False, emoji=False)

    @contextlib.contextmanager
    def task(self, name: str, total: int):
        """Work of `total` steps; yields a function to call with the steps just done.

        What came of the work is for the caller to say.
        """
        if self._console.is_terminal and not self.quiet:
            with self._bar() as bar:
                number = bar.add_task(name, total=total)
                yield lambda steps=1: bar.advance(number, steps)
        else:
            yield self._lines(name, total)

    def _bar(self):
        return progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=self._console,
            transient=True,
        )

    def _lines(self, name: str, total: int):
        done, begun = 0, time.monotonic()
        said = begun

        def advance(steps=1):
            nonlocal done, said
            done += steps
            now = time.monotonic()
            if now - said >= SECONDS_BETWEEN_LINES:
                said = now
                self.say(f"{name}: {done}/{total}, {now - begun:.0f} s")

        return advance
