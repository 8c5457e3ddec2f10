"""The run folder: a trained model and all that explains it.

config.yaml       every setting, resolved
run.json          classes, k, thresholds, data, what made it, whether it is finished
environment.json  versions, machine, command
split.csv         which photograph was in which split
history.csv       a row per epoch
metrics.json      validation scores in three forms, windows learned from, timings
report.*          a page on the run, and its numbers: see `reporting`
head.keras        the best head; head.xml, head.bin: the same for OpenVINO
backbone.xml, backbone.bin   the frozen network for OpenVINO
backbone.weights.h5          for Keras, where midlevel does not bring it along
checkpoints/      what `--resume` needs; goes when the run is finished
"""

import contextlib
import csv
import io
import itertools
import json
import platform
import shutil
import sys
import time
from importlib import metadata
from pathlib import Path

from midlevel import errors
from midlevel.networks import backbones
from midlevel.settings import config as config_
from midlevel.system import files

SCHEMA = "midlevel-run/1"
ADVICE = "Name another folder with --run, or make room."
TRAIN_FOLDER = Path("runs/train")
LOCK = ".lock"  # held by the process that trains
BEGINNING = {"split.csv", "config.yaml", "environment.json"}  # written before run.json
PACKAGES = ("midlevel", "tensorflow", "tensorflow-cpu", "keras", "openvino")
PACKAGES += ("numpy", "opencv-python-headless", "albumentations", "pydantic")


class Run:
    """A run folder; reads and writes its files, each whole or not at all."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)

    @property
    def record(self) -> dict:
        """`run.json`.

        Raises:
            errors.MidlevelError: the folder is no run, or of another version.
        """
        path = self.folder / "run.json"
        try:
            record = json.loads(files.read_text(path))
        except (OSError, ValueError, RecursionError) as error:
            raise errors.MidlevelError(
                f"{self.folder}: is not a run of midlevel train: {path.name} "
                "cannot be read. Name one with --model or --run."
            ) from error
        if not isinstance(record, dict) or record.get("schema") != SCHEMA:
            raise errors.MidlevelError(
                f"{path}: expected schema {SCHEMA}. It was written by another version "
                "of midlevel; train again, or use that version."
            )
        return record

    @property
    def config(self) -> config_.Config:
        """`config.yaml`."""
        return config_.load(self.folder / "config.yaml")

    @property
    def metrics(self) -> dict:
        """`metrics.json`."""
        return json.loads(files.read_text(self.folder / "metrics.json"))

    @property
    def split_files(self) -> dict[str, list[str]]:
        """`split.csv`: the files of each split, relative to the data's folder."""
        text = files.read_text(self.folder / "split.csv")
        splits = {}
        for row in csv.DictReader(io.StringIO(text, newline="")):
            splits.setdefault(row["split"], []).append(row["file"])
        return splits

    @property
    def checkpoints(self) -> Path:
        """Where fitting keeps its state."""
        return self.folder / "checkpoints"

    @property
    def head_file(self) -> Path:
        """The trained head."""
        return self.folder / "head.keras"

    @property
    def stored_head(self) -> Path:
        """The trained head as OpenVINO reads it."""
        return self.folder / "head.xml"

    @property
    def stored_backbone(self) -> Path:
        """The backbone as OpenVINO reads it."""
        return self.folder / "backbone.xml"

    @property
    def weights_file(self) -> Path:
        """The backbone's Keras weights, where they are not packaged with midlevel."""
        return self.folder / "backbone.weights.h5"

    @property
    def report(self) -> Path:
        """The page on the run, once it is written."""
        return self.folder / "report.html"

    @property
    def has_begun(self) -> bool:
        """Whether anything was written to go on from."""
        return (self.folder / "run.json").exists()

    def begin(self, config: config_.Config, record: dict):
        """Write what is known before the work."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write_text("config.yaml", config_.dump(config))
        self.write_json("environment.json", environment())
        self.write_json("run.json", {"schema": SCHEMA, "finished": False, **record})

    def keep_backbone(self, settings: config_.Backbone):
        """Write the backbone, so that the run stands alone and needs no TensorFlow."""
        if self.stored_backbone.exists():
            return
        model = backbones.keras_model(settings.name, settings.weights)
        if settings != config_.Backbone():  # the default comes with midlevel
            with files.whole(self.weights_file) as path:
                model.save_weights(path)
        backbones.store(self.stored_backbone, settings.name, model)

    @contextlib.contextmanager
    def alone(self):
        """While no other process writes the run; what killed ones left is taken away.

        Raises:
            errors.MidlevelError: another process writes it, or it cannot be written.
        """
        with contextlib.ExitStack() as stack:
            with files.explained(self.folder, ADVICE):
                is_held = stack.enter_context(files.locked(self.folder / LOCK))
            for folder in (self.folder, self.checkpoints):
                files.sweep(folder, age=0 if is_held else files.LEFT_OVER)
            yield

    def discard_checkpoints(self):
        """Take away what only an unfinished run needs."""
        shutil.rmtree(self.checkpoints, ignore_errors=True)

    def discard_if_empty(self):
        """Take away the folder of a run in which nothing was written."""
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def update(self, **changes):
        """Change entries of `run.json`."""
        self.write_json("run.json", {**self.record, **changes})

    def write_json(self, name: str, content):
        """Write a JSON file of the run."""
        self.write_text(name, json.dumps(content, indent=2, ensure_ascii=False) + "\n")

    def write_csv(self, name: str, rows: list[dict]):
        """Write a table of the run; all rows have the keys of the first."""
        text = io.StringIO()
        writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        self.write_text(name, text.getvalue())

    def write_text(self, name: str, text: str):
        """Write a text file of the run."""
        files.write_text(self.folder / name, text)


def new_folder(kind: Path = TRAIN_FOLDER, advice: str = ADVICE) -> Path:
    """Make a folder under `kind`, named after the time, that nobody else has.

    Args:
        advice: what to do where that cannot be made.

    Raises:
        errors.MidlevelError: it cannot be made.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    for name in itertools.chain([stamp], (f"{stamp}-{i}" for i in itertools.count(2))):
        with files.explained(kind, advice), contextlib.suppress(FileExistsError):
            (kind / name).mkdir(parents=True)
            return kind / name


def create(folder: str | Path | None) -> Run:
    """A run in `folder`, which is made; by default a new one named after the time.

    What is in `folder` may be a run already, see `has_begun`, or the beginning of one.

    Raises:
        errors.MidlevelError: something else is in it, or it cannot be made.
    """
    if not folder:
        return Run(new_folder())
    run = Run(folder)
    with files.explained(run.folder, ADVICE):
        run.folder.mkdir(parents=True, exist_ok=True)
        there = {path.name for path in run.folder.iterdir()} - BEGINNING
    if not run.has_begun and any(not name.startswith(".") for name in there):
        raise errors.MidlevelError(
            f"{run.folder}: is not empty and holds no run of midlevel train. Name a "
            "new folder with --run."
        )
    return run


def newest(finished: bool, kind: Path = TRAIN_FOLDER) -> Run:
    """The newest run below the current folder that is, or is not, finished.

    Raises:
        errors.MidlevelError: there is none.
    """
    records = sorted(kind.glob("*/run.json"), key=lambda p: p.stat().st_mtime_ns)
    for path in reversed(records):
        run = Run(path.parent)
        with contextlib.suppress(errors.MidlevelError):  # another version's
            if run.record.get("finished") == finished:
                return run
    if finished:
        raise errors.MidlevelError(
            f"No finished run in {kind}. Train one with `midlevel train`, or name one "
            "with --model."
        )
    raise errors.MidlevelError(f"No unfinished run in {kind}. Name one with --run.")


def environment() -> dict:
    """Versions, machine and command line."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "command": sys.argv,
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": versions,
    }
