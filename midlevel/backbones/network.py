"""Build a backbone of the table as one frozen Keras model: RGB 0..255 -> map."""

import dataclasses
import functools
import warnings
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import (
    convert_variables_to_constants_v2,  # the only name TensorFlow has for it
)

from midlevel import errors
from midlevel.backbones import efficientnet_lite, table
from midlevel.backbones import weights as weights_files

# Mean of the ImageNet training pixels in Caffe's order, blue, green, red.
CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)


@dataclasses.dataclass(frozen=True, eq=False)
class Backbone:
    """A frozen network and the geometry of its map.

    Attributes:
        name: the name in the table.
        model: takes RGB uint8 or float32 `(n, height, width, 3)` in 0..255 of any
            size; returns the map `(n, rows, cols, channels)` float32. Preprocessing is
            inside and no weight is trainable.
        stride: pixels of the level along one side of a cell.
        channels: length of the vector in each cell.
        lost_cells: a window of k cells is `k - lost_cells` cells of the map.
        input_size: side in pixels of the images it was trained on.
        comes_along: whether midlevel brings these weights.
    """

    name: str
    model: keras.Model
    stride: int
    channels: int
    lost_cells: int = 0
    input_size: int = 224
    comes_along: bool = False

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal) of the name and of every weight."""
        return weights_files.fingerprint(self.model, self.name)

    @functools.cached_property
    def graph(self) -> tf.types.experimental.ConcreteFunction:
        """The model as one graph for images of all sizes: `(n, height, width, 3)`.

        Its weights are constants, so that TensorFlow folds batch normalisation into
        the convolutions; docs/measurements.md has what that gains.
        """
        # No jit_compile: XLA on a CPU is some thirty times slower here.
        function = tf.function(
            lambda images: self.model(images, training=False),
            input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32)],
        )
        return convert_variables_to_constants_v2(function.get_concrete_function())

    def maps(self, images: np.ndarray) -> np.ndarray:
        """Maps `(n, rows, cols, channels)` float32 of images of one size.

        `images` is RGB `(n, height, width, 3)` in 0..255, uint8 or float32. A map has
        `height / stride - lost_cells` rows where height is a multiple of the stride.
        """
        # Cast by TensorFlow: a GPU is sent uint8, a quarter of the bytes.
        images = tf.cast(tf.convert_to_tensor(images), tf.float32)
        return self.graph(images)[0].numpy()


def build(name: str, weights: str | Path = "imagenet") -> Backbone:
    """Build the backbone `name`, frozen.

    `weights` is `"imagenet"` (packaged with efficientnet_lite0; for others the
    ordinary download of keras.applications), `"none"` (random, the same in every
    process) or the path of a file saved by `build(name).model.save_weights(path)`.

    Raises `MidlevelError` if there is no such backbone, the download fails, or the
    file is missing or of another network.
    """
    spec = table.find(name)
    construct = CONSTRUCTORS.get(name, application_map)
    model = construct(spec, "imagenet" if weights == "imagenet" else None)

    if weights == "none":
        weights_files.randomise(model)
    elif weights != "imagenet":
        weights_files.load(model, weights)

    model.trainable = False
    return Backbone(
        name,
        model,
        spec.stride,
        spec.channels,
        spec.lost_cells,
        comes_along=weights == "imagenet" and name == table.DEFAULT,
    )


def efficientnet_lite0(spec: table.Spec, weights: str | None) -> keras.Model:
    """The default backbone, of midlevel itself."""
    return efficientnet_lite.efficientnet_lite0(weights=weights)


def application_map(spec: table.Spec, weights: str | None) -> keras.Model:
    """The convolutions of a network of keras.applications behind its preprocessing."""
    inputs = keras.Input((None, None, 3), name="image")
    x = preprocess(inputs, spec.preprocessing)
    network = application(spec, None, include_top=False, input_tensor=x)
    if weights is not None:
        trained = application(spec, weights, include_top=False)
        network.set_weights(trained.get_weights())
        fold_rescaling(trained, network)
    return keras.Model(inputs, network.output, name=spec.name)


def fold_rescaling(trained: keras.Model, network: keras.Model) -> None:
    """Put the factors of a layer that only `trained` has into the one before it.

    EfficientNet has, with ImageNet weights only, a second Rescaling behind its
    Normalization. It has no weights, so a copy of the weights alone would lose it.
    """
    rescalings = layers_of(trained, keras.layers.Rescaling)
    if len(rescalings) <= len(layers_of(network, keras.layers.Rescaling)):
        return
    (normalise,) = layers_of(network, keras.layers.Normalization)
    mean, variance, *rest = normalise.get_weights()
    normalise.set_weights([mean, variance / np.square(rescalings[-1].scale), *rest])
    normalise.finalize_state()


def layers_of(model: keras.Model, kind: type) -> list:
    """The layers of `model` of one kind, in order."""
    return [layer for layer in model.layers if isinstance(layer, kind)]


def vgg16_fc7(spec: table.Spec, weights: str | None) -> keras.Model:
    """VGG16 up to FC7, its two fully connected layers made convolutions.

    A 224 x 224 image gives one cell, the FC7 of the ordinary network; a larger one
    gives FC7 of every 224 x 224 window at steps of 32 pixels, but for the windows'
    zero padding. Source: Simonyan and Zisserman, ICLR 2015, section 3.2.
    """
    network = application_map(spec, None)
    x = keras.layers.Conv2D(4096, 7, activation="relu", name="fc1")(network.output)
    x = keras.layers.Conv2D(4096, 1, activation="relu", name="fc2")(x)
    model = keras.Model(network.input, x, name=spec.name)

    if weights is not None:
        copy_weights(application(spec, weights, include_top=True), model)
    return model


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Fill the layers of `target` from those of the same names in `source`.

    A dense kernel `(rows * cols * channels, units)` becomes a convolution's `(rows,
    cols, channels, units)` by its shape alone: Flatten runs in that order.
    """
    for layer in target.layers:
        if layer.weights:
            arrays = source.get_layer(layer.name).get_weights()
            shapes = [weight.shape for weight in layer.weights]
            pairs = zip(arrays, shapes, strict=True)
            layer.set_weights([array.reshape(shape) for array, shape in pairs])


def preprocess(x: keras.KerasTensor, kind: str) -> keras.KerasTensor:
    """RGB 0..255 as `kind` of network expects it, by layers every export knows."""
    if kind == "signed":
        return keras.layers.Rescaling(1 / 127.5, -1, name="preprocessing")(x)
    if kind == "caffe":
        offset = [-mean for mean in CAFFE_MEAN_BGR]
        x = keras.ops.flip(x, axis=-1)
        return keras.layers.Rescaling(1, offset, name="preprocessing")(x)
    return x


def application(spec: table.Spec, weights: str | None, **arguments) -> keras.Model:
    """A network of keras.applications, downloaded by Keras if `weights` says so."""
    construct = getattr(keras.applications, spec.application)
    try:
        with warnings.catch_warnings():
            # MobileNets are told that 224 x 224 weights serve any size: as intended.
            warnings.filterwarnings("ignore", message="`input_shape` is undefined")
            return construct(weights=weights, **arguments)
    except Exception as error:  # Keras raises Exception itself if a download fails
        raise errors.MidlevelError(
            f"Cannot get the ImageNet weights of {spec.name}. {error}. Download that "
            "file on another computer and put it in ~/.keras/models, or pass a "
            "weights file saved by model.save_weights(), or choose "
            f"{table.DEFAULT}, which needs no download."
        ) from error


CONSTRUCTORS = {"efficientnet_lite0": efficientnet_lite0, "vgg16_fc7": vgg16_fc7}
