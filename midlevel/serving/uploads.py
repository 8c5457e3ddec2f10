"""Uploaded files: multipart/form-data (RFC 7578), held in memory, within limits.

Starlette's own reader puts files on disk and counts only fields. This one keeps nothing
beyond the limits, and a file's name is a word in the answer, never a path.
"""

import asyncio
import contextlib
from dataclasses import dataclass

import python_multipart
from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from midlevel.serving.refusal import Refused

MAX_FILES = 32  # of one request
PATIENCE = 15.0  # seconds of silence that are borne
SLOWEST = 10_000  # bytes a second; a telephone with a bad line has more


@dataclass(frozen=True)
class Limits:
    """Of one request.

    Attributes:
        size: bytes of the whole body.
        files: how many.
        patience: seconds of silence; the first may be slow without any.
        slowest: bytes a second, on average, after them.
    """

    size: int
    files: int = MAX_FILES
    patience: float = PATIENCE
    slowest: float = SLOWEST


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
    parts = _Parts(_boundary(request.headers.get("content-type")), limits)
    now = asyncio.get_running_loop().time
    begun, received = now(), 0
    try:
        async with asyncio.timeout(limits.patience) as end:
            async for chunk in request.stream():
                received += len(chunk)
                if received > limits.size:
                    raise _too_large(limits)
                parts.feed(chunk)
                due = begun + limits.patience + received / limits.slowest
                end.reschedule(min(due, now() + limits.patience))
    except TimeoutError as error:
        raise Refused(
            408,
            f"The files came too slowly: {received:,} bytes in {now() - begun:.0f} "
            "seconds. Send them again over a better line.",
            {"Connection": "close"},
        ) from error
    return parts.finish()


def _too_large(limits: Limits) -> Refused:
    return Refused(
        413,
        f"Expected at most {limits.size:,} bytes in a request. Send fewer photographs "
        "at a time or smaller ones, or start midlevel serve with --max-upload.",
    )


def _boundary(content_type: str | None) -> bytes:
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        raise Refused(
            415,
            "Expected files as multipart/form-data, as a form sends them. Received: "
            f"{content_type or 'no content type'}.",
        )
    if not options.get(b"boundary"):
        raise Refused(400, "Expected multipart/form-data that names its boundary.")
    return options[b"boundary"]


class _Parts:
    """The files, as pieces of the body come in."""

    def __init__(self, boundary: bytes, limits: Limits):
        self._limits = limits
        self._done: list[Upload] = []
        self._is_whole = False
        self._begin()
        with _explained():
            self._parser = python_multipart.MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._add_field,
                    "on_header_value": self._add_value,
                    "on_header_end": self._end_header,
                    "on_headers_finished": self._name,
                    "on_part_data": self._add_data,
                    "on_part_end": self._end_part,
                    "on_end": self._end,
                },
            )

    def feed(self, chunk: bytes):
        """Take the next piece."""
        with _explained():
            self._parser.write(chunk)

    def finish(self) -> list[Upload]:
        """All files."""
        if not self._is_whole:
            raise Refused(
                400, "The multipart/form-data is cut off. Send the files again."
            )
        if not self._done:
            raise Refused(400, "Expected at least one file. Received none.")
        return self._done

    # === What the parser calls ===

    def _begin(self):
        if len(self._done) == self._limits.files:
            raise Refused(
                413,
                f"Expected at most {self._limits.files} files in a request. Send the "
                "others in another.",
            )
        self._field, self._value, self._data = bytearray(), bytearray(), bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._file = ""

    def _add_field(self, data: bytes, start: int, end: int):
        self._field += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int):
        self._value += data[start:end]

    def _end_header(self):
        self._headers[bytes(self._field).lower()] = bytes(self._value)
        self._field, self._value = bytearray(), bytearray()

    def _name(self):
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        if b"filename" not in options:
            raise Refused(
                400, "Expected nothing but files. Received a field without a file name."
            )
        self._file = options[b"filename"].decode("utf-8", "replace")

    def _add_data(self, data: bytes, start: int, end: int):
        self._data += data[start:end]

    def _end_part(self):
        self._done.append(Upload(self._file, bytes(self._data)))
        self._data = bytearray()

    def _end(self):
        self._is_whole = True


@contextlib.contextmanager
def _explained():
    """Turns what the parser raises into a refusal."""
    try:
        yield
    except python_multipart.exceptions.FormParserError as error:
        raise Refused(400, f"The multipart/form-data is damaged: {error}.") from error
