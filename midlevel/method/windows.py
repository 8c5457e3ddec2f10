"""Which windows an image has: pure geometry, no pixels.

A pyramid is a list of levels. A level is the image resized so that its short side is
`scale` times the backbone's input size, with both sides rounded to whole cells of the
backbone's map. A window is `size` x `size` cells of one level, so the same window is a
slice of a map (the dense path) and a cut of the image (the crop path).

Oquab et al., CVPR 2014, section 3.2 take squares of side min(w, h) / lambda with at
least 50 % overlap, about 500 for an image, and give nine values of lambda while the
text speaks of eight scales; `paper` has all nine.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from midlevel import errors

LAMBDAS = (1, 1.3, 1.6, 2, 2.4, 2.8, 3.2, 3.6, 4)  # the paper, section 3.2
OVERLAP = 2 / 3  # one half gives about 275 windows, not the paper's 500
MAX_ASPECT = 8  # longer panoramas get coarser levels, so that work stays bounded


@dataclass(frozen=True)
class Level:
    """One size of the image and the windows taken from it.

    Attributes:
        scale: short side of the level, in units of the backbone's input size.
        sizes: sides of its windows, in cells of the backbone's map.
    """

    scale: float
    sizes: tuple[int, ...]


PYRAMIDS: dict[str, tuple[Level, ...]] = {
    "paper": tuple(Level(scale, (7,)) for scale in LAMBDAS),
    "octaves": (Level(1.4, (10, 8, 6)), Level(2.8, (10, 8, 7, 6, 5))),
    "single": (Level(2.0, (14, 11, 9, 7, 6, 5, 4)),),
    "fine": (
        Level(1.4, (10, 8, 6)),
        Level(2.8, (10, 8, 7, 6, 5)),
        Level(4.5, (8, 6, 5, 4)),
    ),
}


@dataclass(frozen=True)
class Geometry:
    """What decides the windows of an image, besides its size.

    Attributes:
        levels: the pyramid.
        stride: pixels of a level per cell of the backbone's map.
        input_size: the backbone's input side in pixels, the unit of `Level.scale`.
        overlap: least share of a window's side that its neighbour covers too, up to
            rounding to whole cells.
        min_cells: least rows and columns of a level (7 for a 7x7 valid convolution).
    """

    levels: tuple[Level, ...]
    stride: int = 32
    input_size: int = 224
    overlap: float = OVERLAP
    min_cells: int = 1


@dataclass(frozen=True)
class Plan:
    """The windows of one image.

    Attributes:
        size_wh: the image, in pixels.
        stride: pixels of a level per cell.
        grids: `(columns, rows)` of each level, in cells.
        level: `(n,)` int32, the level of each window.
        cells: `(n, 4)` int32 xyxy, the window in cells of its level.
    """

    size_wh: tuple[int, int]
    stride: int
    grids: tuple[tuple[int, int], ...]
    level: np.ndarray
    cells: np.ndarray

    def __len__(self) -> int:
        return len(self.level)

    @property
    def boxes(self) -> np.ndarray:
        """The windows as boxes in pixels of the image, float32 `(n, 4)`."""
        per_cell = np.divide(self.size_wh, self.grids)  # (levels, 2)
        return (self.cells * np.tile(per_cell, 2)[self.level]).astype(np.float32)

    @property
    def level_sizes_wh(self) -> tuple[tuple[int, int], ...]:
        """Size of each level in pixels."""
        return tuple((c * self.stride, r * self.stride) for c, r in self.grids)


def step(size: int, overlap: float) -> int:
    """Cells from a window of `size` to its neighbour, at most; whole, ties down.

    >>> step(7, 0.5), step(7, 2 / 3), step(1, 0.5)
    (3, 2, 1)
    """
    return max(1, math.ceil(size * (1 - overlap) - 0.5))


def starts(length: int, size: int, overlap: float) -> np.ndarray:
    """First cells of windows of `size` along `length` cells; the last touches the end.

    >>> starts(10, 4, 0.5).tolist(), starts(7, 7, 0.5).tolist()
    ([0, 2, 4, 6], [0])
    """
    gaps = math.ceil((length - size) / step(size, overlap))
    return np.arange(gaps + 1) * (length - size) // max(gaps, 1)


def grid(size_wh: tuple[int, int], scale: float, geometry: Geometry) -> tuple[int, int]:
    """`(columns, rows)` of the level of `scale`, in whole cells.

    >>> grid((500, 375), 2.8, Geometry(PYRAMIDS["octaves"]))
    (26, 20)
    """
    short = scale * geometry.input_size / geometry.stride
    shrink = min(1, MAX_ASPECT * min(size_wh) / max(size_wh))
    per_pixel = short * shrink / min(size_wh)
    columns, rows = (
        max(geometry.min_cells, math.floor(side * per_pixel + 0.5)) for side in size_wh
    )
    return columns, rows


def plan(size_wh: tuple[int, int], geometry: Geometry) -> Plan:
    """The windows of an image of `size_wh` pixels, level by level, largest first.

    Every image of at least one pixel has windows: a level with fewer rows or columns
    than a window's side takes windows as wide or high as the level.

    >>> octaves = plan((500, 375), Geometry(PYRAMIDS["octaves"]))
    >>> len(octaves), octaves.grids, octaves.boxes[0].tolist()
    (377, ((13, 10), (26, 20)), [0.0, 0.0, 384.6153869628906, 375.0])

    Raises:
        errors.ImageError: a side of `size_wh` is below one pixel.
    """
    if min(size_wh) < 1:
        raise errors.ImageError(
            f"An image needs at least 1 x 1 pixels. Received: {size_wh}."
        )
    grids = tuple(grid(size_wh, level.scale, geometry) for level in geometry.levels)
    cells = [
        _cells(grid_cr, level.sizes, geometry.overlap)
        for grid_cr, level in zip(grids, geometry.levels, strict=True)
    ]
    level = np.repeat(np.arange(len(cells)), [len(c) for c in cells])
    width, height = size_wh
    return Plan(
        (width, height),
        geometry.stride,
        grids,
        level.astype(np.int32),
        np.vstack(cells),
    )


def both_ways(one: Plan) -> Plan:
    """The windows of an image, then those of its mirror image, moved back.

    >>> one = plan((72, 50), Geometry((Level(1.0, (7,)),)))
    >>> one.grids, both_ways(one).cells[:, [0, 2]].tolist()
    (((10, 7),), [[0, 7], [1, 8], [3, 10], [3, 10], [2, 9], [0, 7]])
    """
    columns = np.array(one.grids, np.int32)[one.level, 0]
    mirrored = one.cells.copy()
    mirrored[:, 0], mirrored[:, 2] = (
        columns - one.cells[:, 2],
        columns - one.cells[:, 0],
    )
    cells = np.vstack([one.cells, mirrored])
    return replace(one, level=np.tile(one.level, 2), cells=cells)


def _cells(
    grid_cr: tuple[int, int], sizes: tuple[int, ...], overlap: float
) -> np.ndarray:
    """Windows of one level, int32 `(n, 4)` xyxy in cells."""
    windows = []
    for size in sizes:
        width, height = (min(size, length) for length in grid_cr)
        x = starts(grid_cr[0], width, overlap)
        y = starts(grid_cr[1], height, overlap)
        corner = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        windows.append(np.hstack([corner, corner + (width, height)]))
    return np.vstack(windows).astype(np.int32)
