"""`midlevel explain`."""

from pathlib import Path

import click

from midlevel.commands import exits, options


@click.command()
@click.argument("source", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.model_option
@options.output_folder("runs/explain")
@click.option(
    "--class",
    "names",
    multiple=True,
    metavar="NAME",
    help="Explain this class. May be given again.  [default: labels, missed ones too]",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="A data set that says what the photographs show.  [default: the run's own]",
)
@click.option(
    "--fail-on-error", is_flag=True, help="Leave with 4 if a photograph cannot be read."
)
@options.engine_options
@options.quiet_option
def explain(
    source, model, output, names, data, fail_on_error, engine, precision, quiet
):
    """Show why a model says what it says of photographs.

    For each photograph and label a picture: the score map, regions, and the windows
    that score highest. And a page with all of them, and the probability and threshold
    of every class. Where the photograph is in labelled data, what is right, wrong and
    missed, and what a missed object was taken for. Prints the path of the page.

    SOURCE is a photograph, a folder (searched with its subfolders) or a glob.

    \b
        midlevel explain a.jpg b.jpg
        midlevel explain holiday/ --class cat
        midlevel explain "VOC2007/JPEGImages/00*.jpg" --data VOC2007/
    """
    from midlevel import api
    from midlevel.system.progress import Progress

    done = api.explain(
        source,
        model=model,
        classes=names,
        data=data,
        output=output,
        engine=engine,
        precision=precision,
        progress=Progress(quiet),
    )
    click.echo(done.page)
    if done.failures and fail_on_error:
        click.get_current_context().exit(exits.SOME_FAILED)
