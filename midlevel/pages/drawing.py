"""Pictures for people: score maps, boxes and windows on photographs.

Images are RGB uint8 `(height, width, 3)`; nothing given is changed.
"""

import base64
from collections.abc import Sequence

import numpy as np

from midlevel.images import pixels
from midlevel.system import runtime

cv2 = runtime.load_opencv()
DARK = (24, 24, 24)  # around what is drawn
MARKERS = {"cross": cv2.MARKER_TILTED_CROSS, "plus": cv2.MARKER_CROSS}
MARKERS |= {"diamond": cv2.MARKER_DIAMOND, "square": cv2.MARKER_SQUARE}
ROUND = ("dot", "point")
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
    return sized(image, min(longest, max(pixels.size_wh(image))))


def sized(image: np.ndarray, longest: int) -> np.ndarray:
    """The image with a long side of `longest` pixels, smaller or larger than it was."""
    wh = pixels.size_wh(image)
    width, height = (max(1, round(side * longest / max(wh))) for side in wh)
    return pixels.resize(image, (width, height))


def heat(image: np.ndarray, score_map: np.ndarray, top: float = 1.0) -> np.ndarray:
    """The image, grey and dim, lit in colours where a score map is high.

    Args:
        score_map: float `(rows, columns)`, of any size.
        top: the score that has the brightest colour.
    """
    wide = pixels.resize(score_map.astype(np.float32), pixels.size_wh(image))
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
    """The image with outlines, `colour` between thin dark lines if wider than one.

    Args:
        boxes: `(n, 4)`, in pixels of the photograph.
        scale: pixels of `image` for one of the photograph.
    """
    drawn = np.ascontiguousarray(image).copy()
    for box in np.asarray(boxes, float).reshape(-1, 4) * scale:
        left, top, right, bottom = np.floor(box + 0.5).astype(int).tolist()
        ends = (left, top), (max(left, right - 1), max(top, bottom - 1))
        if width > 1:
            cv2.rectangle(drawn, *ends, DARK, width + 2, cv2.LINE_AA)
        cv2.rectangle(drawn, *ends, colour, width, cv2.LINE_AA)
    return drawn


def marked(
    image: np.ndarray,
    points: np.ndarray,
    colour: tuple[int, int, int],
    shape: str = "dot",
    size: int = 5,
) -> np.ndarray:
    """The image with a mark at each point, `colour` on a thin dark rim.

    Args:
        points: `(n, 2)`, x and y in pixels of `image`.
        shape: `dot`, `point`, which has no rim, or a key of `MARKERS`.
        size: half of a mark's side, in pixels.
    """
    drawn = np.ascontiguousarray(image).copy()
    for point in np.floor(np.asarray(points, float).reshape(-1, 2)).astype(int):
        at = point.tolist()
        if shape == "dot":
            cv2.circle(drawn, at, size + 1, DARK, cv2.FILLED, cv2.LINE_AA)
        if shape in ROUND:
            cv2.circle(drawn, at, size, colour, cv2.FILLED, cv2.LINE_AA)
            continue
        for ink, width in ((DARK, 4), (colour, 2)):
            kind = MARKERS[shape], 2 * size
            cv2.drawMarker(drawn, at, ink, *kind, width, cv2.LINE_AA)
    return drawn


def tagged(
    image: np.ndarray,
    text: str,
    at: tuple[float, float] = (0, 0),
    size: float = 0.5,
) -> np.ndarray:
    """The image with a few letters on a dark tag.

    Only ASCII can be drawn: numbers, not the names of classes.

    Args:
        at: the tag's corner, x and y in pixels; moved where the tag would reach out.
        size: of the letters; 1 is about 22 pixels high.
    """
    drawn = np.ascontiguousarray(image).copy()
    font, width = (cv2.FONT_HERSHEY_SIMPLEX, size), max(1, round(1.6 * size))
    (wide, high), _ = cv2.getTextSize(text, *font, width)
    edge = width + 2
    left, top = (
        max(0, min(int(start), end - need - 2 * edge))
        for start, end, need in zip(
            at, pixels.size_wh(image), (wide, high), strict=True
        )
    )
    far = left + wide + 2 * edge - 1, top + high + 2 * edge - 1
    cv2.rectangle(drawn, (left, top), far, DARK, cv2.FILLED)
    low = left + edge, top + edge + high
    cv2.putText(drawn, text, low, *font, (255,) * 3, width, cv2.LINE_AA)
    return drawn


def rows(tiles: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """Tiles of one size in rows, with paper between them."""
    height, width = tiles[0].shape[:2]
    columns = min(columns, len(tiles))
    down, across = -(-len(tiles) // columns) * (height + GAP), columns * (width + GAP)
    whole = np.full((down - GAP, across - GAP, 3), PAPER, np.uint8)
    for i, tile in enumerate(tiles):
        top, left = i // columns * (height + GAP), i % columns * (width + GAP)
        whole[top : top + height, left : left + width] = tile
    return whole


def png(image: np.ndarray) -> bytes:
    """The image as a PNG file."""
    return cv2.imencode(".png", image[..., ::-1])[1].tobytes()


def data_uri(image: np.ndarray) -> str:
    """The image as an address that a page holds by itself."""
    jpeg = pixels.encode_jpeg(image, QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
