"""From window scores to image scores, score maps and regions."""

import numpy as np

from midlevel import boxes as boxes_

K_CHOICES = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0)  # the paper tunes k, gets 5
MAP_CELLS = 64  # cells along the long side of a score map from which regions are read


def image_scores(window_scores: np.ndarray, k: float) -> np.ndarray:
    """One score per class: the power mean over windows, `(n, classes)` to `(classes,)`.

    The paper's score is mean(y ** k), k >= 1 (section 3.3). This is its k-th root: the
    order of images and so every average precision is the same, but scores stay on the
    scale of the window scores whatever k is. k = 1 is the mean; large k nears the
    maximum.

    >>> image_scores(np.array([[0.0], [0.8]]), 2).round(3).tolist()
    [0.566]
    """
    y = np.asarray(window_scores, np.float64)
    return (y**k).mean(axis=0) ** (1 / k)


def score_map(
    windows: np.ndarray,
    window_scores: np.ndarray,
    size_wh: tuple[int, int],
    map_wh: tuple[int, int] | None = None,
) -> np.ndarray:
    """At each pixel the mean score of the windows that cover it (paper, section 3.3).

    Args:
        windows: `(n, 4)` boxes in an image of `size_wh`.
        window_scores: `(n, classes)`.
        map_wh: size of the result where it should be coarser than the image.

    Returns:
        float32 `(height, width, classes)`; 0 where no window lies.

    >>> windows = np.array([[0.0, 0, 2, 1], [1, 0, 3, 1]])
    >>> score_map(windows, np.array([[1.0], [0.0]]), (3, 1))[0, :, 0].tolist()
    [1.0, 0.5, 0.0]
    """
    columns, rows = map_wh or size_wh
    scale = np.divide((columns, rows), size_wh)
    low = np.floor(windows[:, :2] * scale + 0.5).astype(int)
    high = np.floor(windows[:, 2:] * scale + 0.5).astype(int)
    low = np.minimum(low, (columns - 1, rows - 1))
    high = np.maximum(high, low + 1)  # a window never vanishes between two cells
    values = np.hstack([window_scores, np.ones((len(windows), 1))])

    # Each window adds its values to a rectangle: four corners, then two running sums.
    corners = np.zeros((rows + 1, columns + 1, values.shape[1]))
    np.add.at(corners, (low[:, 1], low[:, 0]), values)
    np.add.at(corners, (high[:, 1], high[:, 0]), values)
    np.add.at(corners, (high[:, 1], low[:, 0]), -values)
    np.add.at(corners, (low[:, 1], high[:, 0]), -values)
    sums = corners.cumsum(axis=0).cumsum(axis=1)[:-1, :-1]
    count = np.round(sums[..., -1:])
    mean = np.divide(
        sums[..., :-1], count, out=np.zeros_like(sums[..., :-1]), where=count > 0
    )
    return np.maximum(mean, 0).astype(np.float32)


def regions(
    windows: np.ndarray,
    window_scores: np.ndarray,
    size_wh: tuple[int, int],
    threshold: float = 0.5,
) -> tuple[np.ndarray, np.ndarray]:
    """Boxes around what scored for one class, best first.

    Connected parts of the score map above `threshold` times its highest value. Rough:
    the windows' own extent limits it, so parts of less than half the smallest window
    are specks between windows and left out.

    Args:
        windows: `(n, 4)` boxes in an image of `size_wh`.
        window_scores: `(n,)`, of one class.

    Returns:
        `(m, 4)` float32 boxes in pixels, and `(m,)` the highest map value of each.
    """
    map_wh = map_size(size_wh)
    heat = score_map(windows, window_scores[:, None], size_wh, map_wh)[..., 0]
    parts = connected_parts(heat > threshold * heat.max())
    per_cell = np.tile(np.divide(size_wh, map_wh), 2)
    found, peaks = [], []
    for part in range(1, parts.max() + 1):
        y, x = np.nonzero(parts == part)
        found.append(np.array([x.min(), y.min(), x.max() + 1, y.max() + 1]) * per_cell)
        peaks.append(heat[y, x].max())
    boxes = boxes_.clip(np.array(found, np.float32).reshape(-1, 4), size_wh)
    order = np.argsort(peaks, kind="stable")[::-1]
    order = order[boxes_.area(boxes[order]) >= boxes_.area(windows).min() / 2]
    return boxes[order], np.array(peaks, np.float32)[order]


def map_size(size_wh: tuple[int, int], longest: int = MAP_CELLS) -> tuple[int, int]:
    """Size of a coarse map with the image's proportions, at most the image's own."""
    shrink = min(1, longest / max(size_wh))
    return tuple(max(1, round(side * shrink)) for side in size_wh)


def connected_parts(mask: np.ndarray) -> np.ndarray:
    """Number the parts of a bool `(rows, columns)` mask that touch by a side, from 1.

    >>> connected_parts(np.array([[1, 0, 1], [1, 0, 0]], bool)).tolist()
    [[1, 0, 2], [1, 0, 0]]
    """
    nobody = mask.size + 1
    parts = np.where(mask, np.arange(1, nobody).reshape(mask.shape), nobody)
    while True:  # the lowest number of a part spreads through it
        padded = np.pad(parts, 1, constant_values=nobody)
        beside = (
            padded[:-2, 1:-1],
            padded[2:, 1:-1],
            padded[1:-1, :-2],
            padded[1:-1, 2:],
        )
        spread = np.where(mask, np.minimum.reduce([parts, *beside]), nobody)
        if (spread == parts).all():
            numbers = np.unique(parts[mask])
            return np.where(mask, np.searchsorted(numbers, parts) + 1, 0)
        parts = spread
