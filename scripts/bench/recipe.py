"""The usual Keras recipe for transfer learning, on midlevel's own windows.

Frozen backbone, mean over the map and head are one model, and `Model.fit` takes crops:
every epoch cuts each window from its photograph and runs it through everything. It is
given what it can be: a photograph is decoded once an epoch for all its windows, crops
come in the order of the photographs, and validation is not counted.
"""

import itertools
import time
from collections.abc import Iterator

import numpy as np

from midlevel.features.preparation import Prepared
from midlevel.images import augment, pixels
from midlevel.networks import backbones, heads
from midlevel.settings.config import Config
from midlevel.system import runtime
from midlevel.training import labelled_windows

BATCH = 32  # Keras' own
WARM = 5  # batches that are not timed


def seconds_per_window(prepared: Prepared, config: Config, batches: int) -> float:
    """Of one epoch, from the times at which batches end.

    Photographs are taken as they are; mirrored ones would cost the same.
    """
    keras, ends = runtime.load_keras(), []
    clock = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: ends.append(time.perf_counter())
    )
    model, steps = build(prepared, config), WARM + batches
    crops = in_batches(windows(prepared, config), len(prepared.dataset.classes))
    model.fit(crops, steps_per_epoch=steps, shuffle=False, verbose=0, callbacks=[clock])
    return (ends[-1] - ends[WARM - 1]) / (batches * BATCH)


def build(prepared: Prepared, config: Config):
    """The model, compiled as Keras does by default."""
    keras, spec = runtime.load_keras(), backbones.find(config.backbone.name)
    backbone = backbones.keras_model(spec.name, config.backbone.weights)
    head = heads.build(spec.channels, len(prepared.dataset.classes), config.head.hidden)
    crops = keras.Input((spec.input_size, spec.input_size, 3))
    means = keras.layers.GlobalAveragePooling2D()(backbone(crops, training=False))
    model = keras.Model(crops, head(means))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def windows(prepared: Prepared, config: Config) -> Iterator[tuple[np.ndarray, int]]:
    """Crops and class ids of the windows midlevel learns from, again and again."""
    side = backbones.find(config.backbone.name).input_size
    views = prepared.views(config.data.train, [augment.ORIGINAL])
    for view in itertools.cycle(views):
        image, boxes = pixels.read(view.example.path), view.plan.boxes
        ids = labelled_windows.label(view, config)
        for i in np.flatnonzero(ids >= 0):
            yield pixels.cut(image, boxes[i], side), ids[i]


def in_batches(pairs: Iterator, classes: int) -> Iterator[tuple]:
    """Crops float32 and ids int32, `BATCH` at a time."""
    while some := list(itertools.islice(pairs, BATCH)):
        crops, ids = zip(*some, strict=True)
        yield np.stack(crops).astype(np.float32), np.array(ids, np.int32)
