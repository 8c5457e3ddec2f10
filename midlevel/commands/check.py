"""`midlevel check`."""

from pathlib import Path

import click

from midlevel import errors
from midlevel.commands import options


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@options.config_option
@options.setting_option
@options.format_option
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="List every problem, also where many are alike.",
)
@options.json_option
@options.quiet_option
def check(data, config, settings, form, everything, as_json, quiet):
    """Say what is in DATA and all that is wrong in it, by file and line.

    Every annotation is read and every photograph decoded. Training goes on without what
    is wrong, as is said of each, or refuses it with --strict. Leaves with 0 if nothing
    is wrong, else with 3.

    \b
        midlevel check photographs/
        midlevel check coco/ --format coco --json
    """
    from midlevel import api
    from midlevel.datasets import check_output
    from midlevel.system.progress import Progress

    chosen = options.chosen(settings, form)
    found = api.check(data, config=config, settings=chosen, progress=Progress(quiet))
    text = (
        check_output.as_json(found)
        if as_json
        else check_output.as_table(found, everything)
    )
    click.echo(text)
    if found.problems:
        click.get_current_context().exit(errors.DataError.exit_code)
