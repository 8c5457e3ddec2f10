"""The run folder: a trained model and all that explains it.

config.yaml       every setting, resolved
run.json          classes, k, thresholds, data, what made it, whether it is finished
environment.json  versions, machine, command
split.csv         which photograph was in which split
earlier.csv       photographs that taught earlier tasks, of a run learned onto another
history.csv       a row per epoch
metrics.json      validation scores in three forms, windows learned from, timings
report.*          a page on the run, and its numbers: see `report_page`
head.keras        the best head; head.xml, head.bin: the same for OpenVINO
whole.npz         the model of the whole photograph, where the run has one
backbone.xml, backbone.bin   the frozen network for OpenVINO
backbone.weights.h5          for Keras, where they are not those midlevel brings along,
                             and the network is not a file of the user's own
checkpoints/      what `--resume` needs; goes when the run is finished
"""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from midlevel import errors
from midlevel.networks import backbones
from midlevel.networks.backbones import table
from midlevel.runs import listing
from midlevel.runs.environment import environment
from midlevel.settings import config as config_
from midlevel.settings import yaml_text
from midlevel.settings.backbone import Backbone
from midlevel.system import files, text

if TYPE_CHECKING:
    import keras

SCHEMA = "midlevel-run/1"
ADVICE = "Name another folder with --run, or make room."
EARLIER = "earlier.csv"
LOCK = ".lock"  # held by the process that trains


class Run:
    """A run folder; reads and writes its files, each whole or not at all."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)

    @property
    def record(self) -> dict:
        """`run.json`.

        Raises:
            errors.MidlevelError: there is no such folder, it is no run, or of another
                version.
        """
        if not os.path.exists(self.folder):
            raise errors.MidlevelError(
                f"{self.folder}: does not exist. {listing.said(self.folder)}"
            )
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
        """`config.yaml`; one from before a setting means what was done then."""
        path = self.folder / "config.yaml"
        known: dict[str, Any] = yaml_text.read(path)
        meant: dict[str, Any] = {}
        if "select" not in known:
            meant |= config_.BEFORE_SELECT
        if "level" not in (known.get("labels") or {}):
            meant |= config_.BEFORE_LEVEL
        found = config_.load(path, meant)
        return found.at(found.labels.level)

    @property
    def metrics(self) -> dict:
        """`metrics.json`."""
        return json.loads(files.read_text(self.folder / "metrics.json"))

    @property
    def chosen_on(self) -> str:
        """What calibration and thresholds were fitted to: `heldout` or `val`."""
        found = self.metrics.get("chosen_on", {})  # older runs know val alone
        return str(found.get("select", "val"))

    @property
    def split_files(self) -> dict[str, list[str]]:
        """`split.csv`: the files of each split, relative to the data's folder."""
        splits: dict[str, list[str]] = {}
        for row in files.read_csv(self.folder / "split.csv"):
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
    def whole_file(self) -> Path:
        """The model of the whole photograph, see `whole_model_file.py`."""
        return self.folder / "whole.npz"

    @property
    def stored_backbone(self) -> Path:
        """The backbone as OpenVINO reads it."""
        return self.folder / "backbone.xml"

    @property
    def earlier_files(self) -> list[str]:
        """`earlier.csv`: the photographs that taught earlier tasks, where there are."""
        path = self.folder / EARLIER
        return [row["file"] for row in files.read_csv(path)] if path.exists() else []

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

    def begin(self, config: config_.Config, record: dict) -> None:
        """Write what is known before the work."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.write_text("config.yaml", config_.dump(config))
        self.write_json("environment.json", environment())
        self.write_json("run.json", {"schema": SCHEMA, "finished": False, **record})

    def keep_backbone(
        self, name: str, model: "keras.Model", map: str = table.LAST
    ) -> None:
        """Write the backbone, so that the run stands alone and needs no TensorFlow.

        Its Keras weights too, unless they are to the bit those that come with midlevel.

        Args:
            name: in the table of backbones.
            model: the network that the run is scored with, whole.
            map: the one that its features are of, see `table.Spec.maps`.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        packaged = backbones.find(name).packaged
        fingerprint = backbones.fingerprint_of(model, name)
        if packaged is None or fingerprint != packaged.fingerprint:
            with files.whole(self.weights_file) as path:
                model.save_weights(path)
        else:
            self.weights_file.unlink(missing_ok=True)
        as_far = backbones.as_far_as(model, name, map)
        backbones.store(self.stored_backbone, name, as_far, map)

    def keep_own(self, facts: backbones.Facts) -> None:
        """Write a network of the user's own: the run needs that file no more.

        Raises:
            errors.MidlevelError: see `backbones.build_own`.
        """
        self.weights_file.unlink(missing_ok=True)
        backbones.store_own(self.stored_backbone, facts)

    def weights(self, settings: Backbone) -> str | Path:
        """The backbone's Keras weights: the run's own where it keeps them.

        Without any, a backbone whose weights come with midlevel has those.
        """
        if self.weights_file.exists():
            return self.weights_file
        is_packaged = backbones.find(settings.name).packaged is not None
        return "imagenet" if is_packaged else settings.weights

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
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

    def discard_checkpoints(self) -> None:
        """Take away what only an unfinished run needs."""
        shutil.rmtree(self.checkpoints, ignore_errors=True)

    def discard_if_empty(self) -> None:
        """Take away the folder of a run in which nothing was written."""
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def update(self, **changes: Any) -> None:
        """Change entries of `run.json`."""
        self.write_json("run.json", {**self.record, **changes})

    def write_json(self, name: str, content: Any) -> None:
        """Write a JSON file of the run."""
        self.write_text(name, text.as_json(content))

    def write_csv(self, name: str, rows: list[dict]) -> None:
        """Write a table of the run; all rows have the keys of the first."""
        keys = list(rows[0])
        cells = [[row[key] for key in keys] for row in rows]
        files.write_csv(self.folder / name, [keys, *cells])

    def write_text(self, name: str, content: str) -> None:
        """Write a text file of the run."""
        files.write_text(self.folder / name, content)
