"""How a command ends: what a user is told, and the exit code."""

import contextlib
import signal

import click

from midlevel import errors
from midlevel.commands import hints
from midlevel.system import loading

SOME_FAILED = 4  # where it is asked for
CODES = """\b
Exit codes: 0 done; 1 an error of midlevel itself; 2 wrong use; 3 data that cannot
be used, or in which `check` found something wrong, or `doctor` something to mend;
4 some photographs could not be read, with --fail-on-error; 5 a package is missing;
130 interrupted by Ctrl-C, 143 by a request to end, both after saving.
"""


class Commands(click.Group):
    """Turns what a user can mend into one line, and leaves with its code."""

    def invoke(self, ctx):
        ended = []  # by SIGTERM, which is treated as Ctrl-C but for the exit code

        def end(number, _):
            ended.append(128 + number)
            raise KeyboardInterrupt

        before = _handle_sigterm(end)
        try:
            with loading.told(_is_told):
                return super().invoke(ctx)
        except (click.NoSuchOption, click.NoSuchCommand) as error:
            raise hints.meant(error, self) from error
        except errors.MidlevelError as error:
            click.echo(f"midlevel: {errors.plain(str(error))}", err=True)
            is_end = ended and isinstance(error, errors.Interrupted)
            ctx.exit(ended[0] if is_end else error.exit_code)
        except KeyboardInterrupt:
            click.echo("midlevel: interrupted.", err=True)
            ctx.exit(ended[0] if ended else errors.Interrupted.exit_code)
        finally:
            _handle_sigterm(before)


def _is_told() -> bool:
    """Whether who gave the command wants to know what is loaded meanwhile."""
    ctx = click.get_current_context(silent=True)
    if ctx is None or "quiet" not in ctx.params:
        return False
    return not (ctx.params["quiet"] or ctx.params.get("as_json"))


def _handle_sigterm(handler):
    """The handler before; where signals are another thread's, nothing."""
    with contextlib.suppress(ValueError, TypeError):
        return signal.signal(signal.SIGTERM, handler)
