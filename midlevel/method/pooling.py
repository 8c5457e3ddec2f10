"""Maps -> window features: the mean of each window's cells, by summed-area tables.

A summed-area table (Crow, SIGGRAPH 1984) holds at each cell the sum of all cells above
and to the left, so that the sum of any window costs four look-ups. Between its cells'
corners the table of a map that is constant in each cell is bilinear, so that a box with
fractional borders costs four interpolated look-ups and is exact too.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from midlevel.method import boxes as boxes_
from midlevel.method.windows import Plan

# Cells that a box should have along a side. He et al., "Spatial pyramid pooling", ECCV
# 2014, section 4.1, take the scale at which a box has nearest to 224 x 224 pixels,
# which are seven cells of 32.
TARGET = 7.0
BOXES_AT_ONCE = 512  # bounds the memory that look-ups take


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


def shares(plan: Plan, rows: np.ndarray, lost_cells: int = 0) -> list[np.ndarray]:
    """What each cell counts in the means of some windows, for each level.

    With `maps` as of `pool`, their cells one row after the other, `sum(share @ cells)`
    over the levels is `pool(maps, plan)[rows]`: a product that has a slope.

    Args:
        rows: numbers of windows, `(n,)`.

    Returns:
        float32 `(n, cells of the level's map)`; nought in rows of windows of
        other levels.
    """
    found = []
    for number, (columns, lines) in enumerate(plan.grids):
        there = (lines - lost_cells, columns - lost_cells)
        level = np.zeros((len(rows), *there), np.float32)
        for i in np.flatnonzero(plan.level[rows] == number):
            left, top, right, bottom = plan.cells[rows[i]]
            window = level[i, top : bottom - lost_cells, left : right - lost_cells]
            window[:] = 1 / window.size
        found.append(level.reshape(len(rows), -1))
    return found


def pool_boxes(
    maps: Sequence[np.ndarray],
    boxes: np.ndarray,
    size_wh: tuple[int, int],
    target: float = TARGET,
    lost_cells: int = 0,
) -> np.ndarray:
    """Mean of a map over each box, its cells weighted by how much lies in the box.

    A box is read from the level in which its side, the root of its area, is nearest to
    `target` cells by their ratio; from the first of those equally near.

    Args:
        maps: float32 `(rows, columns, channels)` of each level.
        boxes: `(n, 4)` in pixels of the image; what lies outside is cut off.
        size_wh: the image, in pixels.
        lost_cells: as of `pool`. A box that is not larger than these is read as if it
            were one cell larger than they are, about its own centre.

    Returns:
        float32 `(n, channels)`; of whole cells, what `pool` gives, up to rounding.

    Raises:
        errors.MidlevelError: a box has no area inside the image, or is no numbers.
    """
    pixels = boxes_.inside(boxes, size_wh).astype(np.float64)
    grids = [(m.shape[1] + lost_cells, m.shape[0] + lost_cells) for m in maps]
    per_pixel = np.divide(grids, size_wh)  # (levels, 2)
    level = nearest_level(pixels, per_pixel, target)
    cells = pixels * np.tile(per_pixel, 2)[level]
    means = np.empty((len(pixels), maps[0].shape[-1]), np.float32)
    for number, cells_of_level in enumerate(maps):
        chosen = np.flatnonzero(level == number)
        if len(chosen):
            there = _shrunk(cells[chosen], grids[number], lost_cells)
            means[chosen] = _box_means(cells_of_level, there)
    return means


def nearest_level(
    boxes: np.ndarray, per_pixel: np.ndarray, target: float
) -> np.ndarray:
    """The level, `(n,)`, in which each box's side is nearest to `target` cells.

    Args:
        per_pixel: `(levels, 2)`, cells of each level across and down a pixel.
    """
    sides = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)[:, None] ** 0.5
    in_cells = sides * np.prod(per_pixel, axis=1) ** 0.5  # (n, levels)
    return np.abs(np.log(in_cells / target)).argmin(axis=1)


def _shrunk(cells: np.ndarray, grid: tuple[int, int], lost_cells: int) -> np.ndarray:
    """Boxes in cells of a level, as boxes in cells of its map, which lacks some."""
    if not lost_cells:
        return np.clip(cells, 0, np.tile(grid, 2))  # rounding may have left the map
    low, high = cells[:, :2], cells[:, 2:]
    sides = np.maximum(high - low, lost_cells + 1)
    low = np.clip((low + high - sides) / 2, 0, np.array(grid) - sides)
    return np.hstack([low, low + sides - lost_cells])


def _box_means(cells: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Mean of a map over boxes in its cells, float64 `(n, channels)`."""
    # A box may be a hundredth of a cell: float32 sums of a whole map are too rough.
    table = summed_areas(cells, np.float64)
    means = []
    for start in range(0, len(boxes), BOXES_AT_ONCE):
        left, top, right, bottom = boxes[start : start + BOXES_AT_ONCE].T
        total = _at(table, right, bottom) - _at(table, right, top)
        total += _at(table, left, top) - _at(table, left, bottom)
        means.append(total / ((right - left) * (bottom - top))[:, None])
    return np.concatenate(means)


def _at(table: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A summed-area table at `(n,)` fractional corners, `(n, channels)`."""
    column = np.minimum(x.astype(int), table.shape[1] - 2)
    row = np.minimum(y.astype(int), table.shape[0] - 2)
    across, down = (x - column)[:, None], (y - row)[:, None]
    upper = table[row, column] * (1 - across) + table[row, column + 1] * across
    lower = table[row + 1, column] * (1 - across) + table[row + 1, column + 1] * across
    return upper * (1 - down) + lower * down


def summed_areas(cells: np.ndarray, dtype: DTypeLike = np.float32) -> np.ndarray:
    """Sums of `cells[:row, :column]`, `(rows + 1, columns + 1, channels)`."""
    rows, columns, channels = cells.shape
    table = np.empty((rows + 1, columns + 1, channels), dtype)
    table[0] = table[:, 0] = 0
    # Ten times as fast as numpy.cumsum, which goes through memory channel by channel.
    for y in range(rows):
        np.add(table[y, 1:], cells[y], out=table[y + 1, 1:])
    for x in range(1, columns):
        np.add(table[1:, x], table[1:, x + 1], out=table[1:, x + 1])
    return table
