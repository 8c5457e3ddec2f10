"""A backbone so small that the whole way from photographs to exports takes seconds."""

import dataclasses
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import midlevel
from midlevel.networks.backbones import table
from midlevel.system import runtime
from midlevel.system.progress import Progress
from midlevel.training import train as train_

if TYPE_CHECKING:
    import pytest

    from midlevel.networks.backbones.backbone import Backbone
    from midlevel.runs import Run

QUIET = Progress(quiet=True)

# Differences of mean red, green and blue, both ways, and a little more than nothing for
# grey: the head divides by the length of the features.
DIFFERENCES = np.array(
    [[1, -1, 1, -1, 0, 0], [-1, 1, 0, 0, 1, -1], [0, 0, -1, 1, -1, 1]], np.float32
)
OFFSETS = np.full(6, 0.1, np.float32)

SETTINGS = {
    "backbone.name": "stub",
    "windows.pyramid": [
        {"scale": 0.6, "sizes": [4, 3, 2]},
        {"scale": 1.0, "sizes": [3, 2]},
    ],
    "labels.background_fraction": 0.3,
    "head.hidden": [16],
    "training.learning_rate": 0.02,
    "training.batch": 64,
    "training.epochs": 6,
    "image_loss.epochs": 20,
    "image_loss.learning_rate": 0.02,
    "image_loss.batch": 4,
    "image_loss.window_batch": 64,
    "scores.whole": False,
    "select": "val",
    "report": False,
}


SPECS = {
    name: table.Spec(
        *(name, "", 32, 6, "inside", 0.0, "", "", lost_cells),
        maps=(table.Map("colours", "means", 32, 3),),
    )
    for name, lost_cells in (("stub", 0), ("stub_context", 2))
}


def mean_colours(spec: table.Spec, weights: str | None) -> Any:
    """Mean colour of each 32 pixel cell, as differences; sees nothing beyond a cell."""
    keras = runtime.load_keras()
    inputs = keras.Input((None, None, 3), name="image")
    x = keras.layers.Rescaling(1 / 255, name="preprocessing")(inputs)
    x = keras.layers.AveragePooling2D(spec.stride, name="means")(x)
    x = keras.layers.Conv2D(6, 1, activation="relu", name="differences")(x)
    model = keras.Model(inputs, x, name=spec.name)
    model.get_layer("differences").set_weights([DIFFERENCES[None, None], OFFSETS])
    return model


def three_by_three(spec: table.Spec, weights: str | None) -> Any:
    """The same, then a 3 x 3 convolution without padding, as in `vgg16_fc7`."""
    keras = runtime.load_keras()
    below = mean_colours(spec, weights)
    x = keras.layers.Conv2D(6, 3, name="around")(below.output)
    model = keras.Model(below.input, x, name=spec.name)
    kernel = np.random.default_rng(0).normal(size=(3, 3, 6, 6))
    model.get_layer("around").set_weights([kernel, np.zeros(6)])
    return model


def register(patch: "pytest.MonkeyPatch") -> None:
    """Put both into the table, as `stub` and `stub_context`, until `patch` ends."""
    from midlevel.networks.backbones import architectures

    makers = {"stub": mean_colours, "stub_context": three_by_three}
    for name, make in makers.items():
        patch.setitem(table.BACKBONES, name, SPECS[name])
        patch.setitem(architectures.CONSTRUCTORS, name, make)


def in_table():
    """Put both into the table of another process, for good."""
    table.BACKBONES.update(SPECS)


def train(data: Path, folder: Path, **settings: Any) -> "Run":
    """A run on the stub; `settings` have double underscores for dots."""
    changed = {name.replace("__", "."): value for name, value in settings.items()}
    return midlevel.train(
        data, run=folder, settings={**SETTINGS, **changed}, progress=QUIET
    )


def with_whole(
    run: "Run", folder: Path, whole_slopes: Sequence[float] = (0.5, 1, 2)
) -> "Run":
    """A copy of a run on the stub, with a model of the whole photograph added by hand.

    Its numbers are drawn; `whole_slopes` are the factors of the three classes.
    """
    from midlevel.method.whole import WholeModel
    from midlevel.runs import Run, whole_model_file

    shutil.copytree(run.folder, folder)
    made = Run(folder)
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(2 * 6, len(whole_slopes))).astype(np.float32)
    intercepts = rng.normal(size=len(whole_slopes)).astype(np.float32)
    whole_model_file.keep(made.whole_file, WholeModel(weights, intercepts))
    fitted = {**made.record["calibration"], "whole_slopes": list(whole_slopes)}
    made.update(calibration=fitted)
    return made


def held_out(run: "Run", folder: Path) -> "Run":
    """A copy of a run that says that held-out photographs chose."""
    from midlevel.runs import Run

    shutil.copytree(run.folder, folder)
    made = Run(folder)
    chose = {**made.metrics["chosen_on"], "select": "heldout"}
    made.write_json("metrics.json", {**made.metrics, "chosen_on": chose})
    return made


class Counting:
    """A network that counts its calls, and can be told to stop at the n-th.

    Attributes:
        calls: the shape of what each call was given.
    """

    def __init__(self, network: Any, stop_at: int | None = None):
        self._network = network
        self._one_at_a_time = threading.Lock()
        self.fingerprint = network.fingerprint
        self.stop_at = stop_at
        self.calls: list[tuple[int, ...]] = []

    def __call__(self, batch: NDArray[Any]) -> Any:
        with self._one_at_a_time:
            self.calls.append(batch.shape)
            if len(self.calls) == self.stop_at:
                raise KeyboardInterrupt
        return self._network(batch)

    @property
    def batches(self) -> list[int]:
        """How many images, or windows, each call was given."""
        return [shape[0] for shape in self.calls]


def counting(backbone: "Backbone", stop_at: int | None = None) -> "Backbone":
    """The backbone with its network in a `Counting`."""
    return dataclasses.replace(backbone, network=Counting(backbone.network, stop_at))


class Notes(Progress):
    """Keeps what is said."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)

    def warn(self, text):
        self.lines.append(text)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def interrupt_after(epochs: int, monkeypatch: "pytest.MonkeyPatch") -> None:
    """Ctrl-C when the validation after this many epochs would come."""
    validate, calls = train_.Validation.__call__, []

    def stopping(self: Any, head: Any) -> dict[str, Any]:
        calls.append(head)
        if len(calls) > epochs:
            raise KeyboardInterrupt
        return validate(self, head)

    monkeypatch.setattr(train_.Validation, "__call__", stopping)
