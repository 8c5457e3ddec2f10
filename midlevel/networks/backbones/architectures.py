"""A backbone of the table as one frozen Keras model: RGB 0..255 -> map."""

import warnings
from pathlib import Path

import keras
import numpy as np

from midlevel import errors
from midlevel.networks.backbones import cutting, efficientnet_lite, table
from midlevel.networks.backbones import weights as weights_files

# Mean of the ImageNet training pixels in Caffe's order, blue, green, red.
CAFFE_MEAN_BGR = (103.939, 116.779, 123.68)


def keras_model(
    name: str, weights: str | Path = "imagenet", map: str = table.LAST
) -> keras.Model:
    """The backbone `name`: RGB 0..255 `(n, height, width, 3)` of any size to maps.

    Preprocessing is inside and no weight is trainable.

    `weights` is `"imagenet"` (packaged with EfficientNet-Lite; for others the ordinary
    download of keras.applications), `"none"` (random, the same in every process) or
    the path of a file saved by `keras_model(name).save_weights(path)`, of the whole
    network whatever the `map`, which is where it ends, see `table.Spec.maps`.

    Raises `MidlevelError` if there is no such backbone or map, the download fails, or
    the file is missing or of another network.
    """
    spec = table.find(name)
    spec.of_map(map)  # refused before anything is downloaded
    construct = CONSTRUCTORS.get(name, application_map)
    model = construct(spec, "imagenet" if weights == "imagenet" else None)

    if weights == "none":
        weights_files.randomise(model)
    elif weights != "imagenet":
        weights_files.load(model, weights)

    model.trainable = False
    return model if map == table.LAST else cutting.maps(model, spec, [map])


def of_midlevel(spec: table.Spec, weights: str | None) -> keras.Model:
    """One of the EfficientNet-Lite family, the default backbone among them."""
    return efficientnet_lite.efficientnet_lite(spec.name, weights=weights)


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


CONSTRUCTORS = dict.fromkeys(efficientnet_lite.SCALINGS, of_midlevel)
CONSTRUCTORS["vgg16_fc7"] = vgg16_fc7
