"""Serving: the address, what is said of it, and the end."""

import logging
import socket
from collections.abc import Iterable

import uvicorn
from starlette.types import ASGIApp

from midlevel import errors
from midlevel.prediction.model import Model
from midlevel.serving import app as app_
from midlevel.serving import connections, guard, uploads
from midlevel.system.progress import Progress

MEGABYTE = 1_000_000
LAST_SECONDS = 30  # that requests in hand have after Ctrl-C


def serve(
    model: Model,
    host: str = "127.0.0.1",
    port: int = 8000,
    limits: uploads.Limits | None = None,
    names: Iterable[str] = (),
    access_log: bool = False,
    progress: Progress | None = None,
) -> None:
    """Serve a page and a JSON API until Ctrl-C or SIGTERM; then finish what is in hand.

    Args:
        host: an address of this machine; 0.0.0.0 is all of them.
        port: 0 is any that is free.
        names: further ones that a request may call this machine, such as a proxy's.
        access_log: a line on stderr for every request.

    Raises:
        errors.MidlevelError: the address cannot be had.
        errors.Interrupted: it was ended.
    """
    progress = progress or Progress()
    limits = limits or uploads.Limits(25 * MEGABYTE)
    own = set() if guard.is_loopback(host) else guard.own_names()
    app = app_.build(model, limits, {host, *own, *names}, names)
    with _listening(host, port) as listener:
        _say(model, host, listener.getsockname()[1], progress)
        _set_up_log(access_log)
        try:
            uvicorn.Server(config(app, access_log)).run([listener])
        except KeyboardInterrupt as error:
            raise errors.Interrupted(
                "Ended; the requests in hand were answered."
            ) from error


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, UnicodeError) as error:
        raise errors.MidlevelError(
            f"{host}, port {port}: cannot be served at: "
            f"{getattr(error, 'strerror', None) or error}. Name another address with "
            "--host or --port; --port 0 takes a free one."
        ) from error


def config(app: ASGIApp, access_log: bool = False) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        access_log=access_log,
        http=connections.Connection,
        log_config=None,
        loop="asyncio",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=LAST_SECONDS,
        ws="none",
    )


def _set_up_log(access_log: bool) -> None:
    """Failures of midlevel itself on stderr; requests too where that is asked for."""
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    if access_log:
        logger, handler = logging.getLogger("uvicorn.access"), logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        logger.setLevel(logging.INFO)
        logger.handlers = [handler]


def _say(model: Model, host: str, port: int, progress: Progress) -> None:
    shown, count = f"[{host}]" if ":" in host else host, len(model.classes)
    classes = f"{count} {'class' if count == 1 else 'classes'}"
    progress.say(
        f"serving {model.run.folder} ({classes}) at http://{shown}:{port}/ with "
        f"{model.extractor.backbone.engine}; Ctrl-C ends it"
    )
    if not guard.is_loopback(host):
        progress.say(
            f"warning: everybody who reaches port {port} of this machine can use this: "
            "it asks for no password, and nothing is encrypted. Without --host it is "
            "for this machine alone."
        )
