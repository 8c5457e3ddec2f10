"""`midlevel export`."""

from pathlib import Path

import click

from midlevel.commands import options
from midlevel.settings import choices
from midlevel.system import text

FORMATS = choices.EXPORT_FORMATS


class Names(click.Choice):
    """Some of the choices, with commas between them."""

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        names = tuple(name.strip() for name in value.split(",") if name.strip())
        unknown = [name for name in names if name not in self.choices]
        if unknown or not names:
            hint = text.did_you_mean((unknown or [""])[0], self.choices)
            known = ", ".join(self.choices[:-1])
            self.fail(
                f"expected some of {known}; or {self.choices[-1]}. "
                f"Received: {value}.{hint}",
                param,
                ctx,
            )
        return names


class Size(click.ParamType):
    """`WIDTHxHEIGHT` as two numbers."""

    name = "WIDTHxHEIGHT"

    def convert(self, value, param, ctx):
        try:
            width, height = map(int, value.lower().split("x"))
        except ValueError:
            width = height = 0
        if min(width, height) < 1:
            self.fail(f"expected pixels as 640x480. Received: {value}.")
        return width, height


@click.command()
@options.model_option
@click.option(
    "--format",
    "names",
    type=Names((*FORMATS, "all")),
    default="keras",
    show_default=True,
    help="The kinds of file, with commas between them.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The folder to write.  [default: exports/ in the run]",
)
@click.option(
    "--image-size",
    "image_wh",
    type=Size(),
    help="The one size of image that the files take.  [default: any; of litert "
    "640x480]",
)
@click.option(
    "--verify/--no-verify",
    default=True,
    show_default=True,
    help="Compare each file, in its own runtime, with the run; keep none that differs.",
)
@options.quiet_option
def export(model, names, output, image_wh, verify, quiet):
    """Write a model as files for other programs, and verify them.

    Of each format there are two files. `window` takes RGB uint8 windows of the
    backbone's input size and gives the scores of windows. `image` takes
    whole RGB uint8 images and gives the probability of each class; preprocessing is
    inside. Beside them: labels.json, exports.json and a model card.

    \b
        midlevel export
        midlevel export --format onnx,litert --output model/
        midlevel export --format litert --image-size 480x640
    """
    from midlevel import exports
    from midlevel.prediction.model import load
    from midlevel.system.progress import Progress

    progress = Progress(quiet)
    exports.check(names, verify)  # of packages, before seconds of loading
    for path in exports.export(load(model), output, progress, names, image_wh, verify):
        click.echo(path)
