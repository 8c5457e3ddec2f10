"""The page and API of `midlevel serve`, and what strangers may try with them."""

import asyncio
import base64
import contextlib
import hashlib
import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import helpers
import numpy as np
import pytest
import stub
from click.testing import CliRunner

import midlevel
from midlevel import errors, serving
from midlevel.commands.cli import cli
from midlevel.images import decoding
from midlevel.pages import rendering
from midlevel.prediction import localising, model

pytest.importorskip("fastapi", reason="needs midlevel[serve]")
from fastapi.testclient import TestClient

from midlevel.serving import app, guard, schema, scoring, server, uploads

MOST = 300_000  # bytes of a request here
TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def loaded(trained):
    return midlevel.load(trained.folder, engine="openvino")


@pytest.fixture(scope="module")
def application(loaded):
    return app.build(
        loaded,
        uploads.Limits(MOST, patience=0.5, longest=1.5),
        {"127.0.0.1"},
        {"my.host"},
    )


@pytest.fixture(scope="module")
def client(application):
    with TestClient(application, "http://127.0.0.1:8000") as client:
        yield client


@pytest.fixture(scope="module")
def photographs(toy_voc):
    return sorted((toy_voc / "JPEGImages").glob("val_*.jpg"))


def sent(*pairs):
    """Files for a form: `(name, bytes)`."""
    return [("files", pair) for pair in pairs]


def post(client, *pairs, maps=None, **options):
    params = {} if maps is None else {"maps": maps}
    return client.post("/api/predict", files=sent(*pairs), params=params, **options)


def expected(loaded, path):
    (record,) = loaded.predict(path)
    return {**record, "file": path.name}


# === The API ===


def test_records_are_those_of_predict_in_the_order_of_the_files(
    client, loaded, photographs
):
    some = photographs[::-1]
    done = post(client, *((path.name, path.read_bytes()) for path in some))
    assert done.status_code == 200
    assert done.json()["records"] == [expected(loaded, path) for path in some]
    assert done.json()["maps"] == [{}] * len(some)


def test_a_model_of_the_whole_photograph_is_served_too(trained, photographs, tmp_path):
    folder = stub.with_whole(trained, tmp_path / "run").folder
    looking = midlevel.load(folder, engine="openvino")
    served, path = (
        app.build(looking, uploads.Limits(MOST), {"127.0.0.1"}, set()),
        photographs[0],
    )
    with TestClient(served, "http://127.0.0.1:8000") as client:
        (record,) = post(client, (path.name, path.read_bytes())).json()["records"]
    assert record == expected(looking, path)


def test_a_file_that_cannot_be_read_fails_alone(client, loaded, photographs):
    good = photographs[0]
    done = post(client, ("bad.jpg", b"no image"), (good.name, good.read_bytes()))
    assert done.status_code == 200
    failed, labelled = done.json()["records"]
    assert failed["failure"].startswith("bad.jpg: is not an image that can be read")
    assert labelled == expected(loaded, good)


def test_a_name_is_a_word_and_may_have_any_letters(client, photographs):
    for name in ("été 개.jpg", "a b;c.jpg", "-.jpg", "x" * 300):
        (record,) = post(client, (name, photographs[0].read_bytes())).json()["records"]
        assert record["file"] == name


def test_what_is_answered_is_what_the_schema_says(client, photographs):
    good, bad = ("a.jpg", photographs[1].read_bytes()), ("b.jpg", b"")
    schema.Predictions.model_validate(post(client, good, bad, maps="*").json())
    schema.Unreadable.model_validate(post(client, bad).json())
    schema.ModelFacts.model_validate(client.get("/api/model").json())
    schema.Health.model_validate(client.get("/healthz").json())
    schema.Refusal.model_validate(client.post("/api/predict").json())


def test_score_maps_come_as_grey_pictures(client, loaded, photographs):
    path = photographs[2]
    done = post(client, (path.name, path.read_bytes()), maps="wedge")
    ((name, uri),) = done.json()["maps"][0].items()
    kind, _, text = uri.partition(",")
    assert (name, kind) == ("wedge", "data:image/png;base64")
    picture = decoding.decode(base64.b64decode(text), "map")
    found = loaded.windows(decoding.decode(path.read_bytes(), path))
    heat = found.map("wedge", localising.map_size(found.plan.size_wh))
    assert picture.shape == (*heat.shape, 3) and max(heat.shape) == 64
    assert np.abs(picture - 255 * heat[..., None]).max() <= 1


def test_pictures_of_the_photographs_can_be_asked_for(client):
    wide = helpers.pixels.encode_jpeg(np.full((800, 1600, 3), 90, np.uint8))
    files = sent(("a.jpg", wide), ("b", b""))
    done = client.post("/api/predict", files=files, params={"pictures": True})
    uri, nothing = done.json()["pictures"]
    picture = decoding.decode(base64.b64decode(uri.partition(",")[2]), "picture")
    assert uri.startswith("data:image/jpeg;base64,") and nothing is None
    assert picture.shape[1] == 2 * picture.shape[0] <= 960


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("*", ["disc", "square", "wedge"]),
        ("disc,wedge", ["disc", "wedge"]),
        (["wedge", "disc", "wedge"], ["wedge", "disc"]),
    ],
)
def test_several_maps_or_all_can_be_asked_for(client, photographs, asked, names):
    done = post(client, ("a.jpg", photographs[0].read_bytes()), maps=asked)
    assert list(done.json()["maps"][0]) == names


def test_a_map_of_no_class_is_refused(client, photographs):
    done = post(client, ("a.jpg", photographs[0].read_bytes()), maps="disc,dog")
    assert done.status_code == 400
    assert "expected classes of this model" in done.json()["detail"]
    assert "'dog'" in done.json()["detail"]


def test_a_setting_that_means_nothing_is_answered_with_text(client, photographs):
    files = sent(("a.jpg", photographs[0].read_bytes()))
    done = client.post("/api/predict", files=files, params={"pictures": "perhaps"})
    assert done.status_code == 422
    schema.Refusal.model_validate(done.json())
    assert done.json()["detail"].startswith("pictures: ")
    assert done.json()["detail"].endswith("Received: perhaps.")
    found = client.get("/openapi.json").json()["paths"]["/api/predict"]["post"]
    said = found["responses"]["422"]["content"]["application/json"]["schema"]
    assert said["$ref"].endswith("/Refusal")


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/model", "/openapi.json"])
def test_what_can_be_got_has_a_head(client, path):
    head, whole = client.head(path), client.get(path)
    assert head.status_code == whole.status_code == 200
    assert head.headers["content-type"] == whole.headers["content-type"]


def test_the_model_says_what_it_is(client, loaded):
    found = client.get("/api/model").json()
    assert found["classes"] == ["disc", "square", "wedge"]
    assert found["thresholds"] == loaded.thresholds and found["k"] == loaded.k
    assert found["fingerprint"] == loaded.fingerprint
    assert found["run"] == "run"  # no path of the machine
    assert found["max_upload"] == MOST


def test_the_schema_of_the_api_needs_no_page_from_elsewhere(client):
    found = client.get("/openapi.json").json()
    body = found["paths"]["/api/predict"]["post"]["requestBody"]
    files = body["content"]["multipart/form-data"]["schema"]["properties"]["files"]
    assert (files["minItems"], files["maxItems"]) == (1, uploads.MAX_FILES)
    assert client.get("/docs").status_code == client.get("/redoc").status_code == 404


# === The page ===


def test_the_page_holds_all_it_needs(client):
    page = client.get("/").text
    assert "This model knows disc, square, wedge." in page
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", page)
    policy = client.get("/").headers["content-security-policy"]
    for tag in ("script", "style"):
        for text in re.findall(f"(?s)<{tag}[^>]*>(.*?)</{tag}>", page):
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy
    assert "unsafe" not in policy and " style=" not in page and " onclick" not in page


def test_names_of_classes_do_nothing_to_the_page(application, loaded):
    facts = app.describe(loaded, uploads.Limits(1))
    page = rendering.render(
        "serve.html", facts={**facts, "classes": ["<script>x</script>"]}
    )
    assert "&lt;script&gt;" in page and page.count("<script>") == 1


# === Who may ask, and what is said to browsers ===


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost:8000",
        "[::1]:8000",
        "192.168.0.7",
        "my.host",
        "MY.host:1",
    ],
)
def test_this_machine_may_be_named(client, host):
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "[", "a@b"]
)
def test_a_name_that_was_made_to_point_here_is_refused(client, host):
    done = client.get("/healthz", headers={"Host": host})
    assert done.status_code == 400 and "is not known here" in done.json()["detail"]


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:8000", 200),
        ("https://my.host", 200),
        ("http://127.0.0.1:9000", 403),
        ("http://localhost:9000", 403),
        ("https://evil.example", 403),
        ("null", 403),
    ],
)
def test_pages_from_elsewhere_may_not_ask(client, photographs, origin, status):
    file = ("a.jpg", photographs[0].read_bytes())
    done = post(client, file, headers={"Origin": origin})
    assert done.status_code == status
    assert "access-control-allow-origin" not in done.headers


def test_every_answer_tells_a_browser_to_be_careful(client, loaded, monkeypatch):
    answers = [
        client.get("/"),
        client.get("/gone"),
        client.get("/healthz", headers={"Host": "evil.example"}),
        client.get("/api/predict"),
        client.post("/api/predict"),
        post(client, ("a.jpg", b"no image")),
        post(client, ("a.jpg", bytes(MOST + 1))),
        client.options("/api/predict", headers={"Origin": "http://127.0.0.1:8000"}),
    ]
    monkeypatch.setattr(scoring.Scorer, "place", None)  # a mistake of ours
    broken = app.build(loaded, uploads.Limits(MOST))
    with TestClient(broken, "http://localhost", raise_server_exceptions=False) as other:
        answers.append(post(other, ("a.jpg", b"")))
    codes = [answer.status_code for answer in answers]
    assert codes == [200, 404, 400, 405, 415, 415, 413, 405, 500]
    assert all("detail" in answer.json() for answer in answers[1:])
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"


# === Hostile uploads ===


def form(*parts, boundary="b", end=True):
    """The body of a form, from heads and contents of its parts."""
    text = b"".join(
        b"--%s\r\n%s\r\n\r\n%s\r\n" % (boundary.encode(), head, data)
        for head, data in parts
    )
    return text + (b"--%s--\r\n" % boundary.encode() if end else b"")


FILE = b'Content-Disposition: form-data; name="files"; filename="a.jpg"'


def send(client, body, kind="multipart/form-data; boundary=b"):
    return client.post("/api/predict", content=body, headers={"Content-Type": kind})


PNG_BOMB = (
    b"\x89PNG\r\n\x1a\n"
    + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 100_000, 100_000, 8, 2, 0, 0, 0)
    + bytes(99)
)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"PK\x03\x04" + bytes(99), "is a ZIP archive"),
        (b"<!doctype html><script>alert(1)</script>", "is a page of HTML or XML"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "is a page of HTML or XML"),
        (b"MZ" + bytes(99), "is not an image that can be read"),
        (b"", "is empty"),
        (PNG_BOMB, "100,000 x 100,000 pixels, more than"),
        (b"\xff\xd8\xff\xe0" + bytes(99), "is JPEG and names no size"),
    ],
)
def test_what_is_no_photograph_is_refused_whatever_its_name(client, data, why):
    done = post(client, ("a.jpg", data))
    assert done.status_code == 415
    assert why in done.json()["records"][0]["failure"]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "..\\..\\a.jpg", "a\0b.jpg", "CON", ""]
)
def test_a_name_leads_nowhere(client, photographs, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    head = b'Content-Disposition: form-data; name="files"; filename="%s"'
    body = form((head % name.encode(), photographs[0].read_bytes()))
    (record,) = send(client, body).json()["records"]
    assert record["failure"] is None and record["file"] == name
    assert not list(tmp_path.iterdir())


def test_nothing_of_the_machine_can_be_reached(client):
    for path in ("/../../etc/passwd", "/api/..%2f..%2fetc/passwd", "//etc/passwd"):
        assert client.get(path).status_code == 404
    assert client.get("/api/model", params={"run": "/etc"}).json()["run"] == "run"


def test_uploads_are_not_written_to_disk(client, photographs, monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("a file was made")

    for name in (
        "NamedTemporaryFile",
        "TemporaryFile",
        "SpooledTemporaryFile.rollover",
    ):
        monkeypatch.setattr(f"tempfile.{name}", refuse)
    monkeypatch.setattr(uploads._Parser, "spool_max_size", 1)  # what Starlette has
    data = photographs[0].read_bytes() + bytes(200_000)
    assert post(client, ("a.jpg", data)).status_code == 200
    assert post(client, ("a.jpg", data), ("b.jpg", data)).status_code == 413


def test_a_body_that_is_said_to_be_too_large_is_refused(client):
    headers = {"Content-Length": str(MOST + 1), "Content-Type": "multipart/form-data"}
    done = client.post("/api/predict", content=iter([b"x"]), headers=headers)
    assert done.status_code == 413
    assert "at most 300,000 bytes in a request" in done.json()["detail"]


@pytest.mark.parametrize("stated", [[], [(b"content-length", b"9999999")]])
def test_no_more_is_taken_than_the_limit(application, stated):
    taken, said = [], []
    start = form((FILE, b""), end=False)[:-2]

    async def receive():
        taken.append(bytes(10_000) if taken else start)
        return {"type": "http.request", "body": taken[-1], "more_body": True}

    async def send(message):
        said.append(message)

    kind = (b"content-type", b"multipart/form-data; boundary=b")
    scope = {"type": "http", "method": "POST", "path": "/api/predict", "headers": []}
    scope |= {"query_string": b"", "http_version": "1.1", "root_path": ""}
    scope["headers"] = [(b"host", b"localhost"), kind, *stated]
    asyncio.run(application(scope, receive, send))
    assert said[0]["status"] == 413
    assert sum(map(len, taken)) <= (0 if stated else MOST + 10_000)


def test_too_many_parts_are_refused_at_the_first_too_many(client):
    done = send(client, form(*[(FILE, b"x")] * 3000))
    assert done.status_code == 413
    assert "at most 32 files in a request" in done.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        (form((FILE, b"abc"), end=False), 400, "is cut off"),
        (form((FILE, b"abc"))[:60], 400, "is cut off"),
        (form((FILE, b"abc"))[:-6], 400, "is cut off"),
        (b"", 400, "is cut off"),
        (form(), 400, "at least one file. Received none"),
        (
            form((b'Content-Disposition: form-data; name="x"', b"1")),
            400,
            "nothing but files",
        ),
        (form((b"X: y", b"1")), 400, "nothing but files"),
        (form((b"\r\n".join([FILE, *[b"X: y"] * 99]), b"1")), 400, "nothing but files"),
        (form((FILE + b"x" * 9999, b"1")), 400, "nothing but files"),
        (form((b"no colon", b"1")), 400, "nothing but files"),
        (b"nonsense", 400, "nothing but files"),
    ],
)
def test_a_form_that_is_none_is_refused(client, body, status, why):
    done = send(client, body)
    assert done.status_code == status and why in done.json()["detail"]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("image/jpeg", 415),
        ("application/json", 415),
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=" + "b" * 999, 400),
        ("multipart/form-data; boundary=\xff", 400),
    ],
)
def test_a_body_of_another_kind_is_refused(client, kind, status):
    done = send(client, form((FILE, b"x")), kind.encode("latin-1"))
    assert done.status_code == status and done.json()["detail"]


# === On a wire ===


@contextlib.contextmanager
def running(application):
    """A real server on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    one = server.uvicorn.Server(server.config(application))
    thread = threading.Thread(target=one.run, args=([listener],))
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        one.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="module")
def port(application):
    with running(application) as port:
        yield port


def begin(port, length=None):
    """A connection that has sent the head of a request."""
    wire = socket.create_connection(("127.0.0.1", port), timeout=20)
    how = f"Content-Length: {length}" if length else "Transfer-Encoding: chunked"
    wire.sendall(
        f"POST /api/predict HTTP/1.1\r\nHost: 127.0.0.1\r\n{how}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n".encode()
    )
    return wire


def answer(wire):
    found = http.client.HTTPResponse(wire)
    found.begin()
    return found.status, json.loads(found.read())


def health(port):
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    line.request("GET", "/healthz")
    with contextlib.closing(line), line.getresponse() as found:
        return json.loads(found.read())["in_hand"]


def wait_until(condition):
    for _ in range(400):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it did not come to pass")


def test_a_body_of_no_stated_length_is_cut_at_the_limit(port):
    with begin(port) as wire:
        body = form((FILE, bytes(2 * MOST)))
        wire.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
        status, said = answer(wire)
    assert status == 413 and "at most 300,000 bytes" in said["detail"]


@pytest.mark.slow
@pytest.mark.parametrize("piece", [b"", b"x"])
def test_a_body_that_does_not_come_is_not_waited_for(port, piece):
    body = form((FILE, bytes(5000)))
    with begin(port, len(body)) as wire:
        wire.sendall(body[:100])
        begun = time.monotonic()
        for _ in range(40):
            if piece and time.monotonic() - begun < 2:
                with contextlib.suppress(OSError):
                    wire.sendall(piece)
                time.sleep(0.05)
        status, said = answer(wire)
    assert status == 408 and "came too slowly" in said["detail"]
    wait_until(lambda: health(port) == 0)


def test_a_client_that_goes_while_it_sends_frees_its_place(port):
    with begin(port, 5000) as wire:
        wire.sendall(b"--b\r\n")
        wait_until(lambda: health(port) == 1)
    wait_until(lambda: health(port) == 0)


@pytest.fixture
def held(monkeypatch):
    """Scoring waits until this is set."""
    event, many = threading.Event(), model.Model.many

    def wait(self, found):
        assert event.wait(30)
        return many(self, found)

    monkeypatch.setattr(model.Model, "many", wait)
    yield event
    event.set()


def test_a_client_that_goes_while_it_waits_frees_its_place(port, photographs, held):
    body = form((FILE, photographs[0].read_bytes()))
    with begin(port, len(body)) as wire:
        wire.sendall(body)
        wait_until(lambda: health(port) == 1)
    wait_until(lambda: health(port) == 0)


def test_one_more_than_there_are_places_is_asked_to_come_again(
    loaded, photographs, held
):
    body = form((FILE, photographs[0].read_bytes()))
    narrow = app.build(loaded, uploads.Limits(MOST), places=2)
    with running(narrow) as port, contextlib.ExitStack() as stack:
        wires = [stack.enter_context(begin(port, len(body))) for _ in range(2)]
        for wire in wires:
            wire.sendall(body)
        wait_until(lambda: health(port) == 2)
        third = stack.enter_context(begin(port, len(body)))
        third.sendall(body)
        found = http.client.HTTPResponse(third)
        found.begin()
        assert found.status == 503 and int(found.headers["Retry-After"]) >= 1
        assert "Try again" in json.loads(found.read())["detail"]
        held.set()
        assert [answer(wire)[0] for wire in wires] == [200, 200]
        fourth = stack.enter_context(begin(port, len(body)))
        fourth.sendall(body)
        assert answer(fourth)[0] == 200


def test_many_at_once_are_all_answered(port, loaded, photographs):
    wanted = {path.name: expected(loaded, path) for path in photographs}
    heads = {name: FILE.replace(b"a.jpg", name.encode()) for name in wanted}
    names = [path.name for path in photographs] * 6
    with contextlib.ExitStack() as stack:
        wires = []
        for path in photographs * 6:
            body = form((heads[path.name], path.read_bytes()))
            wires.append(stack.enter_context(begin(port, len(body))))
            wires[-1].sendall(body)
        found = [answer(wire)[1]["records"][0] for wire in wires]
    assert found == [wanted[name] for name in names]


# === The command ===

SERVED = """
import sys, time
sys.path.insert(0, {tests!r})
import stub
stub.table.BACKBONES.update(stub.SPECS)
from midlevel.prediction.model import Model
many = Model.many
def slowly(self, photographs):
    print("scoring", flush=True)
    time.sleep(1)
    return many(self, photographs)
Model.many = slowly
from midlevel.__main__ import main
main()
"""


@pytest.fixture
def start(trained):
    """Serves in a process of its own, ended with the test whatever comes of it."""
    place = trained.folder.parent
    with contextlib.ExitStack() as stack:

        def started(*options):
            command = [sys.executable, "-c", SERVED.format(tests=str(TESTS)), "serve"]
            command += ["--model", str(trained.folder), "--port", "0", *options]
            process = stack.enter_context(helpers.running(command, cwd=place))
            line = process.stderr.readline()
            return process, line, int(re.search(r":(\d+)/", line)[1])

        yield started


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_what_is_in_hand_is_finished_at_the_end(start, photographs, number, code):
    process, line, port = start()
    assert re.match(
        r"serving \S+run \(3 classes\) at http://127.0.0.1:\d+/ with Op", line
    )
    body = form((FILE, photographs[0].read_bytes()))
    with begin(port, len(body)) as wire:
        wire.sendall(body)
        assert process.stdout.readline() == "scoring\n"
        process.send_signal(number)
        status, found = answer(wire)
    assert status == 200 and found["records"][0]["failure"] is None
    out, said = process.communicate(timeout=30)
    assert process.returncode == code
    assert (out, said) == ("", "midlevel: Ended; the requests in hand were answered.\n")


def test_requests_are_told_only_where_asked_for(start):
    process, _, port = start("--access-log")
    assert health(port) == 0
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=30)[1]
    assert '"GET /healthz HTTP/1.1" 200' in said.splitlines()[0]


def fails(trained, *options):
    done = CliRunner().invoke(cli, ["serve", "--model", str(trained.folder), *options])
    (line,) = done.stderr.splitlines()
    return done.exit_code, line


def test_an_address_that_is_taken_is_named(trained):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, line = fails(trained, "--port", str(port))
    assert code == 2
    assert f"midlevel: 127.0.0.1, port {port}: cannot be served at: Address" in line
    assert "--port 0 takes a free one" in line
    code, line = fails(trained, "--host", "203.0.113.7")
    assert code == 2 and "203.0.113.7, port 8000: cannot be served at" in line


def test_a_missing_package_is_named_with_the_way_to_it(trained, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(errors.MissingDependency, match=r"uvicorn cannot be imported"):
        serving.load()
    code, line = fails(trained)
    assert code == 5 and 'pip install "midlevel[serve]"' in line


def test_serving_to_others_is_warned_of(loaded, monkeypatch):
    monkeypatch.setattr(server.uvicorn.Server, "run", lambda self, sockets: None)
    notes = stub.Notes()
    server.serve(loaded, "0.0.0.0", 0, progress=notes)
    assert "warning: everybody who reaches port" in notes.lines[1]
    notes.lines.clear()
    server.serve(loaded, "127.0.0.1", 0, progress=notes)
    assert len(notes.lines) == 1


@pytest.mark.parametrize(
    ("host", "is_own"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True)]
    + [("0.0.0.0", False), ("::", False), ("192.168.0.7", False), ("box", False)],
)
def test_loopback_is_told_from_the_rest(host, is_own):
    assert guard.is_loopback(host) == is_own


def test_photographs_are_served_without_tensorflow(trained, photographs):
    code = (
        "import sys, json\n"
        f"sys.path.insert(0, {str(TESTS)!r})\n"
        "import midlevel, stub\n"
        "from midlevel import serving\n"
        "from fastapi.testclient import TestClient\n"
        "stub.table.BACKBONES.update(stub.SPECS)\n"
        "app, uploads = serving.load().app_, serving.load().uploads\n"
        f"model = midlevel.load({str(trained.folder)!r})\n"
        "application = app.build(model, uploads.Limits(10**6))\n"
        "with TestClient(application, 'http://localhost') as client:\n"
        f"    files = {{'files': open({str(photographs[0])!r}, 'rb')}}\n"
        "    done = client.post('/api/predict', params={'maps': '*'}, files=files)\n"
        "assert done.status_code == 200, done.text\n"
        "heavy = {'tensorflow', 'keras', 'h5py', 'albumentations'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    env = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env
    )
    assert done.returncode == 0, done.stderr


def test_large_photographs_are_decoded_one_at_a_time(loaded, monkeypatch):
    monkeypatch.setattr(scoring, "LARGE", 100)
    scorer, at_once, most = scoring.Scorer(loaded), [], []
    of_bytes = type(loaded.extractor).of_bytes

    def watched(self, data, name):
        at_once.append(name)
        most.append(len(at_once))
        time.sleep(0.02)
        at_once.remove(name)
        return of_bytes(self, data, name)

    monkeypatch.setattr(type(loaded.extractor), "of_bytes", watched)
    data = helpers.pixels.encode_jpeg(helpers.noise((40, 30)))
    jobs = [uploads.Upload(str(i), data) for i in range(6)]
    threads = [
        threading.Thread(target=scorer._answer, args=(upload, scoring.Extras()))
        for upload in jobs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1 and len(most) == 6
    scorer.close()
