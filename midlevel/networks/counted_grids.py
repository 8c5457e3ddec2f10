"""Sizes of pyramid levels in whole numbers, for runtimes without float64.

OpenVINO makes float32 of float64 and also computes whole numbers as such, which is
exact below 2**24. So sizes are counted, by small products and comparisons: how many
cells fit. That rounds a half up. `windows.grid`, in float64, rounds some halves down;
as these are known beforehand, they are listed (`low_halves`), by asking it.
"""

import functools
from fractions import Fraction

import numpy as np

from midlevel.method import windows
from midlevel.networks import export_layers

ops = export_layers.ops

EXACT = 1 << 24  # float32 holds all whole numbers to here
SIDE = 1 << 14  # pixels; of longer sides a half may go either way


class CountedLevel(export_layers.PyramidLevel):
    """`PyramidLevel` with sides counted in whole numbers.

    Raises:
        ValueError: on call, where `is_countable` says no.
    """

    def _sides(self, height, width):
        if isinstance(height, int) and isinstance(width, int):
            return super()._sides(height, width)
        height, width = ops.cast(height, "int32"), ops.cast(width, "int32")
        short, long = ops.minimum(height, width), ops.maximum(height, width)
        is_panorama = long > windows.MAX_ASPECT * short
        unit = ops.where(is_panorama, long, short)
        of_short = self._count(
            ops.where(is_panorama, windows.MAX_ASPECT * short, short), unit
        ) - self._is_low(short, unit)
        of_long = self._count(
            ops.where(is_panorama, windows.MAX_ASPECT, long),
            ops.where(is_panorama, 1, short),
        ) - self._is_low(short, ops.where(is_panorama, 0, long))
        return [
            ops.maximum(ops.where(side > other, of_long, of_short), self.min_cells)
            * self.stride
            for side, other in ((height, width), (width, height))
        ]

    def _count(self, pixels, unit):
        """`cells * pixels / unit`, a half rounded up; `pixels / unit` to 8."""
        cells = _cells(self.scale, self.stride, self.input_size)
        over, under = cells.numerator, cells.denominator
        aspects = np.arange(windows.MAX_ASPECT + 1, dtype=np.int32)
        times = _number_of(pixels >= ops.array(aspects[1:]) * unit)
        whole, parts = (
            ops.take(ops.array(table.astype(np.int32)), times)
            for table in np.divmod(over * aspects, under)
        )
        rest = parts * unit + over * (pixels - times * unit)  # in under * unit
        steps = np.arange(1, over // under + 3, dtype=np.int32) * 2 - 1
        return whole + _number_of(2 * rest >= ops.array(steps) * (under * unit))

    def _is_low(self, short, other):
        low = low_halves(self.scale, self.stride, self.input_size)
        shorts, others = ops.array(low[:, 0]), ops.array(low[:, 1])
        return _number_of(ops.logical_and(shorts == short, others == other))


def is_countable(geometry: windows.Geometry) -> bool:
    """Whether `CountedLevel` can be had for every level.

    Not for scales of many digits, whose products are not exact, nor where each
    panorama's long side is a half.
    """
    for level in geometry.levels:
        cells = _cells(level.scale, geometry.stride, geometry.input_size)
        if 2 * (cells.numerator + 3 * cells.denominator) * SIDE > EXACT:
            return False
        if (2 * windows.MAX_ASPECT * cells) % 2 == 1:
            return False
    return True


@functools.cache
def low_halves(scale: float, stride: int, input_size: int) -> np.ndarray:
    """Sizes at which `windows.grid` rounds a half down.

    Returns:
        `(n, 2)` int32, the short side and the side that is rounded; of panoramas, whose
        short side is rounded, both sides.
    """
    geometry = windows.Geometry((), stride, input_size, min_cells=0)
    halves = _halves(_cells(scale, stride, input_size))
    low = [(-1, -1)]  # no size; an empty list would have no place in a graph
    for short, other, half in halves.tolist():
        columns, rows = windows.grid((other, short), scale, geometry)
        is_panorama = other > windows.MAX_ASPECT * short
        if (rows if is_panorama else columns) == half // 2:
            low.append((short, other))
    return np.array(low, np.int32)


def _halves(cells: Fraction) -> np.ndarray:
    """`(short, other, twice the number of cells)` wherever that number is odd."""
    over, under = cells.numerator, cells.denominator
    short = np.arange(1, SIDE)
    found = []
    for half in range(1, int(2 * windows.MAX_ASPECT * cells) + 1, 2):
        of_itself = (half * under * short, 2 * over)
        of_panorama = (2 * windows.MAX_ASPECT * over * short, half * under)
        for is_long, fraction in enumerate((of_itself, of_panorama)):
            other, rest = np.divmod(*fraction)
            fits = (rest == 0) & (other >= short) & (other < SIDE)
            fits &= (other > windows.MAX_ASPECT * short) == is_long
            pairs = short[fits], other[fits]
            found.append(np.stack([*pairs, np.full(fits.sum(), half)], axis=1))
    return np.concatenate(found)


def _cells(scale: float, stride: int, input_size: int) -> Fraction:
    """Cells along the short side, with `scale` as people write it."""
    return Fraction(repr(float(scale))) * input_size / stride


def _number_of(true):
    return ops.sum(ops.cast(true, "int32"))
