"""Connections, so that idle ones shut out nobody.

uvicorn bounds how many there are (`limit_concurrency`), with a plain 503 for everybody
from then on, and waits for a request's head for ever. Here a head has a deadline; where
there are too many connections, of one client or of all, an idle one makes room, the
one that would end soonest; and what is refused is told why, as everywhere.
"""

import asyncio
import json
from collections.abc import Iterable
from typing import cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from midlevel.serving.schema import AGAIN

MOST = 512  # connections at a time; a process may open 1024 files by default
MOST_OF_CLIENT = 128  # of one address, such as a proxy's; a browser opens 6
HEAD_SECONDS = 10.0  # that a request's head may take


class Connection(H11Protocol):
    """uvicorn's connection, bounded."""

    _deadline: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Whether no request is in hand."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._expect_head()
        others = cast("set[Connection]", self.connections) - {self}
        of_client = {one for one in others if _address(one) == _address(self)}
        for some, most in ((of_client, MOST_OF_CLIENT), (others, MOST)):
            if len(some) >= most and not _make_room(some):
                self._say(503, "Too many connections at a time. Try again soon.")
                return

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_nothing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        if not self.is_idle:
            self._expect_nothing()
        elif self._deadline is None:
            self._expect_head()

    def send_400_response(self, msg: str) -> None:
        """What is said where the request is not HTTP."""
        self._say(400, msg)

    def leave(self) -> None:
        """End the connection, which is idle."""
        self.connections.discard(self)
        self.timeout_keep_alive_handler()

    @property
    def until(self) -> float:
        """When it ends if it stays idle, on the loop's clock."""
        timers = (self._deadline, self.timeout_keep_alive_task)
        return min((timer.when() for timer in timers if timer), default=0.0)

    def _expect_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _expect_nothing(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        if self.conn.trailing_data[0]:  # of a head; where nothing came, nothing is said
            self._say(408, f"The request's head took over {HEAD_SECONDS:.0f} seconds.")
        else:
            self.leave()

    def _say(self, status: int, detail: str) -> None:
        """Answer without the application, and end the connection."""
        if self.transport.is_closing():
            return
        body = json.dumps({"detail": detail}).encode()
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
        if status == 503:
            headers += AGAIN.items()
        try:
            for event in (
                h11.Response(status_code=status, headers=headers),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        except h11.LocalProtocolError:
            pass  # an answer is on its way already
        self.connections.discard(self)
        self.transport.close()


def _address(connection: H11Protocol) -> str | None:
    return connection.client[0] if connection.client else None


def _make_room(some: Iterable[Connection]) -> bool:
    """End the idle connection that would end soonest; False where none is idle."""
    idle = [one for one in some if one.is_idle]
    if idle:
        min(idle, key=lambda one: one.until).leave()
    return bool(idle)
