"""`midlevel predict`."""

from pathlib import Path

import click

from midlevel.commands import exits, options
from midlevel.settings import choices


@click.command()
@click.argument("source", nargs=-1, required=True, type=click.Path())
@options.model_option
@click.option(
    "--output",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE|-",
    help="Where the records go; - is stdout.  [default: a file in runs/predict]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(choices.RECORD_FORMATS),
    help="[default: as the name of --output ends, else jsonl]",
)
@click.option(
    "--threshold",
    "thresholds",
    type=options.Threshold(),
    multiple=True,
    help="The probability from which a class is a label, of all or of one. May be "
    "given again.  [default: the run's]",
)
@options.mirror_option
@click.option(
    "--shard",
    type=options.Shard(),
    default="0/1",
    help="I/N, from 0/N: one of N even parts, for N machines; `cat` joins the outputs.",
)
@click.option(
    "--resume/--no-resume",
    default=True,
    show_default=True,
    help="Go on with the records of the same model that are there, also of an "
    "interrupted prediction; else score all photographs again.",
)
@click.option(
    "--overwrite",
    is_flag=True,
    help="Replace an output of another model, thresholds or photographs, or of another "
    "program; else it is refused.",
)
@click.option(
    "--fail-on-error", is_flag=True, help="Leave with 4 if a photograph cannot be read."
)
@options.engine_options
@options.quiet_option
def predict(
    source,
    model,
    output,
    form,
    thresholds,
    mirror,
    shard,
    resume,
    overwrite,
    fail_on_error,
    engine,
    precision,
    quiet,
):
    """Say what is in photographs, and where.

    SOURCE is a photograph, a folder (searched with its subfolders) or a glob. Each
    photograph gives one record: a score for every class, the labels at or above their
    thresholds, regions, and `failure` where it could not be read.

    \b
        midlevel predict holiday/
        midlevel predict a.jpg b.jpg --output - | jq .labels
        midlevel predict "2024/*.jpg" --output labels.csv
        midlevel predict holiday/ --threshold 0.3 --threshold cat=0.8
        midlevel predict archive/ --shard 0/3 --output part0.jsonl
    """
    from midlevel import api
    from midlevel.system.progress import Progress

    done = api.predict(
        source,
        model=model,
        output=output,
        format=form,
        shard=shard,
        thresholds=dict(thresholds),
        mirror=mirror,
        resume=resume,
        overwrite=overwrite,
        engine=engine,
        precision=precision,
        progress=Progress(quiet),
    )
    if done.failed and fail_on_error:
        click.get_current_context().exit(exits.SOME_FAILED)
