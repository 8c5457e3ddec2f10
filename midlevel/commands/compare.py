"""`midlevel compare`."""

from pathlib import Path

import click

from midlevel.commands import options
from midlevel.networks.engines import EngineName, Precision
from midlevel.settings.choices import DataFormat


@click.command()
@click.argument("runs", nargs=-1, metavar="RUN...", type=click.Path(path_type=Path))
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DATA",
    help="Labelled photographs to measure on.  [default: the first run's]",
)
@click.option(
    "--split", help="A split of DATA.  [default: the first run's validation split]"
)
@options.format_option
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a page, too: its name ends in .html.",
)
@click.option(
    "--speed",
    is_flag=True,
    help="Measure photographs a second on this machine, too; all runs are in memory.",
)
@options.json_option
@options.engine_options
@options.quiet_option
def compare(
    runs: tuple[Path, ...],
    data: Path | None,
    split: str | None,
    form: DataFormat | None,
    output: Path | None,
    speed: bool,
    as_json: bool,
    engine: EngineName | None,
    precision: Precision | None,
    quiet: bool,
) -> None:
    """Put trained runs side by side, measured on the same photographs.

    Mean average precision with its 95 % interval, the difference from the first RUN,
    AP of each class that all runs share, size, and the settings that differ. Where a
    run learned from some of the measured photographs, that is said.

    \b
        midlevel compare runs/train/a runs/train/b
        midlevel compare runs/train/* --data VOC2007/ --split test --output page.html
    """
    from midlevel import api
    from midlevel.system.progress import Progress

    found = api.compare(
        runs,
        data,
        split=split,
        format=form,
        output=output,
        speed=speed,
        engine=engine,
        precision=precision,
        progress=Progress(quiet),
    )
    if as_json:
        options.print_json(found.to_dict())
    else:
        click.echo(found)
