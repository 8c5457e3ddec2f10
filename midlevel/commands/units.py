"""`midlevel units`."""

from pathlib import Path

import click

from midlevel.commands import options


@click.command()
@click.argument("data", required=False, type=click.Path(path_type=Path))
@options.model_option
@click.option(
    "--of",
    type=click.Choice(["head", "backbone"]),
    default="head",
    show_default=True,
    help="Units of the head's last hidden layer, or channels of the backbone.",
)
@click.option("--split", help="A split of DATA.  [default: the validation split]")
@click.option(
    "--unit",
    "numbers",
    type=int,
    multiple=True,
    metavar="N",
    help="Show this unit, from 0. May be given again.  [default: those that say most]",
)
@click.option(
    "--count",
    type=click.IntRange(1, 100),
    default=16,
    show_default=True,
    help="Windows of each unit, one of a photograph at most.",
)
@options.output_folder("runs/units")
@options.engine_options
@options.quiet_option
def units(data, model, of, split, numbers, count, output, engine, precision, quiet):
    """Show single units by the windows that excite them most.

    Without --unit, of the head the units that add most to the score of each class, of
    the backbone the channels that vary most. DATA is by default what the model was
    trained on. Prints the path of a page that any browser shows.

    \b
        midlevel units
        midlevel units --of backbone --split train
        midlevel units --unit 7 --unit 300 --count 32
    """
    from midlevel import api
    from midlevel.system.progress import Progress

    page = api.units(
        model,
        data,
        of=of,
        numbers=numbers,
        count=count,
        split=split,
        output=output,
        engine=engine,
        precision=precision,
        progress=Progress(quiet),
    )
    click.echo(page)
