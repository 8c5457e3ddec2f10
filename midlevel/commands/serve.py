"""`midlevel serve`."""

import click

from midlevel.commands import options


@click.command()
@options.model_option
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to serve at; 0.0.0.0 is every one of this machine.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="0 takes a free one.",
)
@click.option(
    "--max-upload",
    type=click.IntRange(1, 2000),
    default=25,
    show_default=True,
    metavar="MB",
    help="Of one request, whose files are held in memory.",
)
@click.option(
    "--allow-host",
    "names",
    multiple=True,
    metavar="NAME",
    help="A name that this machine has, such as its proxy's. May be given again.",
)
@click.option("--access-log", is_flag=True, help="A line on stderr for each request.")
@options.engine_options
@options.quiet_option
def serve(model, host, port, max_upload, names, access_log, engine, precision, quiet):
    """Serve a page that says what is in photographs, and where; and a JSON API.

    Whoever opens the page drops photographs on it. They are scored on this machine, and
    nothing is kept. Only this machine reaches the page unless --host says otherwise.
    Ctrl-C ends it, after the requests in hand.

    \b
        midlevel serve
        midlevel serve --model runs/train/20260101-120000 --port 8080
        curl -F files=@a.jpg http://127.0.0.1:8000/api/predict
    """
    from midlevel import api, serving
    from midlevel.system.progress import Progress

    serving.load()  # what is missing is said before a model is loaded
    api.serve(
        model,
        host=host,
        port=port,
        max_upload=max_upload,
        allow_hosts=names,
        access_log=access_log,
        engine=engine,
        precision=precision,
        progress=Progress(quiet),
    )
