"""Slow but obvious versions of what midlevel computes, and makers of tiny data sets."""

import contextlib
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from midlevel.images import pixels

Box = Sequence[float] | NDArray[Any]  # half-open xyxy
Size = tuple[int, int]  # width, height
Image = NDArray[np.uint8]  # (height, width, 3), RGB
Object = tuple[str, tuple[int, int, int, int], bool]  # name, box, difficult

# === Slow oracles ===


def slow_area(box: Box) -> float:
    return max(box[2] - box[0], 0) * max(box[3] - box[1], 0)


def slow_shared(a: Box, b: Box) -> float:
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    return slow_area([*low, *high])


def slow_iou(a: Box, b: Box) -> float:
    union = slow_area(a) + slow_area(b) - slow_shared(a, b)
    return slow_shared(a, b) / union if union > 0 else 0.0


def slow_assign(
    window: Box,
    boxes: Iterable[Box],
    classes: Iterable[int],
    difficult: Iterable[bool],
    same_class: str,
    difficult_boxes: str,
) -> int:
    """Class id of one window, rule by rule."""
    qualifying = []
    for box, name, hard in zip(boxes, classes, difficult, strict=True):
        shared = slow_shared(window, box)
        fills = shared >= 0.2 * slow_area(window)
        shows = shared >= 0.6 * slow_area(box)
        if not (fills and shows and shared > 0):
            continue
        if hard and difficult_boxes == "ignore":
            continue
        if hard and difficult_boxes == "leave_out":
            return -1
        qualifying.append(int(name))
    if not qualifying:
        return 0
    if len(qualifying) == 1 or (same_class == "keep" and len(set(qualifying)) == 1):
        return qualifying[0]
    return -1


def slow_score_map(
    windows: Sequence[Box], scores: NDArray[Any], size_wh: Size
) -> NDArray[np.float64]:
    """Pixel by pixel, the mean score of the windows that hold the pixel's centre."""
    width, height = size_wh
    result = np.zeros((height, width, scores.shape[1]))
    for y in range(height):
        for x in range(width):
            inside = [
                score
                for (left, top, right, bottom), score in zip(
                    windows, scores, strict=True
                )
                if left < x + 0.5 <= right and top < y + 0.5 <= bottom
            ]
            if inside:
                result[y, x] = np.mean(inside, axis=0)
    return result


def slow_parts(mask: NDArray[np.bool_]) -> NDArray[np.int_]:
    """Flood fill, parts numbered in the order of reading."""
    parts, count = np.zeros(mask.shape, int), 0
    for start in np.argwhere(mask):
        if parts[tuple(start)]:
            continue
        count += 1
        waiting = [tuple(start)]
        while waiting:
            y, x = waiting.pop()
            inside = 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1]
            if inside and mask[y, x] and not parts[y, x]:
                parts[y, x] = count
                waiting += [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
    return parts


def slow_average_precision(
    scores: Iterable[float], targets: Iterable[int], form: str
) -> float:
    """From the definition: precision and recall at every threshold."""
    pairs = [(s, t) for s, t in zip(scores, targets, strict=True) if t >= 0]
    positives = sum(t == 1 for _, t in pairs)
    at = {}  # threshold: (precision, recall)
    for threshold in {s for s, _ in pairs}:
        chosen = [t for s, t in pairs if s >= threshold]
        hits = sum(t == 1 for t in chosen)
        at[threshold] = hits / len(chosen), hits / positives
    if form == "non_interpolated":
        return float(np.mean([at[s][0] for s, t in pairs if t == 1]))

    def best_from(recall: float) -> float:
        return max((p for p, r in at.values() if r >= recall - 1e-9), default=0.0)

    if form == "eleven_point":
        return float(np.mean([best_from(i / 10) for i in range(11)]))
    levels = sorted({0.0} | {r for _, r in at.values()})
    steps = zip(levels[:-1], levels[1:], strict=True)
    return sum((high - low) * best_from(high) for low, high in steps)


# === Processes ===


@contextlib.contextmanager
def running(command: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process with pipes; killed, and its pipes closed, if it still runs at the end.

    `options` are `subprocess.Popen`'s.
    """
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **{**pipes, **options}) as process:
        try:
            yield process
        finally:
            process.kill()


# === Makers ===


def noise(size_wh: Size, seed: int = 0) -> Image:
    """A dull noisy RGB image."""
    shape = (size_wh[1], size_wh[0], 3)
    return np.random.default_rng(seed).integers(90, 166, shape, dtype=np.uint8)


def draw(image: Image, name: str, box: tuple[int, int, int, int]) -> None:
    """Paint the shape of a class into `box`: a red square, green disc or blue wedge."""
    left, top, right, bottom = box
    y, x = np.mgrid[top:bottom, left:right] + 0.5
    across, down = (x - left) / (right - left), (y - top) / (bottom - top)
    inside = {
        "square": np.ones(x.shape, bool),
        "disc": (2 * across - 1) ** 2 + (2 * down - 1) ** 2 <= 1,
        "wedge": np.abs(2 * across - 1) <= down,
    }[name]
    colour = {"square": (220, 20, 20), "disc": (20, 200, 20), "wedge": (20, 20, 230)}
    image[top:bottom, left:right][inside] = colour[name]


def annotation(
    filename: str, objects: Iterable[Object], size_wh: Size | None = None
) -> str:
    """VOC's XML; `objects` are `(name, half-open box, difficult)`."""
    parts = [f"<filename>{escape(filename)}</filename>"]
    if size_wh:
        width, height = size_wh
        parts += [f"<size><width>{width}</width><height>{height}</height></size>"]
    for name, (left, top, right, bottom), difficult in objects:
        corners = {"xmin": left + 1, "ymin": top + 1, "xmax": right, "ymax": bottom}
        box = "".join(f"<{tag}>{n}</{tag}>" for tag, n in corners.items())
        parts.append(
            f"<object><name>{escape(name)}</name><difficult>{int(difficult)}"
            f"</difficult><bndbox>{box}</bndbox></object>"
        )
    return f"<annotation>{''.join(parts)}</annotation>"


def write_photograph(path: Path, image: Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pixels.encode_jpeg(image, 95))


def write_voc(
    folder: Path,
    photographs: Mapping[str, tuple[Image, Iterable[Object]]],
    lists: Mapping[str, Iterable[str]] | None = None,
) -> Path:
    """VOC's folders; `photographs` are `id: (image, objects)`, `lists` `split: ids`."""
    for part in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for name, (image, objects) in photographs.items():
        write_photograph(folder / "JPEGImages" / f"{name}.jpg", image)
        text = annotation(f"{name}.jpg", objects, pixels.size_wh(image))
        (folder / "Annotations" / f"{name}.xml").write_text(text, encoding="utf-8")
    for split, names in (lists or {}).items():
        file = folder / "ImageSets" / "Main" / f"{split}.txt"
        file.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    return folder


def write_toy_voc(folder: Path) -> Path:
    """11 photographs to train, 5 to validate: squares, discs and wedges on noise.

    `train_00` shows no object, `train_01` a difficult disc besides its square,
    `train_10` and `val_04` two objects.
    """
    rng = np.random.default_rng(0)
    names, sizes = ("square", "disc", "wedge"), ((160, 120), (120, 160), (128, 128))
    photographs: dict[str, tuple[Image, list[Object]]] = {}
    lists: dict[str, list[str]] = {"train": [], "val": []}
    for number in range(16):
        split, at = ("train", number) if number < 11 else ("val", number - 11)
        image = noise(sizes[number % 3], number)
        objects: list[Object] = []
        side = int(rng.integers(50, 71))
        if number:
            objects.append((names[number % 3], (4, 4, 4 + side, 4 + side), False))
        if number == 1:
            objects[0] = ("square", objects[0][1], False)
            objects.append(("disc", (80, 85, 110, 115), True))
        if number in (10, 15):
            objects.append((names[(number + 1) % 3], (70, 70, 118, 118), False))
        for name, box, _ in objects:
            draw(image, name, box)
        photographs[f"{split}_{at:02}"] = image, objects
        lists[split].append(f"{split}_{at:02}")
    return write_voc(folder, photographs, lists)
