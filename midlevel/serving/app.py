"""The application: a page, and the same as JSON."""

import contextlib
from collections.abc import Iterable, Sequence
from importlib import metadata
from typing import Annotated

import fastapi
from fastapi import Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.requests import ClientDisconnect

from midlevel.pages import rendering
from midlevel.prediction.model import Model
from midlevel.serving import guard, schema, scoring, uploads
from midlevel.serving.refusal import Refused

EVERY = "*"  # score maps of all classes
GONE = 499  # what nginx notes of a client that went away; nobody reads it
FILES = {  # what FastAPI cannot see: the body is read by `uploads`
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                        }
                    },
                }
            }
        },
    }
}
REFUSALS = {
    400: "no or damaged multipart/form-data, or a host that is not known",
    403: "a page from elsewhere",
    408: "too slow",
    413: "too large, or too many files",
    503: "too many requests in hand; Retry-After says when to try again",
}


def build(
    model: Model,
    limits: uploads.Limits,
    names: Iterable[str] = (),
    origins: Iterable[str] = (),
    places: int = scoring.PLACES,
) -> guard.Guard:
    """The application, behind its guard.

    Args:
        names: of this machine, that a request may call it.
        origins: names of machines whose pages may use it, whatever their port.
        places: requests in hand at a time.
    """
    scorer = scoring.Scorer(model, places)
    facts = describe(model, limits)
    page = rendering.render("serve.html", facts=facts)

    @contextlib.asynccontextmanager
    async def life(_):
        yield
        scorer.close()

    app = fastapi.FastAPI(
        title="midlevel",
        version=metadata.version("midlevel"),
        description="What is in photographs, and where.",
        docs_url=None,  # these load scripts from elsewhere
        redoc_url=None,
        lifespan=life,
    )
    app.add_exception_handler(Refused, _refuse)
    _add_reads(app, page, facts, scorer)
    _add_predict(app, model.classes, limits, scorer)
    return guard.Guard(app, guard.policy(page), names, origins)


def describe(model: Model, limits: uploads.Limits) -> dict:
    """What `schema.Model` says."""
    return {
        "schema": schema.MODEL,
        "run": model.run.folder.resolve().name,
        "classes": list(model.classes),
        "thresholds": model.thresholds,
        "k": model.k,
        "backbone": model.config.backbone.name,
        "engine": str(model.extractor.backbone.engine),
        "fingerprint": model.fingerprint,
        "version": metadata.version("midlevel"),
        "max_upload": limits.size,
        "max_files": limits.files,
    }


def _refuse(_: Request, refused: Refused) -> JSONResponse:
    return JSONResponse({"detail": refused.detail}, refused.status, refused.headers)


def _add_reads(app: fastapi.FastAPI, page: str, facts: dict, scorer: scoring.Scorer):
    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def index():
        return page

    @app.get("/api/model", response_model=schema.Model)
    async def model():
        """What is served, and what it takes."""
        return JSONResponse(facts)

    @app.get("/healthz", response_model=schema.Health)
    async def health():
        """Whether the server answers."""
        return {"status": "ok", "in_hand": scorer.in_hand}


def _add_predict(
    app: fastapi.FastAPI,
    classes: Sequence[str],
    limits: uploads.Limits,
    scorer: scoring.Scorer,
):
    refusals = {
        status: {"model": schema.Refusal, "description": why}
        for status, why in REFUSALS.items()
    }
    unread = {
        "model": schema.Unreadable | schema.Refusal,
        "description": "not multipart/form-data, or no file is a photograph",
    }

    @app.post(
        "/api/predict",
        response_model=schema.Predictions,
        responses={**refusals, 415: unread},
        openapi_extra=FILES,
    )
    async def predict(
        request: Request,
        maps: Annotated[
            list[str] | None,
            Query(description="Classes whose score maps are wanted, or * for all."),
        ] = None,
        pictures: Annotated[
            bool, Query(description="Whether small upright JPEGs are wanted.")
        ] = False,
    ):
        """What is in photographs: files of multipart/form-data, a record each."""
        extras = scoring.Extras(chosen(maps or (), classes), pictures)
        try:
            with scorer.place():
                files = await uploads.read(request, limits)
                found = await scorer.answers(files, extras, _gone(request))
        except (ClientDisconnect, scoring.Gone):
            return Response(status_code=GONE)
        return _answer(found)


def _answer(found: Sequence[scoring.Answer]) -> JSONResponse:
    body = {
        "records": [one.record for one in found],
        "maps": [one.maps for one in found],
        "pictures": [one.picture for one in found],
    }
    if not all(one.record["failure"] for one in found):
        return JSONResponse(body)
    why = "None of the files can be read as a photograph; their records say why."
    return JSONResponse({"detail": why, **body}, 415)


async def _gone(request: Request):
    """Ends when the client goes away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def chosen(asked: Iterable[str], classes: Sequence[str]) -> list[str]:
    """Classes that `?maps=` names: one, several between commas, or all.

    Raises:
        Refused: there is no such class.

    >>> chosen(["cat,dog", "a,b"], ["a,b", "cat", "dog"])
    ['cat', 'dog', 'a,b']
    """
    names = []
    for text in asked:
        names += [text] if text in classes else text.split(",")
    if EVERY in names and EVERY not in classes:
        return list(classes)
    unknown = [name for name in names if name not in classes]
    if unknown:
        raise Refused(
            400,
            f"maps: expected classes of this model, or * for all. Received: "
            f"{unknown[0]!r}.",
        )
    return list(dict.fromkeys(names))
