"""What the commands of `scripts/bench` and `scripts/compare` are made of."""

from pathlib import Path
from typing import Any

import click

from midlevel import errors

folder = click.Path(exists=True, file_okay=False, path_type=Path)
file = click.Path(exists=True, dir_okay=False, path_type=Path)
new_file = click.Path(dir_okay=False, path_type=Path)


class Group(click.Group):
    """Says midlevel's own errors in a line."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except errors.MidlevelError as error:
            raise click.ClickException(str(error)) from error
