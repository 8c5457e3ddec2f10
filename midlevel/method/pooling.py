"""Maps -> window features: the mean of each window's cells, by summed-area tables.

A summed-area table (Crow, SIGGRAPH 1984) holds at each cell the sum of all cells above
and to the left, so that the sum of any window costs four look-ups.
"""

from collections.abc import Sequence

import numpy as np

from midlevel.method.windows import Plan


def pool(maps: Sequence[np.ndarray], plan: Plan, lost_cells: int = 0) -> np.ndarray:
    """Mean of each window's cells, float32 `(n, channels)`.

    Args:
        maps: float32 `(rows, columns, channels)` of each level.
        lost_cells: cells that the map lacks on the right and below, because the
            backbone's convolutions have no padding; every window is that much smaller.
    """
    tables = [summed_areas(cells) for cells in maps]
    means = np.empty((len(plan), maps[0].shape[-1]), np.float32)
    # Row by row: whole vectors are read where they lie, nothing is copied before.
    cells = plan.cells - (0, 0, lost_cells, lost_cells)
    for mean, level, (left, top, right, bottom) in zip(
        means, plan.level.tolist(), cells.tolist(), strict=True
    ):
        table = tables[level]
        np.subtract(table[bottom, right], table[top, right], out=mean)
        mean += table[top, left]
        mean -= table[bottom, left]
        mean /= (right - left) * (bottom - top)
    return means


def summed_areas(cells: np.ndarray) -> np.ndarray:
    """Sums of `cells[:row, :column]`, float32 `(rows + 1, columns + 1, channels)`."""
    rows, columns, channels = cells.shape
    table = np.empty((rows + 1, columns + 1, channels), np.float32)
    table[0] = table[:, 0] = 0
    # Ten times as fast as numpy.cumsum, which goes through memory channel by channel.
    for y in range(rows):
        np.add(table[y, 1:], cells[y], out=table[y + 1, 1:])
    for x in range(1, columns):
        np.add(table[1:, x], table[1:, x + 1], out=table[1:, x + 1])
    return table
