"""The application: a page, and the same as JSON."""

import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import asdict
from importlib import metadata
from typing import Annotated, Any

import fastapi
from fastapi import Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.requests import ClientDisconnect

from midlevel.pages import rendering
from midlevel.prediction.model import Model
from midlevel.serving import guard, schema, scoring, uploads
from midlevel.serving.schema import Refused

EVERY = "*"  # score maps of all classes
GONE = 499  # what nginx notes of a client that went away; nobody reads it
REFUSALS = {
    400: "no or damaged multipart/form-data, or a host that is not known",
    403: "a page from elsewhere",
    408: "too slow",
    413: "too large, or too many files",
    422: "a setting in the address that means nothing",
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
    async def life(_: fastapi.FastAPI) -> AsyncIterator[None]:
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
    app.exception_handler(Refused)(_refuse)
    app.exception_handler(RequestValidationError)(_misread)
    app.exception_handler(Exception)(_fail)
    _add_reads(app, page, facts, scorer)
    _add_predict(app, model.classes, limits, scorer)
    return guard.Guard(app, guard.policy(page), names, origins)


def describe(model: Model, limits: uploads.Limits) -> dict[str, Any]:
    """What `schema.ModelFacts` says."""
    return {
        "schema": schema.MODEL,
        "run": model.run.folder.resolve().name,
        "classes": list(model.classes),
        "thresholds": model.thresholds,
        "k": model.k,
        "aggregation": asdict(model.aggregation),
        "backbone": model.config.backbone.name,
        "engine": str(model.extractor.backbone.engine),
        "fingerprint": model.fingerprint,
        "version": metadata.version("midlevel"),
        "max_upload": limits.size,
        "max_files": limits.files,
    }


async def _refuse(_: Request, refused: Refused) -> JSONResponse:
    return JSONResponse({"detail": refused.detail}, refused.status, refused.headers)


async def _misread(_: Request, error: RequestValidationError) -> JSONResponse:
    """FastAPI's own answer is a list; ours is text, as everywhere."""
    first = error.errors()[0]
    name, received = first["loc"][-1], str(first["input"])[:80]
    return JSONResponse(
        {"detail": f"{name}: {first['msg']}. Received: {received}."}, 422
    )


async def _fail(_: Request, error: Exception) -> JSONResponse:
    why = "midlevel failed; what it printed where it was started says more."
    return JSONResponse({"detail": why}, 500)


def _add_reads(
    app: fastapi.FastAPI, page: str, facts: dict[str, Any], scorer: scoring.Scorer
) -> None:
    @app.head("/", include_in_schema=False)
    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def index() -> HTMLResponse:
        return HTMLResponse(page)

    @app.head("/api/model", include_in_schema=False)
    @app.get("/api/model", response_model=schema.ModelFacts)
    async def model() -> JSONResponse:
        """What is served, and what it takes."""
        return JSONResponse(facts)

    @app.head("/healthz", include_in_schema=False)
    @app.get("/healthz", response_model=schema.Health)
    async def health() -> JSONResponse:
        """Whether the server answers."""
        return JSONResponse({"status": "ok", "in_hand": scorer.in_hand})


def _add_predict(
    app: fastapi.FastAPI,
    classes: Sequence[str],
    limits: uploads.Limits,
    scorer: scoring.Scorer,
) -> None:
    refusals: dict[int | str, dict[str, Any]] = {
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
        openapi_extra=_body(limits),
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
    ) -> Response:
        """What is in photographs: files of multipart/form-data, a record each."""
        extras = scoring.Extras(chosen(maps or (), classes), pictures)
        try:
            with scorer.place():
                files = await uploads.read(request, limits)
                found = await scorer.answers(files, extras, _gone(request))
        except (ClientDisconnect, scoring.Gone):
            return Response(status_code=GONE)
        return _answer(found)


def _body(limits: uploads.Limits) -> dict[str, Any]:
    """What FastAPI cannot see: `uploads` reads the body."""
    file = {"type": "string", "format": "binary"}
    files = {"type": "array", "minItems": 1, "maxItems": limits.files, "items": file}
    form = {"type": "object", "required": ["files"], "properties": {"files": files}}
    return {
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": {"schema": form}},
        }
    }


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


async def _gone(request: Request) -> None:
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
