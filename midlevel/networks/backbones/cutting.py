"""Parts of a Keras network: several of its maps, and a trunk and a tail.

Pure functions: the network stays as it is. The parts share its layers and weights, and
what was frozen stays so: to train a tail, set `trainable` of its layers.
"""

from collections.abc import Sequence

import keras

from midlevel import errors
from midlevel.networks.backbones import table


def maps(model: keras.Model, spec: table.Spec, names: Sequence[str]) -> keras.Model:
    """The backbone as far as several of its maps, one output each, in order.

    Args:
        model: the whole of `spec`, see `architectures.keras_model`.
        names: `last`, or names of `spec.maps`.

    Raises:
        errors.MidlevelError: it gives no such map, or none is named.
    """
    if not names:
        raise errors.MidlevelError("Expected the name of a map. Received none.")
    outputs = [
        model.output
        if name == table.LAST
        else layer(model, spec.find_map(name).layer).output
        for name in names
    ]
    only = outputs[0] if len(outputs) == 1 else outputs
    return keras.Model(model.input, only, name=model.name)


def cut(model: keras.Model, at: str) -> tuple[keras.Model, keras.Model]:
    """The network in two, behind its layer `at`: `tail(trunk(x))` is `model(x)`.

    Args:
        model: of one input and one output, made by Keras' functional interface.

    Raises:
        errors.MidlevelError: there is no such layer, it is the last, or the network
            also goes around it, as around the inside of a residual block.
    """
    seam = layer(model, at).output
    if seam is model.output:
        raise errors.MidlevelError(
            f"Expected a layer of {model.name} with others behind it. Received: {at}, "
            "the last."
        )
    trunk = keras.Model(model.input, seam, name=f"{model.name}_trunk")
    try:
        tail = keras.Model(seam, model.output, name=f"{model.name}_tail")
    except ValueError as error:  # Keras finds an input that it was not given
        raise errors.MidlevelError(
            f"{model.name} cannot be cut at {at}: expected a layer through which "
            "everything goes, such as the sum at the end of a residual block."
        ) from error
    return trunk, tail


def layer(model: keras.Model, name: str) -> keras.layers.Layer:
    """The layer called `name`.

    Raises:
        errors.MidlevelError: there is none.
    """
    try:
        return model.get_layer(name)
    except ValueError as error:
        raise errors.MidlevelError(
            f"Expected a layer of {model.name}. Received: {name}."
        ) from error
