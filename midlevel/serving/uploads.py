"""Uploaded files: multipart/form-data, held in memory, within limits.

Starlette's reader parses. What it lacks is here: bounds on the bytes and the seconds of
a body, and a word where one is cut off. A file's name is a word in the answer, never a
path.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from midlevel.serving.schema import Refused

MAX_FILES = 32  # of one request
PATIENCE = 15.0  # seconds of silence that are borne
LONGEST = 300.0  # seconds; 25 MB over a telephone's bad line


@dataclass(frozen=True)
class Limits:
    """Of one request.

    Attributes:
        size: bytes of the whole body.
        files: how many.
        patience: seconds of silence.
        longest: seconds of the whole body.
    """

    size: int
    files: int = MAX_FILES
    patience: float = PATIENCE
    longest: float = LONGEST


@dataclass(frozen=True)
class Upload:
    """A file: what the client calls it, and its bytes."""

    name: str
    data: bytes


async def read(request: Request, limits: Limits) -> list[Upload]:
    """The files of a request, in their order.

    Raises:
        Refused: they are too many, too large, too slow, or no multipart/form-data.
        starlette.requests.ClientDisconnect: the client went away.
    """
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated) > limits.size:
        raise _too_large(limits)
    _check_kind(request.headers.get("content-type"))
    parser = _Parser(request.headers, _bounded(request, limits), limits)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise Refused(
            400,
            f"Expected multipart/form-data of nothing but files. {error.message}",
        ) from error
    try:
        files = [file for _, file in form.multi_items() if isinstance(file, UploadFile)]
        if not files:
            raise Refused(400, "Expected at least one file. Received none.")
        return [Upload(file.filename or "", await file.read()) for file in files]
    finally:
        await form.close()


class _Parser(MultiPartParser):
    """Starlette's, whose files stay in memory: a body is no larger than `limits`."""

    def __init__(
        self, headers: Headers, stream: AsyncGenerator[bytes, None], limits: Limits
    ) -> None:
        whole = self._to_its_end(stream)
        super().__init__(headers, whole, max_files=limits.files, max_fields=0)
        self.spool_max_size = limits.size  # of this request; the class keeps its own
        self._is_whole = False

    def on_part_begin(self) -> None:
        if len(self.items) == self.max_files:
            raise Refused(
                413,
                f"Expected at most {self.max_files} files in a request. Send the "
                "others in another.",
            )
        super().on_part_begin()

    def on_end(self) -> None:
        self._is_whole = True

    async def _to_its_end(
        self, stream: AsyncGenerator[bytes, None]
    ) -> AsyncGenerator[bytes, None]:
        async for piece in stream:
            yield piece
        if not self._is_whole:  # said here, so that Starlette closes what it opened
            raise Refused(
                400, "The multipart/form-data is cut off. Send the files again."
            )


async def _bounded(request: Request, limits: Limits) -> AsyncGenerator[bytes, None]:
    """The pieces of a body, as long as they are within `limits`."""
    now = asyncio.get_running_loop().time
    begun, received, pieces = now(), 0, request.stream()
    while True:
        due = min(now() + limits.patience, begun + limits.longest)
        try:
            async with asyncio.timeout_at(due):
                piece = await anext(pieces, b"")
        except TimeoutError as error:
            raise Refused(
                408,
                f"The files came too slowly: {received:,} bytes in {now() - begun:.0f} "
                "seconds. Send them again over a better line.",
                {"Connection": "close"},
            ) from error
        if not piece:
            return
        received += len(piece)
        if received > limits.size:
            raise _too_large(limits)
        yield piece


def _too_large(limits: Limits) -> Refused:
    return Refused(
        413,
        f"Expected at most {limits.size:,} bytes in a request. Send fewer photographs "
        "at a time or smaller ones, or start midlevel serve with --max-upload.",
    )


def _check_kind(content_type: str | None) -> None:
    kind, _ = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        raise Refused(
            415,
            "Expected files as multipart/form-data, as a form sends them. Received: "
            f"{content_type or 'no content type'}.",
        )
