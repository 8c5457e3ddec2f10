"""The command line: each command parses, calls one function, prints."""

import json
from pathlib import Path

import click

from midlevel import errors, exits, options, records


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
        midlevel export
    """


@cli.command()
@click.argument("data", type=click.Path(path_type=Path))
@options.config_option
@options.setting_option
@options.format_option
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="List every problem, also where many are alike.",
)
@options.json_option
@options.quiet_option
def check(data, config, settings, form, everything, as_json, quiet):
    """Say what is in DATA and all that is wrong in it, by file and line.

    Every annotation is read and every photograph decoded. Training goes on without what
    is wrong, as is said of each, or refuses it with --strict. Leaves with 0 if nothing
    is wrong, else with 3.

    \b
        midlevel check photographs/
        midlevel check coco/ --format coco --json
    """
    from midlevel import checking, findings
    from midlevel import config as config_
    from midlevel.progress import Progress

    chosen = config_.load(config, options.chosen(settings, form))
    found = checking.check(data, chosen, Progress(quiet))
    text = findings.as_json(found) if as_json else findings.as_table(found, everything)
    click.echo(text)
    if found.problems:
        click.get_current_context().exit(errors.DataError.exit_code)


@cli.command()
@click.argument("data", required=False, type=click.Path(path_type=Path))
@options.config_option
@options.setting_option
@options.format_option
@click.option(
    "--run",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder to write.  [default: a new one in runs/train]",
)
@click.option("--seed", type=int, help="The same seed gives the same weights on CPU.")
@click.option("--resume", is_flag=True, help="Go on with an interrupted run.")
@click.option("--strict", is_flag=True, help="Refuse DATA in which anything is wrong.")
@options.quiet_option
def train(data, config, settings, form, run, seed, resume, strict, quiet):
    """Learn from DATA, a folder with boxed photographs.

    Without DATA, the demo set that comes with midlevel. DATA may be PASCAL VOC or XML
    files beside the photographs, COCO, YOLO (data.yaml), a CSV file, or a folder for
    each class; labels without boxes teach too.

    \b
        midlevel train
        midlevel train photographs/ --set data.classes=[cat,dog]
        midlevel train VOC2007/ --config configs/voc2007.yaml --seed 1
        midlevel train --resume
    """
    from midlevel import training
    from midlevel.progress import Progress

    settings = options.chosen(settings, form)
    if strict:
        settings["data.strict"] = True
    training.train(
        data,
        config=config,
        settings=settings,
        seed=seed,
        run=run,
        resume=resume,
        progress=Progress(quiet),
    )


@cli.command()
@click.argument("source", nargs=-1, required=True, type=click.Path(path_type=Path))
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
    type=click.Choice(records.FORMATS),
    help="[default: as the name of --output ends, else jsonl]",
)
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
    help="Go on with what an interrupted prediction of the same model left.",
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
    shard,
    resume,
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
        midlevel predict archive/ --shard 0/3 --output part0.jsonl
    """
    from midlevel import model as model_
    from midlevel import prediction, sources
    from midlevel.progress import Progress

    paths = sources.find(source)
    root = sources.root(paths)
    paths = prediction.shard(paths, *shard)
    loaded = model_.load(model, engine, precision)
    progress = Progress(quiet)
    done = prediction.predict(loaded, paths, output, form, progress, resume, root)
    if done.failed and fail_on_error:
        click.get_current_context().exit(prediction.SOME_FAILED)


@cli.command()
@click.argument("data", required=False, type=click.Path(path_type=Path))
@options.model_option
@click.option("--split", help="A split of DATA.  [default: the validation split]")
@options.format_option
@options.json_option
@options.engine_options
@options.quiet_option
def evaluate(data, model, split, form, as_json, engine, precision, quiet):
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
    found = evaluation.evaluate(loaded, data, split, Progress(quiet), form)
    text = json.dumps(found, indent=2, ensure_ascii=False) if as_json else None
    click.echo(text or evaluation.as_table(found))


@cli.command()
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


@cli.command()
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
        from midlevel import trial

        findings += trial.run()
    text = json.dumps(doctor_.as_json(findings), indent=2) if as_json else None
    click.echo(text or doctor_.as_table(findings))
    if not doctor_.is_well(findings):
        click.get_current_context().exit(errors.DataError.exit_code)
