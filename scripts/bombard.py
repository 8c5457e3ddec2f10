"""Sends many photographs to `midlevel serve` at once; none may be lost or differ.

Labels the photographs with `midlevel predict`, starts a server, uploads as many as are
asked for, all beginning at the same moment, and compares every record. Where the server
says that its queue is full, the upload is sent again after the time that it asks for,
as the page does. Then ends the server with SIGTERM.

    python scripts/bombard.py voc-animals/JPEGImages --requests 100

Leaves with 1 if a record is missing or differs, or the server does not end well.
"""

import collections
import http.client
import json
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from midlevel.images import sources

COMMAND = [sys.executable, "-m", "midlevel"]
ENDED = 128 + signal.SIGTERM
PATIENCE = 600  # seconds


@click.command()
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--model", metavar="RUN", help="[default: the newest in runs/train]")
@click.option("--requests", default=100, show_default=True, help="All at once.")
def main(source, model, requests):
    """Upload photographs of SOURCE to a server, all at once, and compare."""
    options = ["--model", model] if model else []
    paths = sources.find(source)[:requests]
    with tempfile.TemporaryDirectory() as folder:
        wanted = predicted(paths, options, Path(folder) / "out.jsonl")
    jobs = [(*wanted[i % len(paths)], i) for i in range(requests)]
    server, port = started(options)
    try:
        begun = time.monotonic()
        found, tries = uploaded(port, jobs)
        seconds = time.monotonic() - begun
    finally:
        server.send_signal(signal.SIGTERM)
        said = server.communicate(timeout=PATIENCE)[1]
    equal = sum(map(_is_equal, found, jobs))
    again = sum(tries) - requests
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
    click.echo(
        f"{requests} uploads at once of {len(paths)} photographs: {len(found)} "
        f"answered, {equal} equal to predict's; {again} told to come again; "
        f"{seconds:.1f} s, {requests / seconds:.1f} a second; at most {memory:.0f} MB"
    )
    click.echo(f"the server left with {server.returncode}: {said.strip()}")
    sys.exit(not (equal == requests and server.returncode == ENDED))


def predicted(paths, options, output) -> list[tuple[Path, dict]]:
    """Each photograph with the record that `midlevel predict` writes."""
    names = [str(path) for path in paths]
    command = [*COMMAND, "predict", *names, *options, "-q", "--output", str(output)]
    subprocess.run(command, check=True)
    lines = output.read_text(encoding="utf-8").splitlines()
    return [*zip(paths, map(json.loads, lines), strict=True)]


def started(options) -> tuple[subprocess.Popen, int]:
    """A server, and its port."""
    command = [*COMMAND, "serve", "--port", "0", *options]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    line = server.stderr.readline()
    click.echo(line.strip())
    return server, int(re.search(r":(\d+)/", line)[1])


def uploaded(port, jobs) -> tuple[list[dict], list[int]]:
    """The records that the server gives, and how often each was sent."""
    together = threading.Barrier(len(jobs))

    def upload(job):
        path, record, _ = job
        body, kind = form(record["file"], path.read_bytes())
        together.wait()
        return posted(port, body, kind)

    with ThreadPoolExecutor(len(jobs)) as pool:
        pairs = list(pool.map(upload, jobs))
    return [record for record, _ in pairs], [tries for _, tries in pairs]


def form(name: str, data: bytes) -> tuple[bytes, str]:
    """A body of multipart/form-data with one file, and its type."""
    mark = uuid.uuid4().hex
    head = (
        f'--{mark}\r\nContent-Disposition: form-data; name="files"; filename="{name}"'
    )
    body = head.encode() + b"\r\n\r\n" + data + f"\r\n--{mark}--\r\n".encode()
    return body, f"multipart/form-data; boundary={mark}"


def posted(port, body, kind) -> tuple[dict, int]:
    """The one record of the answer, however often it takes."""
    codes = collections.Counter()
    while True:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        line.request("POST", "/api/predict", body, {"Content-Type": kind})
        with line.getresponse() as answer:
            codes[answer.status] += 1
            if answer.status != http.client.SERVICE_UNAVAILABLE:
                return json.loads(answer.read())["records"][0], codes.total()
            seconds = int(answer.headers["Retry-After"])
        line.close()
        time.sleep(seconds)


def _is_equal(record, job) -> bool:
    _, wanted, number = job
    if record != wanted:
        click.echo(f"upload {number} differs: {record} instead of {wanted}")
    return record == wanted


if __name__ == "__main__":
    main()
