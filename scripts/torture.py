"""A folder of images that nobody should meet, good ones among them.

    python scripts/torture.py /tmp/torture
    python scripts/torture.py /tmp/torture --check --model runs/train/RUN

writes `photographs/` and `expected.json`, a list of `file`, `good` and, where it is
bad, a pattern for the `reason`. `--check` runs `midlevel predict` on it, which it
writes where it is not there; without `--model` it trains for one epoch on data/demo
first. It exits 1 if a bad file has no record with its reason, a good one is not
scored, the order is another, something but records is on stdout, or there is a
traceback. Needs the `dev` extra.
"""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import click
import odd_images

DEMO = Path(__file__).resolve().parent.parent / "data" / "demo"
PHOTOGRAPHS, EXPECTED = "photographs", "expected.json"
NAMES = (  # of good photographs
    *(
        "été 사진 № 1.jpg",
        "[a]*?.jpg",
        "-n.jpg",
        "~.jpg",
        " a b .jpg",
        "a.JPEG",
        "%s.jpg",
    ),
    *("two\nlines.jpg", "tab\t.jpg", "quo\"te'.jpg", "\u202eright to left.jpg"),
    *(os.fsdecode(b"not utf-8 \xff\xfe.jpg"), "back\\slash.jpg", "{0}{file}.jpg"),
    "n" * 251 + ".jpg",  # 255 bytes, the most a name may have
    "/".join(["deep" * 20] * 12) + "/a.jpg",
)


def build(folder: Path) -> list[dict]:
    """Write everything; what is expected, in the order of prediction."""
    place = folder / PHOTOGRAPHS
    place.mkdir(parents=True)
    told = {}
    for name, data in odd_images.readable().items():
        told[_write(place / "kinds" / name, data)] = None
    for form in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"):
        for turn in range(1, 9):
            path = place / "turned" / f"{turn}.{form.lower()}.jpg"
            told[_write(path, odd_images.turned(form, turn))] = None
    for name, (data, reason) in odd_images.unreadable().items():
        told[_write(place / "kinds" / name, data)] = reason
    for name in NAMES:
        data = odd_images.pillow(odd_images.quarters(), "JPEG")
        told[_write(place / "names" / name, data)] = None
    told |= _no_files(place / "no files")
    expected = [
        {"file": str(path.relative_to(place)), "good": not told[path]}
        | ({"reason": told[path]} if told[path] else {})
        for path in sorted(told)
    ]
    (folder / EXPECTED).write_text(json.dumps(expected, indent=1))
    return expected


def _write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _no_files(place: Path) -> dict[Path, str]:
    """What bears a photograph's name and is no file, or may not be opened."""
    (place / "a folder.jpg").mkdir(parents=True)  # without a record
    (place / "into itself").symlink_to(place)
    links = {"dangling.jpg": "nowhere", "itself.jpg": "itself.jpg"}
    for name, target in (links | {"device.jpg": "/dev/zero"}).items():
        (place / name).symlink_to(target)
    os.mkfifo(place / "pipe.jpg")
    here = os.getcwd()
    os.chdir(place)  # a socket's path may have 108 bytes
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("socket.jpg")
    os.chdir(here)
    with (place / "vast.jpg").open("wb") as file:
        file.truncate(2**33)  # takes no space
    found = {
        "dangling.jpg": "No such file",
        "itself.jpg": "symbolic links",
        "device.jpg": "device",
        "pipe.jpg": "pipe",
        "socket.jpg": "socket",
        "vast.jpg": "bytes",
    }
    if os.geteuid():  # root may read all
        _write(place / "secret.jpg", b"x").chmod(0)
        found["secret.jpg"] = "Permission denied"
    return {place / name: reason for name, reason in found.items()}


def faults(expected: list[dict], found: list[dict]) -> list[str]:
    """What is wrong in the records of a prediction, a line each."""
    names = [row["file"] for row in expected]
    got = [record["file"] for record in found]
    if [name[-len(n) :] for name, n in zip(got, names, strict=False)] != names:
        return [f"expected records of {names}. Received: {got}"]
    lines = []
    for row, record in zip(expected, found, strict=False):
        why = record["failure"]
        if row["good"] and (why or not record["scores"]):
            lines.append(f"{row['file']!r} is good and failed: {why}")
        if not row["good"] and not re.search(row["reason"], why or ""):
            lines.append(f"{row['file']!r} must fail for {row['reason']!r}: {why}")
        if why and ("\n" in why.replace(record["file"], "") or "Traceback" in why):
            lines.append(f"{row['file']!r}: its failure has several lines: {why}")
    return lines


def trained(folder: Path) -> Path:
    """A run of one epoch on the demo."""
    run = folder / "run"
    if not run.exists():
        few = ("--set", "image_loss.epochs=1", "--set", "features.views=[original]")
        _midlevel("train", DEMO, "--run", run, *few).check_returncode()
    return run


def _midlevel(*words) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "midlevel", *map(str, words)]
    return subprocess.run(command, capture_output=True, timeout=3600)


def check(folder: Path, run: Path, expected: list[dict]) -> list[str]:
    """Predict all of it; what went wrong."""
    done = _midlevel("predict", folder / PHOTOGRAPHS, "--model", run, "--output", "-")
    said = done.stderr.decode(errors="replace")
    if done.returncode or "Traceback" in said:
        return [f"exit code {done.returncode}: {said[-2000:]}"]
    try:
        found = [json.loads(line) for line in done.stdout.splitlines()]
    except ValueError as error:
        return [f"stdout holds what is no record: {error}"]
    return faults(expected, found)


@click.command(help=__doc__.partition("\n")[0])
@click.argument("folder", type=click.Path(path_type=Path), metavar="OUT")
@click.option("--check", "checks", is_flag=True, help="Predict it, and judge.")
@click.option("--model", type=click.Path(path_type=Path), help="A run folder.")
def main(folder, checks, model):
    if not (folder / PHOTOGRAPHS).exists():
        expected = build(folder)
    elif checks:
        expected = json.loads((folder / EXPECTED).read_text())
    else:
        raise click.ClickException(f"{folder / PHOTOGRAPHS}: is there already.")
    bad = [row for row in expected if not row["good"]]
    print(f"{len(expected)} files, {len(bad)} of them bad, in {folder}")
    if checks:
        lines = check(folder, model or trained(folder), expected)
        print("\n".join(lines) or "every one is as expected")
        sys.exit(1 if lines else 0)


if __name__ == "__main__":
    main()
