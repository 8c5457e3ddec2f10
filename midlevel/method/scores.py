"""From window scores to score maps."""

import numpy as np


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
    ones = np.ones((len(windows), 1))
    sums = _added(windows, np.hstack([window_scores, ones]), size_wh, map_wh)
    count = np.round(sums[..., -1:])
    mean = np.divide(
        sums[..., :-1], count, out=np.zeros_like(sums[..., :-1]), where=count > 0
    )
    return np.maximum(mean, 0).astype(np.float32)


def coverage(
    windows: np.ndarray,
    size_wh: tuple[int, int],
    map_wh: tuple[int, int] | None = None,
) -> np.ndarray:
    """How many windows cover each pixel of `score_map`, int `(height, width)`.

    >>> coverage(np.array([[0.0, 0, 2, 1], [1, 0, 3, 1]]), (3, 1)).tolist()
    [[1, 2, 1]]
    """
    counted = _added(windows, np.ones((len(windows), 1)), size_wh, map_wh)
    return np.round(counted[..., 0]).astype(int)


def _added(
    windows: np.ndarray,
    values: np.ndarray,
    size_wh: tuple[int, int],
    map_wh: tuple[int, int] | None,
) -> np.ndarray:
    """At each pixel the sum of the values `(n, d)` of the windows that cover it."""
    columns, rows = map_wh or size_wh
    scale = np.divide((columns, rows), size_wh)
    low = np.floor(windows[:, :2] * scale + 0.5).astype(int)
    high = np.floor(windows[:, 2:] * scale + 0.5).astype(int)
    low = np.minimum(low, (columns - 1, rows - 1))
    high = np.maximum(high, low + 1)  # a window never vanishes between two cells

    # Each window adds its values to a rectangle: four corners, then two running sums.
    corners = np.zeros((rows + 1, columns + 1, values.shape[1]))
    np.add.at(corners, (low[:, 1], low[:, 0]), values)
    np.add.at(corners, (high[:, 1], high[:, 0]), values)
    np.add.at(corners, (high[:, 1], low[:, 0]), -values)
    np.add.at(corners, (low[:, 1], high[:, 0]), -values)
    return corners.cumsum(axis=0).cumsum(axis=1)[:-1, :-1]
