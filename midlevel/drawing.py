"""Pictures for people: score maps, boxes and windows on photographs.

Images are RGB uint8 `(height, width, 3)`; nothing given is changed.
"""

import base64
from collections.abc import Sequence

import numpy as np

from midlevel import images, runtime

cv2 = runtime.load_opencv()
LONGEST = 960  # pixels of the long side of a picture on a page
# Colours that people with any colour vision tell apart (Okabe and Ito 2008), RGB.
PALETTE = (
    *((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66)),
    *((0, 114, 178), (213, 94, 0), (204, 121, 167)),
)
GAP = 4  # pixels between the tiles of a sheet
PAPER = 255  # what shows between them
QUALITY = 88  # of JPEGs on a page


def fitted(image: np.ndarray, longest: int = LONGEST) -> np.ndarray:
    """The image, made smaller where its long side is longer than `longest`."""
    wh = images.size_wh(image)
    shrink = min(1, longest / max(wh))
    return images.resize(image, tuple(max(1, round(side * shrink)) for side in wh))


def heat(image: np.ndarray, score_map: np.ndarray, top: float = 1.0) -> np.ndarray:
    """The image, grey and dim, lit in colours where a score map is high.

    Args:
        score_map: float `(rows, columns)`, of any size.
        top: the score that has the brightest colour.
    """
    wide = images.resize(score_map.astype(np.float32), images.size_wh(image))
    share = np.clip(wide / max(top, 1e-12), 0, 1)
    colours = cv2.applyColorMap((255 * share).astype(np.uint8), cv2.COLORMAP_INFERNO)
    grey = image.mean(axis=2, keepdims=True)
    under = 0.35 * image + 0.3 * grey
    alpha = 0.85 * share[..., None] ** 0.75
    return (under * (1 - alpha) + colours[..., ::-1] * alpha + 0.5).astype(np.uint8)


def boxed(
    image: np.ndarray,
    boxes: np.ndarray,
    colour: tuple[int, int, int],
    width: int = 2,
    scale: float = 1.0,
) -> np.ndarray:
    """The image with outlines, `colour` between thin dark lines.

    Args:
        boxes: `(n, 4)`, in pixels of the photograph.
        scale: pixels of `image` for one of the photograph.
    """
    drawn = np.ascontiguousarray(image).copy()
    for box in np.asarray(boxes, float).reshape(-1, 4) * scale:
        left, top, right, bottom = np.floor(box + 0.5).astype(int).tolist()
        ends = (left, top), (max(left, right - 1), max(top, bottom - 1))
        cv2.rectangle(drawn, *ends, (24, 24, 24), width + 2, cv2.LINE_AA)
        cv2.rectangle(drawn, *ends, colour, width, cv2.LINE_AA)
    return drawn


def sheet(tiles: Sequence[np.ndarray], columns: int, side: int) -> np.ndarray:
    """Square tiles in rows, each resized to `side` pixels; the rest is paper."""
    rows = -(-len(tiles) // columns)
    step = side + GAP
    shape = (rows * step - GAP, min(columns, len(tiles)) * step - GAP, 3)
    whole = np.full(shape, PAPER, np.uint8)
    for i, tile in enumerate(tiles):
        top, left = i // columns * step, i % columns * step
        whole[top : top + side, left : left + side] = images.resize(tile, (side, side))
    return whole


def png(image: np.ndarray) -> bytes:
    """The image as a PNG file."""
    return cv2.imencode(".png", image[..., ::-1])[1].tobytes()


def jpeg(image: np.ndarray) -> bytes:
    """The image as a JPEG file."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    return cv2.imencode(".jpg", image[..., ::-1], quality)[1].tobytes()


def data_uri(image: np.ndarray) -> str:
    """The image as an address that a page holds by itself."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg(image)).decode()
