"""`midlevel windows`."""

from pathlib import Path

import click

from midlevel.commands import options


@click.command()
@click.argument("source", metavar="IMAGE|DATA", type=click.Path(path_type=Path))
@options.config_option
@options.setting_option
@options.format_option
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="The data set with IMAGE's boxes.  [default: found in the folders above it]",
)
@click.option("--split", help="A split of DATA.  [default: the one to learn from]")
@click.option(
    "--count",
    type=click.IntRange(1, 100),
    default=6,
    show_default=True,
    help="Photographs to draw, chosen evenly; all of the split are counted.",
)
@options.output_folder("runs/windows")
@options.quiet_option
def windows(source, config, settings, form, data, split, count, output, quiet):
    """Draw what training will make of the windows of photographs, and say why.

    Which windows teach which class, which are background, which are left out and for
    what reason; which boxes teach nothing. The first thing to look at where training
    goes wrong. No network runs. Prints the path of a page that any browser shows.

    \b
        midlevel windows photographs/
        midlevel windows photographs/a.jpg
        midlevel windows VOC2007/ --count 20 --set windows.pyramid=fine
    """
    from midlevel import api
    from midlevel.system.progress import Progress

    page = api.windows(
        source,
        config=config,
        settings=options.chosen(settings, form),
        data=data,
        split=split,
        count=count,
        output=output,
        progress=Progress(quiet),
    )
    click.echo(page)
