"""`midlevel export`."""

from pathlib import Path

import click

from midlevel.commands import options


@click.command()
@options.model_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["keras"]),
    default="keras",
    show_default=True,
    help="The kind of file.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The folder to write.  [default: exports/ in the run]",
)
@options.quiet_option
def export(model, form, output, quiet):
    """Write a model as files for other programs, and verify them.

    `window.keras` takes RGB uint8 windows of the backbone's input size and gives the
    scores of background and classes. `image.keras` takes whole RGB uint8 images of any
    size and gives image scores. Both load with `import midlevel` and Keras.

    \b
        midlevel export
        midlevel export --model runs/train/20260101-120000 --output model/
    """
    from midlevel import exports
    from midlevel import model as model_
    from midlevel.progress import Progress

    for path in exports.export(model_.load(model), output, Progress(quiet)):
        click.echo(path)
