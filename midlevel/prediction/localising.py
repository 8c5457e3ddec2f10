"""From window scores to regions: boxes around what scored."""

from collections.abc import Iterator

import numpy as np

from midlevel.images import pixels
from midlevel.method import boxes as boxes_
from midlevel.method import scores

CELLS = 64  # along the long side of the score map from which regions are read
RULE = 3  # counts changes of what follows, for predictions that are gone on with
# Chosen together; docs/measurements.md, "Regions", has what others give.
POWER = 0.2  # of a window's score: its fifth root
HEIGHT = 0.45  # of the highest sum, from which on a part is a region


def find(
    windows: np.ndarray,
    window_scores: np.ndarray,
    size_wh: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Boxes around what scored for one class, best first.

    At each cell the fifth roots of the scores of the windows that cover it are added
    up; regions are the connected parts above `HEIGHT` times the highest sum. A sum
    counts on how many windows agree, where the score map, a mean, is as high in
    corners that one window covers; a root lets the many that are hardly sure count,
    which hold an object's outer parts.

    Rough: the windows' own extent limits it, so parts of less than half the smallest
    window are specks between windows and left out.

    Args:
        windows: `(n, 4)` boxes in an image of `size_wh`.
        window_scores: `(n,)`, of one class.

    Returns:
        `(m, 4)` float32 boxes in pixels, and `(m,)` float32, the highest value of the
        score map in each.
    """
    return next(each(windows, window_scores[:, None], size_wh))


def each(
    windows: np.ndarray,
    window_scores: np.ndarray,
    size_wh: tuple[int, int],
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What `find` gives for one class after another; all maps are made at once.

    Args:
        window_scores: `(n, classes)`.
    """
    map_wh, count = map_size(size_wh), window_scores.shape[1]
    columns = np.hstack([window_scores, window_scores**POWER])
    means = scores.score_map(windows, columns, size_wh, map_wh)
    sums = means[..., count:] * scores.coverage(windows, size_wh, map_wh)[..., None]
    per_cell, least = np.divide(size_wh, map_wh), boxes_.area(windows).min() / 2
    for i in range(count):
        heat, total = means[..., i], sums[..., i]
        parts, boxes = pixels.connected_parts(total > HEIGHT * total.max())
        peaks = np.zeros(len(boxes), np.float32)
        np.maximum.at(peaks, parts[parts > 0] - 1, heat[parts > 0])
        boxes = boxes_.clip(boxes * np.tile(per_cell, 2), size_wh)
        order = np.argsort(peaks, kind="stable")[::-1]
        order = order[boxes_.area(boxes[order]) >= least]
        yield boxes[order], peaks[order]


def map_size(size_wh: tuple[int, int], longest: int = CELLS) -> tuple[int, int]:
    """Size of a coarse map with the image's proportions, at most the image's own."""
    shrink = min(1, longest / max(size_wh))
    width, height = (max(1, round(side * shrink)) for side in size_wh)
    return width, height
