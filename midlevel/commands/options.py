"""Options that several commands share."""

from pathlib import Path

import click

from midlevel.networks import engines
from midlevel.settings import choices


class Shard(click.ParamType):
    """`I/N` as two numbers."""

    name = "I/N"

    def convert(self, value, param, ctx):
        try:
            part, parts = map(int, value.split("/"))
        except ValueError:
            part, parts = -1, 0
        if not 0 <= part < parts:
            self.fail(f"expected I/N with I from 0 to N - 1. Received: {value}.")
        return part, parts


class Threshold(click.ParamType):
    """`NUMBER`, or `CLASS=NUMBER`, as a name (or None) and a number."""

    name = "[CLASS=]NUMBER"

    def convert(self, value, param, ctx):
        name, _, number = str(value).rpartition("=")
        try:
            return name or None, float(number)
        except ValueError:
            self.fail(f"expected a probability, or CLASS=0.5. Received: {value}.")


model_option = click.option(
    "--model",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="A run folder.  [default: the newest in runs/train]",
)
config_option = click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A YAML file with settings; configs/ has some.",
)
quiet_option = click.option(
    "-q", "--quiet", is_flag=True, help="Say nothing on stderr."
)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON instead of a table."
)
setting_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="One setting, over the file's; the value is YAML. May be given again.",
)
mirror_option = click.option(
    "--mirror/--no-mirror",
    default=None,
    help="See each photograph mirrored too, and join what is seen: twice the network's "
    "time.  [default: the run's setting]",
)
format_option = click.option(
    "--format",
    "form",
    type=click.Choice(choices.DATA_FORMATS),
    help="The layout of DATA.  [default: found from what it holds]",
)


def output_folder(default: str):
    """`--output` of a command that writes a page and pictures."""
    return click.option(
        "--output",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help=f"An empty folder to write to.  [default: a new one in {default}]",
    )


def chosen(texts, form: str | None) -> dict:
    """What `--set` and `--format` say, by key."""
    from midlevel.settings.config import parse_setting

    found = dict(parse_setting(text) for text in texts)
    return {**found, "data.format": form} if form else found


def print_json(content: dict) -> None:
    """JSON on stdout, in UTF-8 whatever the terminal takes."""
    from midlevel.system import files, streams, text

    with (
        files.explained("stdout", "Make room for its reader."),
        streams.data() as stdout,
    ):
        stdout.write(text.as_json(content))


def engine_options(command):
    """`--engine` and `--precision`: what runs the networks, over the run's settings."""
    precision = click.option(
        "--precision",
        type=click.Choice(engines.PRECISIONS),
        help="Of the networks' arithmetic.  [default: the run's setting]",
    )
    engine = click.option(
        "--engine",
        type=click.Choice(engines.NAMES),
        help="What runs the networks.  [default: the run's setting]",
    )
    return engine(precision(command))
