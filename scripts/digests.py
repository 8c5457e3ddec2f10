"""What midlevel makes, as digests: the same before and after a change, or not.

Trains on the demo set and, where a folder of photographs is named, on 60 of them (and
measures on 30), with a fixed seed; then predicts, evaluates and exports, each by its
command, in processes of their own. Digests of weights, records and numbers are written
as JSON, and compared with those of an earlier call:

    python scripts/digests.py before.json --photographs voc-animals
    python scripts/digests.py after.json --photographs voc-animals --against before.json

Times, places and versions are left out. Leaves with 1 if anything differs. Digests are
of one machine and its libraries: make both on the same.
"""

import hashlib
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
COUNTS = {"train": 60, "val": 30}  # of the photographs
CLASSES = "person,dog,cat,horse,sheep,cow"
FORMATS = "keras,savedmodel,onnx,openvino,litert"
PASSING = ("timings", "run", "data", "environment", "command", "started", "model")
PASSING += ("engine", "version", "versions", "written", "made", "bytes", "seconds")
PASSING += ("folder", "features.store")


def digest(content: bytes) -> str:
    """The first 16 digits of SHA-256 (hexadecimal)."""
    return hashlib.sha256(content).hexdigest()[:16]


def of_json(path: Path) -> str:
    """Of a JSON file, without what passes."""
    return of_value(json.loads(path.read_text(encoding="utf-8")))


def of_value(value) -> str:
    """Of what JSON can hold, without what passes."""
    return digest(json.dumps(_lasting(value), sort_keys=True).encode())


def _lasting(value):
    if isinstance(value, dict):
        return {k: _lasting(v) for k, v in value.items() if k not in PASSING}
    return [_lasting(one) for one in value] if isinstance(value, list) else value


def of_weights(path: Path) -> str:
    """Of every array in a `.keras` file, by its place."""
    import h5py

    found = {}

    def take(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = digest(item[()].tobytes())

    with zipfile.ZipFile(path) as file:
        weights = io.BytesIO(file.read("model.weights.h5"))
    with h5py.File(weights) as file:
        file.visititems(take)
    return of_value(found)


def of_records(text: str) -> str:
    """Of records, one JSON line each."""
    return of_value([json.loads(line) for line in text.splitlines()])


def midlevel(*arguments, cwd: Path) -> str:
    """What a command prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "midlevel", *map(str, arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise click.ClickException(f"midlevel {arguments[0]}: {done.stderr}")
    return done.stdout


def link(data: Path, subset: Path):
    """A VOC folder with the first photographs of `data`."""
    lists = subset / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    for name in ("Annotations", "JPEGImages"):
        (subset / name).symlink_to((data / name).resolve(), target_is_directory=True)
    for split, count in COUNTS.items():
        names = (data / "ImageSets" / "Main" / f"{split}.txt").read_text().split()
        (lists / f"{split}.txt").write_text("\n".join(names[:count]) + "\n")


def of_run(data: Path | None, place: Path, settings: list[str]) -> dict[str, str]:
    """Digests of all that comes of training on `data`, by what they are of."""
    run = place / "run"
    pairs = [f"features.store={place / 'features'}", *settings]
    options = [part for pair in pairs for part in ("--set", pair)]
    source = [data] if data else []
    midlevel("train", *source, "--run", run, "-q", *options, cwd=place)
    found = {
        "weights": of_weights(run / "head.keras"),
        "head": digest((run / "head.bin").read_bytes()),
        "backbone": digest((run / "backbone.bin").read_bytes()),
        "history": digest((run / "history.csv").read_bytes()),
        "settings": digest(_settings(run / "config.yaml")),
        "run": of_json(run / "run.json"),
        "metrics": of_json(run / "metrics.json"),
        "report": of_json(run / "report.json"),
    }
    photographs = (data or ROOT / "data" / "demo") / "JPEGImages"
    chosen = sorted(photographs.iterdir())[:40]
    common = ["--model", run]
    told = midlevel("predict", *chosen, *common, "--output", "-", "-q", cwd=place)
    found["records"] = of_records(told.replace(str(photographs), ""))
    table = midlevel("predict", *chosen, *common, "-q", cwd=place)
    found["lines"] = digest(table.replace(str(photographs), "").encode())
    told = midlevel("evaluate", *common, "--json", "-q", cwd=place)
    found["evaluation"] = of_value(json.loads(told))
    return found | _of_exports(run, place)


def _settings(path: Path) -> bytes:
    """Without where the features are."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(x for x in lines if not x.startswith("  store:")).encode()


def _of_exports(run: Path, place: Path) -> dict[str, str]:
    folder = place / "exports"
    arguments = ["--model", run, "--output", folder, "--format", FORMATS, "-q"]
    midlevel("export", *arguments, cwd=place)
    found = {"exports": of_json(folder / "exports.json")}
    for kind in ("window", "image"):
        found[f"exports/{kind}.keras"] = of_weights(folder / f"{kind}.keras")
        found[f"exports/{kind}.bin"] = digest((folder / f"{kind}.bin").read_bytes())
    return found


@click.command()
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--photographs", type=click.Path(exists=True, path_type=Path))
@click.option("--against", type=click.Path(exists=True, path_type=Path))
def main(output: Path, photographs: Path | None, against: Path | None):
    """Write digests of what midlevel makes to OUTPUT."""
    found = {}
    with tempfile.TemporaryDirectory() as name:
        (demo := Path(name) / "demo").mkdir()
        found["demo"] = of_run(None, demo, [])
        if photographs:
            place = Path(name) / "photographs"
            link(photographs, place / "data")
            some = ["data.classes=[" + CLASSES + "]"]
            found["photographs"] = of_run(place / "data", place, some)
    output.write_text(json.dumps(found, indent=2) + "\n")
    if not against:
        return
    before, differs = json.loads(against.read_text()), False
    for source, digests in found.items():
        for part, value in digests.items():
            same = before.get(source, {}).get(part) == value
            differs |= not same
            click.echo(f"{source:12} {part:24} {'same' if same else 'DIFFERENT'}")
    sys.exit(int(differs))


if __name__ == "__main__":
    main()
