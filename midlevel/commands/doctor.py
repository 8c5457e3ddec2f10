"""`midlevel doctor`."""

import click

from midlevel import errors
from midlevel.commands import options


@click.command()
@click.option("--thorough", is_flag=True, help="Load both engines and run a network.")
@options.json_option
def doctor(thorough, as_json):
    """Say whether everything is here that midlevel needs, and what to do if not.

    Versions, OpenCV, engines and GPU, memory, the folder of features, weights. Leaves
    with 0 if all is well, with 3 if something is to mend; a note, such as TensorFlow
    missing where photographs are only labelled, is no fault.

    \b
        midlevel doctor
        midlevel doctor --thorough
    """
    from midlevel import doctor as doctor_

    findings = doctor_.examine()
    if thorough:
        findings += doctor_.tried()
    if as_json:
        options.print_json(doctor_.as_json(findings))
    else:
        click.echo(doctor_.as_table(findings))
    if not doctor_.is_well(findings):
        click.get_current_context().exit(errors.DataError.exit_code)
