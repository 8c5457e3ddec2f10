"""The Keras layer that brings a block of units to one length, and scales each.

Liu, Rabinovich, Berg, ICLR 2016 ("ParseNet", section 3.3), as Growing a Brain has it
for units of different origin: y_i = scale_i h_i / ||h||, each block by itself.
"""

from midlevel.system import runtime

runtime.load_keras()

import keras  # noqa: E402  (on TensorFlow now)

ops = keras.ops
# That a squared length is taken to be, so that units which are all nought have a slope.
LEAST = 1e-12


@keras.saving.register_keras_serializable(package="midlevel")
class L2Scale(keras.layers.Layer):
    """Units `(n, units)` at length one, each times a scale that is learned."""

    def __init__(self, scale: float = 20.0, **kwargs):
        """Every unit's scale is `scale` at the start."""
        super().__init__(**kwargs)
        self.scale = scale

    def build(self, input_shape):
        start = keras.initializers.Constant(self.scale)
        self.scales = self.add_weight((input_shape[-1],), start, name="scales")

    def call(self, units):
        squared = ops.sum(ops.square(units), axis=-1, keepdims=True)
        return units * ops.rsqrt(ops.maximum(squared, LEAST)) * self.scales

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}
