"""What every request must show, and what every answer says to a browser."""

import base64
import hashlib
import ipaddress
import json
import re
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL = frozenset(("localhost",))
HEADERS = {
    "Cache-Control": "no-store",  # photographs are nobody else's business
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """An ASGI application before another.

    A request must name this machine in `Host`: by a number, as localhost, or by a name
    of `names`. Another's name that was made to point here (DNS rebinding) is refused.
    So is what a page from elsewhere sends, by its `Origin`, unless it is one of
    `origins`: another port of this machine is elsewhere too. A request without one, as
    programs send it, is served.

    Starlette's TrustedHostMiddleware has no pattern for "any number" and answers with
    plain text; an `Origin` it does not look at.
    """

    def __init__(
        self,
        app: ASGIApp,
        policy: str,
        names: Iterable[str] = (),
        origins: Iterable[str] = (),
    ) -> None:
        self._app = app
        self._origins = {name.lower() for name in origins}
        self._names = LOCAL | self._origins | {name.lower() for name in names}
        found = {**HEADERS, "Content-Security-Policy": policy}
        self._headers = [
            (name.lower().encode(), value.encode()) for name, value in found.items()
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def say(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), *self._headers]
                message = {**message, "headers": headers}
            await send(message)

        refusal = self._refusal(dict(scope["headers"]))
        if refusal:
            await _refuse(say, *refusal)
        else:
            await self._app(scope, receive, say)

    def _refusal(self, headers: dict[bytes, bytes]) -> tuple[int, str] | None:
        host = headers.get(b"host", b"").decode("latin-1")
        if not self._is_known(_hostname(f"//{host}")):
            return 400, (
                f"The host {host!r} is not known here. Use the address that midlevel "
                "serve printed, or start it with --allow-host."
            )
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin and not self._is_ours(origin, host):
            return 403, f"Pages of {origin} may not use this server."
        return None

    def _is_ours(self, origin: str, host: str) -> bool:
        name = _hostname(origin)
        return origin.partition("//")[2] == host or name in self._origins

    def _is_known(self, name: str) -> bool:
        return name in self._names or is_number(name)


def policy(page: str) -> str:
    """What a browser may do: run the page's own script and style, and ask this server.

    Both stand in the page; their checksums name them (CSP level 3, section 2.3.1).
    """
    allowed = {
        f"{tag}-src": " ".join(
            map(_checksum, re.findall(f"(?s)<{tag}>(.*?)</{tag}>", page))
        )
        for tag in ("script", "style")
    }
    rules = {
        "default-src": "'none'",
        **{name: sums or "'none'" for name, sums in allowed.items()},
        "connect-src": "'self'",
        "img-src": "'self' blob: data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _checksum(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def own_names() -> set[str]:
    """What this machine is called in a local network."""
    name = socket.gethostname().lower()
    return {name, f"{name}.local"}


def is_number(host: str) -> bool:
    """Whether a host is an IP address, which nobody can make to point elsewhere."""
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Whether a host is reached from this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    return host in LOCAL or (is_number(host) and ipaddress.ip_address(host).is_loopback)


def _hostname(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


async def _refuse(send: Send, status: int, detail: str) -> None:
    body = json.dumps({"detail": detail}).encode()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
