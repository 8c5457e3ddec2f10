"""The command line: each command parses, calls one function, prints."""

import json
from pathlib import Path

import click

from midlevel import engines, errors, records

EPILOG = """\b
Exit codes: 0 done; 1 an error of midlevel itself; 2 wrong use; 3 data that cannot
be used; 5 a package is missing; 130 interrupted, after saving.
"""


class Commands(click.Group):
    """Turns what a user can mend into one line, and leaves with its code."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except errors.MidlevelError as error:
            click.echo(f"midlevel: {error}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("midlevel: interrupted.", err=True)
            ctx.exit(errors.Interrupted.exit_code)


@click.group(
    cls=Commands,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 88},
)
@click.version_option(package_name="midlevel", prog_name="midlevel")
def cli():
    """Teach an ImageNet network new classes from a few hundred boxed photographs;
    then ask what is in a new photograph, and where.

    \b
        midlevel train photographs/
        midlevel predict holiday/
        midlevel evaluate
        midlevel export
    """


model_option = click.option(
    "--model",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="A run folder.  [default: the newest in runs/train]",
)
quiet_option = click.option(
    "-q", "--quiet", is_flag=True, help="Say nothing on stderr."
)


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


@cli.command()
@click.argument("data", required=False, type=click.Path(path_type=Path))
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A YAML file with settings; configs/ has some.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="One setting, over the file's; the value is YAML. May be given again.",
)
@click.option(
    "--run",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder to write.  [default: a new one in runs/train]",
)
@click.option("--seed", type=int, help="The same seed gives the same weights on CPU.")
@click.option("--resume", is_flag=True, help="Go on with an interrupted run.")
@quiet_option
def train(data, config, settings, run, seed, resume, quiet):
    """Learn from DATA, a folder with boxed photographs.

    Without DATA, the demo set that comes with midlevel. DATA may be laid out as PASCAL
    VOC (Annotations, JPEGImages, ImageSets/Main), or have XML files beside the
    photographs.

    \b
        midlevel train
        midlevel train photographs/ --set data.classes=[cat,dog]
        midlevel train VOC2007/ --config configs/voc2007.yaml --seed 1
        midlevel train --resume
    """
    from midlevel import training
    from midlevel.config import parse_setting
    from midlevel.progress import Progress

    training.train(
        data,
        config=config,
        settings=dict(parse_setting(text) for text in settings),
        seed=seed,
        run=run,
        resume=resume,
        progress=Progress(quiet),
    )


@cli.command()
@click.argument("source", nargs=-1, required=True, type=click.Path(path_type=Path))
@model_option
@click.option(
    "--output",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE|-",
    help="Where the records go; - is stdout.  [default: a file in runs/predict]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(records.FORMATS),
    help="[default: as the name of --output ends, else jsonl]",
)
@engine_options
@quiet_option
def predict(source, model, output, form, engine, precision, quiet):
    """Say what is in photographs, and where.

    SOURCE is a photograph, a folder (searched with its subfolders) or a glob. Each
    photograph gives one record: a score for every class, the labels at or above their
    thresholds, regions, and `failure` where it could not be read.

    \b
        midlevel predict holiday/
        midlevel predict a.jpg b.jpg --output - | jq .labels
        midlevel predict "2024/*.jpg" --output labels.csv
    """
    from midlevel import model as model_
    from midlevel import prediction, sources
    from midlevel.progress import Progress

    paths = sources.find(source)
    loaded = model_.load(model, engine, precision)
    prediction.predict(loaded, paths, output, form, Progress(quiet))


@cli.command()
@click.argument("data", required=False, type=click.Path(path_type=Path))
@model_option
@click.option("--split", help="A split of DATA.  [default: the validation split]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@engine_options
@quiet_option
def evaluate(data, model, split, as_json, engine, precision, quiet):
    """Measure a model on a labelled split of DATA.

    DATA is by default what the model was trained on. Average precision comes in three
    forms: the area under the monotone precision envelope (VOC 2010 and later), 11-point
    (VOC 2007), and non-interpolated (scikit-learn's).

    \b
        midlevel evaluate
        midlevel evaluate VOC2007/ --split test --json
    """
    from midlevel import evaluation
    from midlevel import model as model_
    from midlevel.progress import Progress

    loaded = model_.load(model, engine, precision)
    found = evaluation.evaluate(loaded, data, split, Progress(quiet))
    text = json.dumps(found, indent=2, ensure_ascii=False) if as_json else None
    click.echo(text or evaluation.as_table(found))


@cli.command()
@model_option
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
@quiet_option
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
