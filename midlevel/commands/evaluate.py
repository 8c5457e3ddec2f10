"""`midlevel evaluate`."""

from pathlib import Path

import click

from midlevel.commands import options


@click.command()
@click.argument("data", required=False, type=click.Path(path_type=Path))
@options.model_option
@click.option("--split", help="A split of DATA.  [default: the validation split]")
@options.format_option
@options.mirror_option
@options.json_option
@options.engine_options
@options.quiet_option
def evaluate(data, model, split, form, mirror, as_json, engine, precision, quiet):
    """Measure a model on a labelled split of DATA.

    DATA is by default what the model was trained on. Average precision comes in three
    forms: the area under the monotone precision envelope (VOC 2010 and later), 11-point
    (VOC 2007), and non-interpolated (scikit-learn's), each mean with its 95 % interval:
    how far other photographs of the same kind would move it.

    \b
        midlevel evaluate
        midlevel evaluate VOC2007/ --split test --json
    """
    from midlevel import api
    from midlevel.system.progress import Progress

    found = api.evaluate(
        model,
        data,
        split=split,
        format=form,
        engine=engine,
        precision=precision,
        mirror=mirror,
        progress=Progress(quiet),
    )
    if as_json:
        options.print_json(found.to_dict())
    else:
        click.echo(found)
