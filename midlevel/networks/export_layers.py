"""Keras layers of exported models: a whole image in, image scores out.

They do inside a graph, for images of any size, what `pixels.levels`, `windows.plan`,
`pooling.pool`, `whole.vector` and `aggregation` do in numpy; tests hold them
equal. Importing this module registers them, so that Keras can load a model that has
them.
"""

from midlevel.images.pixels import HALVES_UP
from midlevel.method import calibration, whole, windows
from midlevel.method.aggregation import PARTS, Aggregation
from midlevel.networks import l2_scale, score_layers  # noqa: F401  heads' layers
from midlevel.system import runtime

runtime.load_keras()

import keras  # noqa: E402  (on TensorFlow now)

ops = keras.ops


@keras.saving.register_keras_serializable(package="midlevel")
class PyramidLevel(keras.layers.Layer):
    """Resize images to one level of the pyramid, as `windows.grid` sizes it.

    Takes uint8 or float32 `(n, height, width, 3)` in 0..255, gives float32 rounded to
    whole values. Averages pixel areas where both sides shrink, bilinear otherwise, like
    `pixels.levels`.
    """

    def __init__(self, scale, stride, input_size, min_cells, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale
        self.stride = stride
        self.input_size = input_size
        self.min_cells = min_cells

    def call(self, images):
        height, width = ops.shape(images)[1], ops.shape(images)[2]
        rows, columns = self._sides(height, width)
        shrinks = ops.logical_and(height >= rows, width >= columns)
        down = _shares(height, rows, shrinks)  # (rows, height)
        across = _shares(width, columns, shrinks)  # (columns, width)
        pixels = ops.cast(images, "float32")
        low = ops.matmul(down, ops.reshape(pixels, (-1, height, width * 3)))
        level = ops.matmul(across, ops.reshape(low, (-1, rows, width, 3)))
        return ops.round(level + HALVES_UP)

    def _sides(self, height, width):
        """Rows and columns of the level in pixels; the arithmetic of `windows.grid`.

        In float64, by which a half goes up or down. A size that is known beforehand
        leaves nothing to runtimes, some of which compute in float32.
        """
        if isinstance(height, int) and isinstance(width, int):
            geometry = windows.Geometry(
                (), self.stride, self.input_size, min_cells=self.min_cells
            )
            columns, rows = windows.grid((width, height), self.scale, geometry)
            return rows * self.stride, columns * self.stride
        sides = [ops.cast(side, "float64") for side in (height, width)]
        short, long = ops.minimum(*sides), ops.maximum(*sides)
        cells = self.scale * self.input_size / self.stride
        shrink = ops.minimum(ops.cast(1, "float64"), windows.MAX_ASPECT * short / long)
        per_pixel = cells * shrink / short
        return [
            ops.maximum(
                ops.cast(ops.floor(side * per_pixel + 0.5), "int32"), self.min_cells
            )
            * self.stride
            for side in sides
        ]

    def get_config(self):
        names = ("scale", "stride", "input_size", "min_cells")
        return {**super().get_config(), **{n: getattr(self, n) for n in names}}


@keras.saving.register_keras_serializable(package="midlevel")
class WindowMeans(keras.layers.Layer):
    """Mean of the map in every window of one level, in the order of `windows.plan`.

    Takes a map `(n, rows, columns, channels)`, gives `(n, windows, channels)`.
    """

    def __init__(self, sizes, overlap, lost_cells, **kwargs):
        super().__init__(**kwargs)
        self.sizes = tuple(sizes)
        self.overlap = overlap
        self.lost_cells = lost_cells

    def call(self, cells):
        table = ops.cumsum(ops.cumsum(cells, axis=1), axis=2)
        table = ops.pad(table, ((0, 0), (1, 0), (1, 0), (0, 0)))
        means = [self._means(table, size) for size in self.sizes]
        return ops.concatenate(means, axis=1)

    def _means(self, table, size):
        top, height = self._along(ops.shape(table)[1] - 1, size)
        left, width = self._along(ops.shape(table)[2] - 1, size)
        upper, lower = ops.take(table, top, 1), ops.take(table, top + height, 1)
        total = ops.take(lower, left + width, 2) - ops.take(upper, left + width, 2)
        total += ops.take(upper, left, 2) - ops.take(lower, left, 2)
        mean = total / ops.cast(height * width, total.dtype)
        return ops.reshape(mean, (ops.shape(table)[0], -1, table.shape[-1]))

    def _along(self, cells, size):
        """Starts, in cells of the map, and length of windows along one side."""
        length = cells + self.lost_cells
        size = ops.minimum(size, length)
        steps = [windows.step(s, self.overlap) for s in range(max(self.sizes) + 1)]
        step = ops.take(ops.array(steps, "int32"), size)
        gaps = (length - size + step - 1) // step
        starts = ops.arange(gaps + 1) * (length - size) // ops.maximum(gaps, 1)
        return starts, size - self.lost_cells

    def get_config(self):
        names = ("sizes", "overlap", "lost_cells")
        return {**super().get_config(), **{n: getattr(self, n) for n in names}}


@keras.saving.register_keras_serializable(package="midlevel")
class ImageScores(keras.layers.Layer):
    """From window scores `(n, windows, 1 + classes)` to image scores `(n, classes)`.

    See `aggregation.Aggregation`. Files of before have `k` alone, a power mean.
    """

    def __init__(self, how="power", by=2.0, k=None, **kwargs):
        super().__init__(**kwargs)
        self.aggregation = Aggregation(how, by if k is None else k)

    def call(self, window_scores):
        y = window_scores[..., 1:]
        how, by = self.aggregation.how, self.aggregation.by
        if how == "power":
            return _power_mean(y, by)
        if how == "max":
            return ops.max(y, axis=1)
        odds = _log_odds(y)
        if how == "top":
            return ops.sigmoid(_mean_of_highest(odds, self.aggregation.parts))
        peak = ops.max(odds, axis=1, keepdims=True)
        powers = ops.mean(ops.exp(by * (odds - peak)), axis=1)
        return ops.sigmoid(peak[:, 0] + ops.log(powers) / by)

    def get_config(self):
        found = self.aggregation
        return {**super().get_config(), "how": found.how, "by": found.by}


@keras.saving.register_keras_serializable(package="midlevel")
class WholeVector(keras.layers.Layer):
    """The vector of the whole photograph: `whole.vector` of `whole.of_maps`.

    Takes a list of maps, one a level, `(n, rows, columns, channels)`, gives
    `(n, levels * channels)`.
    """

    def call(self, maps):
        means = [ops.mean(cells, axis=(1, 2)) for cells in maps]
        return ops.concatenate([_unit_root(mean) for mean in means], axis=-1)


@keras.saving.register_keras_serializable(package="midlevel")
class Calibrated(keras.layers.Layer):
    """Image scores to probabilities, both `(n, classes)`: `calibration.Calibration`.

    Where there are `whole_slopes`, it takes the log-odds of the whole model, `(n,
    classes)`, behind the scores.
    """

    def __init__(self, slopes, intercepts, whole_slopes=(), **kwargs):
        super().__init__(**kwargs)
        self.slopes, self.intercepts = slopes, intercepts
        self.whole_slopes = whole_slopes

    def call(self, scores, whole=None):
        odds = _log_odds(scores) * self.slopes
        if whole is not None:
            odds += whole * self.whole_slopes
        return ops.sigmoid(odds + self.intercepts)

    def get_config(self):
        names = ("slopes", "intercepts", "whole_slopes")
        return {**super().get_config(), **{n: getattr(self, n) for n in names}}


def _log_odds(scores):
    """`calibration.log_odds`, without log1p, which ONNX lacks."""
    rest = ops.maximum(1 - scores, 1 - calibration.HIGHEST)
    return ops.log(ops.maximum(scores, calibration.LOWEST)) - ops.log(rest)


def _power_mean(y, k):
    """`(n, windows, classes)` to `(n, classes)`."""
    peak = ops.maximum(ops.max(y, axis=1, keepdims=True), 1e-30)
    powers = ops.power(y / peak, k)  # y ** k alone vanishes in float32
    return peak[:, 0] * ops.power(ops.mean(powers, axis=1), 1 / k)


def _mean_of_highest(odds, parts):
    """The mean over the highest windows, `aggregation.count_of` of them."""
    windows = ops.shape(odds)[1]
    count = ops.maximum(windows * parts // PARTS, 1)
    highest, _ = ops.top_k(ops.transpose(odds, (0, 2, 1)), count)
    return ops.mean(highest, axis=-1)


def _unit_root(mean):
    """The signed root of each mean `(n, channels)`, to unit length."""
    root = ops.sqrt(ops.abs(mean) + whole.STEADY) - whole.STEADY**0.5
    root = ops.sign(mean) * root
    length = ops.sqrt(ops.sum(ops.square(root), axis=-1, keepdims=True))
    return root / ops.maximum(length, whole.SHORTEST)


def _shares(length, wanted, shrinks):
    """How much each of `length` pixels adds to each of `wanted`: `(wanted, length)`.

    In whole numbers, as shares of a pixel of `1 / wanted`: some runtimes make float32
    of float64, which places a pixel of a large image too roughly.
    """
    length, wanted = ops.cast(length, "int64"), ops.cast(wanted, "int64")
    to = ops.arange(wanted, dtype="int64")[:, None]
    pixel = ops.arange(length, dtype="int64")[None, :]
    end = ops.minimum((pixel + 1) * wanted, (to + 1) * length)
    area = ops.maximum(end - ops.maximum(pixel * wanted, to * length), 0)
    centre = ops.clip((2 * to + 1) * length - wanted, 0, 2 * wanted * (length - 1))
    linear = ops.maximum(2 * wanted - ops.abs(2 * wanted * pixel - centre), 0)
    parts = ops.where(shrinks, area, linear)
    whole = ops.where(shrinks, length, 2 * wanted)
    return ops.cast(parts, "float32") / ops.cast(whole, "float32")
