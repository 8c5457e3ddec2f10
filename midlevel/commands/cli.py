"""The command line: a group of the commands in `commands/`."""

import click

from midlevel.commands import exits
from midlevel.commands.advise import advise
from midlevel.commands.check import check
from midlevel.commands.compare import compare
from midlevel.commands.doctor import doctor
from midlevel.commands.evaluate import evaluate
from midlevel.commands.explain import explain
from midlevel.commands.export import export
from midlevel.commands.predict import predict
from midlevel.commands.report import report
from midlevel.commands.serve import serve
from midlevel.commands.train import train
from midlevel.commands.units import units
from midlevel.commands.windows import windows


@click.group(
    cls=exits.Commands,
    epilog=exits.CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 88},
)
@click.version_option(package_name="midlevel", prog_name="midlevel")
def cli():
    """Teach an ImageNet network new classes from a few hundred boxed photographs;
    then ask what is in a new photograph, and where.

    \b
        midlevel check photographs/
        midlevel train photographs/
        midlevel predict holiday/
        midlevel evaluate
        midlevel report
        midlevel export
    """


for command in (
    check,
    advise,
    train,
    predict,
    explain,
    evaluate,
    compare,
    report,
    export,
    serve,
    windows,
    units,
    doctor,
):
    cli.add_command(command)
