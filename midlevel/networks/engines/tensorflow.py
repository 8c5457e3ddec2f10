"""TensorFlow: a Keras model as one graph whose weights are constants."""

import os
import threading
from typing import TYPE_CHECKING

import numpy as np

from midlevel import errors
from midlevel.networks.engines import gpu, precisions
from midlevel.system import runtime
from midlevel.system.keras_defaults import keras_defaults

if TYPE_CHECKING:
    import keras
else:
    keras = runtime.load_keras()

import tensorflow as tf  # it prints less when load_keras imports it
from tensorflow.python.framework.convert_to_constants import (
    convert_variables_to_constants_v2,  # the only name TensorFlow has for it
)

POLICIES = {"bf16": "mixed_bfloat16", "f16": "mixed_float16"}


class TensorFlowNetwork:
    """A frozen network that TensorFlow runs on its GPU, or on the CPU."""

    fingerprint = ""

    def __init__(self, model: keras.Model, dtype: str, precision: str = "f32"):
        """Take a model.

        Args:
            dtype: of what it is given, `uint8` or `float32`.
            precision: `f32`; `bf16` or `f16`: products of that type, sums of f32.

        Raises:
            errors.MidlevelError: this machine does not compute in that precision.
        """
        if precision != "f32":
            # TensorFlow takes a GPU where it can use one, and nobody else is asked.
            precisions.check("tensorflow", precision, "GPU" if gpu.usable() else "CPU")
            model = in_precision(model, precision)
        self._graph = freeze(model, dtype)
        self._process = os.getpid()
        self._one_at_a_time = threading.Lock()  # a GPU holds the maps of one call

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """See `engines.Network`.

        Raises:
            errors.MidlevelError: this process was forked after the network was made;
                TensorFlow's threads stayed behind, and the call would never end.
        """
        if os.getpid() != self._process:
            raise errors.MidlevelError(
                "TensorFlow was loaded before this process was forked, and cannot "
                "compute here. Load the model in the new process; or start it with "
                "multiprocessing's spawn; or load with engine='openvino'."
            )
        with self._one_at_a_time:
            return self._graph(tf.convert_to_tensor(batch))[0].numpy()


@keras_defaults()
def freeze(model: keras.Model, dtype: str) -> tf.types.experimental.ConcreteFunction:
    """The model as one graph, from `dtype` to float32, for all sizes it takes.

    As its weights are constants, an engine folds batch normalisation into the
    convolutions; not so in mixed precision, where Keras normalises in float32.
    """
    taken = model.inputs[0].dtype
    # No jit_compile: XLA on a CPU is some thirty times slower here.
    function = tf.function(
        lambda x: tf.cast(model(tf.cast(x, taken), training=False), tf.float32),
        input_signature=[tf.TensorSpec(model.input_shape, dtype)],
    )
    return convert_variables_to_constants_v2(function.get_concrete_function())


@keras_defaults()
def in_precision(model: keras.Model, precision: str) -> keras.Model:
    """A copy of `model` that multiplies in `precision`; preprocessing stays float32."""
    policy = POLICIES[precision]

    def copy(layer):
        config = layer.get_config()
        if not isinstance(layer, keras.layers.Rescaling | keras.layers.Normalization):
            config["dtype"] = policy
        return layer.__class__.from_config(config)

    result = keras.models.clone_model(model, clone_function=copy)
    result.set_weights(model.get_weights())
    return result
