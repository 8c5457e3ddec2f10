"""`midlevel report`."""

from pathlib import Path

import click

from midlevel.commands import options


@click.command()
@options.model_option
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The page to write.  [default: report.html in the run]",
)
@options.engine_options
@options.quiet_option
def report(model, output, engine, precision, quiet):
    """Write a page on a model: how good it is, at what, and how it was made.

    One HTML file with all its pictures inside, and beside it the files that hold its
    numbers. Training writes the same at its end.

    \b
        midlevel report
        midlevel report --model runs/train/20260101-120000 --output cats.html
    """
    from midlevel import api
    from midlevel.system.progress import Progress

    page = api.report(
        model,
        output,
        engine=engine,
        precision=precision,
        progress=Progress(quiet),
    )
    click.echo(page)
