"""The Keras models that are exported: from windows, or whole images, to scores."""

from dataclasses import astuple
from typing import Any

from midlevel.method.whole import WholeModel
from midlevel.networks import backbones, heads
from midlevel.prediction.model import Model
from midlevel.system import runtime
from midlevel.system.keras_defaults import keras_defaults


@keras_defaults()
def window_model(
    model: Model, size_wh: tuple[int, int] | None = None, is_counted: bool = False
) -> Any:
    """A Keras model from windows to scores of `Model.columns`.

    Takes `windows`, RGB uint8 `(n, s, s, 3)`, s the backbone's input size. Gives
    float32 `(n, 1 + classes)`.

    Args:
        size_wh, is_counted: of no matter; all windows have one size.
    """
    keras, (backbone, head) = runtime.load_keras(), _networks(model)
    side = model.extractor.backbone.spec.input_size
    inputs = keras.Input((side, side, 3), dtype="uint8", name="windows")
    means = keras.layers.GlobalAveragePooling2D(name="features")
    return keras.Model(inputs, head(means(backbone(inputs))), name="window")


@keras_defaults()
def image_model(
    model: Model, size_wh: tuple[int, int] | None = None, is_counted: bool = False
) -> Any:
    """A Keras model from whole images to calibrated image scores.

    Takes `images`, RGB uint8 `(n, height, width, 3)`. Gives float32 `(n, classes)`.

    Args:
        size_wh: the one size of image that it takes, in pixels; by default any.
        is_counted: whether sizes of levels are, for runtimes without float64.
    """
    keras, (backbone, head) = runtime.load_keras(), _networks(model)
    from midlevel.networks import counted_grids, export_layers

    level_layer = (
        counted_grids.CountedLevel if is_counted else export_layers.PyramidLevel
    )
    geometry, spec = model.extractor.geometry, model.extractor.backbone.spec
    width, height = size_wh or (None, None)
    inputs = keras.Input((height, width, 3), dtype="uint8", name="images")
    maps = [
        backbone(
            level_layer(
                level.scale, geometry.stride, geometry.input_size, geometry.min_cells
            )(inputs)
        )
        for level in geometry.levels
    ]
    vectors = [
        export_layers.WindowMeans(level.sizes, geometry.overlap, spec.lost_cells)(cells)
        for level, cells in zip(geometry.levels, maps, strict=True)
    ]
    if len(vectors) > 1:
        vectors = [keras.layers.Concatenate(axis=1, name="features")(vectors)]
    window_scores = _over_windows(head)(vectors[0])
    raw = export_layers.ImageScores(*astuple(model.aggregation), name="image_scores")(
        window_scores
    )
    said = [raw] if model.whole is None else [raw, _of_whole(model.whole, maps)]
    calibration = model.calibration
    outputs = export_layers.Calibrated(
        list(calibration.slopes),
        list(calibration.intercepts),
        list(calibration.whole_slopes),
        name="scores",
    )(*said)
    return keras.Model(inputs, outputs, name="image")


MAKERS = {"window": window_model, "image": image_model}


def is_countable(model: Model) -> bool:
    """Whether the sizes of the run's levels can be counted: `image_model`."""
    runtime.load_keras()
    from midlevel.networks import counted_grids

    return counted_grids.is_countable(model.extractor.geometry)


def _networks(model: Model) -> tuple[Any, Any]:
    """The run's backbone and head as Keras models."""
    settings, run = model.config.backbone, model.run
    weights = run.weights(settings)
    backbone = backbones.keras_model(settings.name, weights, settings.map)
    return backbone, heads.load(run.head_file)


def _over_windows(head: Any) -> Any:
    """The head on `(n, windows, channels)`: the same layers, one more axis."""
    keras = runtime.load_keras()
    inputs = keras.Input((None, head.input_shape[-1]), name="windows")
    copy = keras.models.clone_model(head, input_tensors=inputs)
    for layer in copy.layers:
        if layer.weights:  # the input has another name
            layer.set_weights(head.get_layer(layer.name).get_weights())
    return copy


def _of_whole(whole: WholeModel, maps: list[Any]) -> Any:
    """The whole model's log-odds `(n, classes)` of the maps of an image's levels."""
    keras = runtime.load_keras()
    from midlevel.networks import export_layers

    vector = export_layers.WholeVector(name="whole_vector")(maps)
    linear = keras.layers.Dense(len(whole.intercepts), name="whole")
    odds = linear(vector)
    linear.set_weights([whole.weights, whole.intercepts])
    return odds
