"""Connections that do nothing shut out nobody; all on the loopback, few."""

import contextlib
import http.client
import json
import socket
import sys
import threading
import time

import pytest

pytest.importorskip("fastapi", reason="needs midlevel[serve]")

from midlevel.serving import connections, server

MOST, MOST_OF_CLIENT = 12, 6
HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


async def application(scope, receive, send):
    """Answers with {}; of /wait when its client goes away."""
    while scope["path"] == "/wait":
        if (await receive())["type"] == "http.disconnect":
            return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


@pytest.fixture
def port(monkeypatch):
    """A server with few connections."""
    monkeypatch.setattr(connections, "MOST", MOST)
    monkeypatch.setattr(connections, "MOST_OF_CLIENT", MOST_OF_CLIENT)
    listener = socket.create_server(("127.0.0.1", 0))
    config = server.config(application)
    config.lifespan = "off"
    one = server.uvicorn.Server(config)
    thread = threading.Thread(target=one.run, args=([listener],))
    thread.start()
    yield listener.getsockname()[1]
    one.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
def wires():
    with contextlib.ExitStack() as stack:
        yield stack


def connect(wires, port, said=b"", source="127.0.0.1"):
    wire = socket.create_connection(("127.0.0.1", port), 20, (source, 0))
    wires.enter_context(wire)
    wire.sendall(said)
    return wire


def answer(wire):
    found = http.client.HTTPResponse(wire)
    found.begin()
    return found.status, json.loads(found.read()), found.headers


def is_ended(wire):
    wire.settimeout(20)
    try:
        return wire.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("said", [b"", HEAD])
def test_idle_connections_make_room_the_oldest_first(port, wires, said):
    idle = [connect(wires, port, said) for _ in range(3 * MOST_OF_CLIENT)]
    for _ in range(3):
        assert answer(connect(wires, port, HEAD + b"\r\n"))[0] == 200
    assert is_ended(idle[0]) and is_ended(idle[1])
    idle[-1].sendall((b"" if said else HEAD) + b"\r\n")
    assert answer(idle[-1])[0] == 200


@pytest.mark.skipif(sys.platform != "linux", reason="needs a second loopback address")
def test_a_client_that_has_all_its_connections_shuts_out_no_other(port, wires):
    busy = HEAD.replace(b"/ ", b"/wait ", 1) + b"\r\n"
    for _ in range(MOST_OF_CLIENT):
        connect(wires, port, busy)
    time.sleep(0.2)  # until they are in hand
    status, said, headers = answer(connect(wires, port))
    assert status == 503 and int(headers["Retry-After"]) >= 1
    assert "Too many connections" in said["detail"]
    other = connect(wires, port, HEAD + b"\r\n", source="127.0.0.2")
    assert answer(other)[0] == 200


def test_a_head_that_does_not_come_is_not_waited_for(port, wires, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    begun, silent = connect(wires, port, HEAD), connect(wires, port)
    status, said, _ = answer(begun)
    assert status == 408 and "The request's head took" in said["detail"]
    assert is_ended(silent)


def test_a_second_head_on_a_connection_has_a_deadline_too(port, wires, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    wire = connect(wires, port, HEAD + b"\r\n")
    assert wire.recv(999).startswith(b"HTTP/1.1 200")
    wire.sendall(HEAD)
    while b"408" not in (piece := wire.recv(999)):
        assert piece  # the rest of the first answer


def test_what_is_no_http_is_answered_as_everything_is(port, wires):
    status, said, headers = answer(connect(wires, port, b"nonsense\r\n\r\n"))
    assert (status, said) == (400, {"detail": "Invalid HTTP request received."})
    assert headers["Content-Type"] == "application/json"


def test_a_request_in_hand_has_no_deadline(port, wires, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.1)
    wire = connect(wires, port, HEAD.replace(b"/ ", b"/wait ", 1) + b"\r\n")
    wire.settimeout(0.5)
    with pytest.raises(TimeoutError):
        wire.recv(1)
