"""`midlevel advise`."""

from pathlib import Path

import click

from midlevel.commands import options
from midlevel.settings.choices import DataFormat


@click.command()
@click.argument("data", required=False, type=click.Path(path_type=Path))
@options.config_option
@options.setting_option
@options.format_option
@click.option(
    "--strategy",
    "strategies",
    multiple=True,
    metavar="NAME",
    help="To try, of docs/strategies.md. May be given again.  [default: linear, head, "
    "tail; far from ImageNet early, too]",
)
@click.option(
    "--backbone",
    "backbones",
    multiple=True,
    metavar="NAME",
    help="To try, of docs/backbones.md. May be given again.  [default: all "
    "EfficientNet-Lite]",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    default=30,
    show_default=True,
    help="To try in, about; what would take longer is timed alone.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="Each with another part of the photographs held out.",
)
@click.option(
    "--photographs",
    type=click.IntRange(10),
    default=400,
    show_default=True,
    help="To try on, at most.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a page, too: its name ends in .html.",
)
@click.option(
    "--save",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the advised settings: a YAML file for `train --config`.",
)
@options.json_option
@options.quiet_option
def advise(
    data: Path | None,
    config: Path | None,
    settings: tuple[str, ...],
    form: DataFormat | None,
    strategies: tuple[str, ...],
    backbones: tuple[str, ...],
    minutes: float,
    seeds: int,
    photographs: int,
    output: Path | None,
    save: Path | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Say what to train with, by trying it on DATA.

    Strategies and backbones are tried on training photographs that are held out, over
    several seeds; how long a training takes on this machine is timed on a part. The
    validation split is not looked at, so it still measures what you train.

    \b
        midlevel advise photographs/
        midlevel advise photographs/ --minutes 60 --output advice.html --save best.yaml
        midlevel train photographs/ --config best.yaml
    """
    from midlevel import api
    from midlevel.system.progress import Progress

    found = api.advise(
        data,
        config=config,
        settings=options.chosen(settings, form),
        strategies=strategies,
        backbones=backbones,
        minutes=minutes,
        seeds=seeds,
        photographs=photographs,
        output=output,
        save=save,
        progress=Progress(quiet),
    )
    if as_json:
        options.print_json(found.to_dict())
    else:
        click.echo(found)
