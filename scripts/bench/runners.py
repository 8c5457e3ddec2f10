"""Runs a way: files in, scores or records out, as a user would do it."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from bench import work
from bench.stopwatch import Stopwatch
from bench.ways import Way
from midlevel import runs
from midlevel.features.extractor import build_extractor
from midlevel.images import pixels
from midlevel.method import calibration, windows
from midlevel.method.aggregation import POWER, Aggregation
from midlevel.networks import backbones, engines, heads
from midlevel.prediction import model
from midlevel.settings import config
from midlevel.system import runtime

K = 5.0  # the paper's exponent of the image score
LABELS = 2  # that every photograph gets, as many as VOC's have; each has its regions
CROPS_AT_ONCE = 64


class Alone(engines.Engine):
    """An engine with one worker, and one network that has all the cores."""

    workers = streams = 1


def prepare(folder: Path, backbone: str, classes: int) -> runs.Run:
    """A run as training leaves it, but for its head, which has learned nothing."""
    run = runs.Run(folder)
    names = [f"class{number}" for number in range(1, classes + 1)]
    settings = config.load(None, {"backbone.name": backbone, "data.classes": names})
    run.begin(settings, {"classes": names})
    run.keep_backbone(backbone, backbones.keras_model(backbone))
    head = heads.build(backbones.find(backbone).channels, classes)
    heads.keep(run.head_file, run.stored_head, head)
    return run


def load(
    run: runs.Run, pyramid: str, engine: str = "auto", precision: str = "f32"
) -> model.Model:
    """The run's model, with a pyramid and an engine of one's choice."""
    chosen = {"windows.pyramid": pyramid, "engine": engine, "precision": precision}
    settings = config.load(run.config, chosen)
    extractor = build_extractor(settings, run)
    head = heads.network(run.head_file, run.stored_head, extractor.backbone.engine)
    classes = tuple(settings.data.classes)
    # A score is never above 1: the first classes are always found, others never.
    thresholds = {name: 0.0 if i < LABELS else 2.0 for i, name in enumerate(classes)}
    calibrated = calibration.none(len(classes))
    return model.Model(
        run,
        settings,
        classes,
        Aggregation(POWER, K),
        calibrated,
        thresholds,
        extractor,
        head,
    )


def alone(found: model.Model, watch: Stopwatch) -> model.Model:
    """The same with one worker, whose networks are timed by `watch`."""
    backbone, head = found.extractor.backbone, found.head
    engine = Alone(**asdict(backbone.engine))
    if backbone.engine.streams > 1:
        settings, stored = found.config.backbone, found.run.stored_backbone
        weights = found.run.weights(settings)
        backbone = backbones.build(settings.name, weights, engine, stored)
        head = heads.network(found.run.head_file, found.run.stored_head, engine)
    network = watch.of("backbone", backbone.network)
    backbone = replace(backbone, engine=engine, network=network)
    extractor = replace(found.extractor, backbone=backbone)
    return replace(found, extractor=extractor, head=watch.of("head", head))


class Maps:
    """midlevel's own way: `Model.stream`, with its workers."""

    def __init__(self, way: Way, run: runs.Run):
        self.watch = Stopwatch()
        self._model = load(run, way.pyramid, way.engine, way.precision)

    def __call__(self, paths: Sequence[Path]) -> list:
        return list(self._model.stream(paths))

    @functools.cached_property
    def _alone(self) -> model.Model:
        return alone(self._model, self.watch)

    def watched(self, paths: Sequence[Path]) -> Stopwatch:
        """Run in one thread; returns what took how long."""
        one = self._alone
        with self.watch.watching():
            list(one.stream(paths))
        return self.watch


class Crops:
    """Every window cut out and run alone, one photograph after the other."""

    def __init__(self, way: Way, run: runs.Run):
        self.watch = Stopwatch()
        spec = backbones.find(run.config.backbone.name)
        self._geometry, self._side = work.geometry(spec, way.pyramid), spec.input_size
        network = predict(run) if way.method == "naive" else at_once(run)
        self._network = self.watch.of("crops", network)

    def __call__(self, paths: Sequence[Path]) -> list:
        return [self._one(path) for path in paths]

    def _one(self, path: Path) -> np.ndarray:
        image = pixels.read(path)
        boxes = windows.plan(pixels.size_wh(image), self._geometry).boxes
        cuts = np.stack([pixels.cut(image, box, self._side) for box in boxes])
        return Aggregation(POWER, K)(self._network(cuts)[:, 1:])

    def watched(self, paths: Sequence[Path]) -> Stopwatch:
        """As in `Maps`."""
        with self.watch.watching():
            self(paths)
        return self.watch


def build(way: Way, run: runs.Run) -> Maps | Crops:
    """What runs the way."""
    return Maps(way, run) if way.method == "maps" else Crops(way, run)


def whole(run: runs.Run):
    """Backbone, mean over the map, head: one Keras model from crops to scores."""
    keras, settings = runtime.load_keras(), run.config.backbone
    backbone = backbones.keras_model(settings.name, run.weights(settings))
    side = backbones.find(settings.name).input_size
    crops = keras.Input((side, side, 3))
    means = keras.layers.GlobalAveragePooling2D()(backbone(crops, training=False))
    return keras.Model(crops, heads.load(run.head_file)(means))


def predict(run: runs.Run) -> Callable:
    """Keras as it comes: `Model.predict`, batches of 32, TensorFloat-32 on a GPU."""
    model = whole(run)
    import tensorflow as tf

    switch = tf.config.experimental.enable_tensor_float_32_execution

    def score(crops: np.ndarray) -> np.ndarray:
        switch(True)
        try:
            return model.predict(crops, verbose=0)
        finally:
            switch(False)

    return score


def at_once(run: runs.Run) -> Callable:
    """The same as a graph with constant weights, in larger batches."""
    from midlevel.networks.engines import tensorflow

    network = tensorflow.TensorFlowNetwork(whole(run), "uint8")

    def score(crops: np.ndarray) -> np.ndarray:
        starts = range(0, len(crops), CROPS_AT_ONCE)
        return np.concatenate([network(crops[i : i + CROPS_AT_ONCE]) for i in starts])

    return score
