"""`midlevel train`."""

from pathlib import Path

import click

from midlevel.commands import options


@click.command()
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
@click.option(
    "--from",
    "from_run",
    type=click.Path(path_type=Path),
    metavar="RUN",
    help="Learn onto a finished run: the new one knows its classes too.",
)
@click.option("--seed", type=int, help="The same seed gives the same weights on CPU.")
@click.option("--resume", is_flag=True, help="Go on with an interrupted run.")
@click.option("--strict", is_flag=True, help="Refuse DATA in which anything is wrong.")
@options.quiet_option
def train(data, config, settings, form, run, from_run, seed, resume, strict, quiet):
    """Learn from DATA, a folder with labelled photographs.

    Without DATA, the demo set that comes with midlevel. DATA may be PASCAL VOC or XML
    files beside the photographs, COCO, YOLO (data.yaml), a CSV file, or a folder for
    each class. Photographs have boxes, or labels alone, or both are mixed.

    \b
        midlevel train
        midlevel train photographs/ --set data.classes=cat,dog
        midlevel train VOC2007/ --config configs/voc2007.yaml --seed 1
        midlevel train more/ --from runs/train/20260101-120000
        midlevel train --resume
    """
    from midlevel import api
    from midlevel.system.progress import Progress

    settings = options.chosen(settings, form)
    if strict:
        settings["data.strict"] = True
    api.train(
        data,
        config=config,
        settings=settings,
        seed=seed,
        run=run,
        from_run=from_run,
        resume=resume,
        progress=Progress(quiet),
    )
