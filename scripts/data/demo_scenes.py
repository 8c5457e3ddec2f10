"""The scenes of the demo set: what is pasted where, and what stays in sight."""

import dataclasses

import cv2
import demo_layers
import numpy as np
from demo_cutouts import BACKGROUNDS, CUTOUTS, DISTRACTORS, GREY_TEXTURES, WHOLE, Cutout

SIZES_WH = [(320, 240), (240, 320), (360, 200), (288, 288), (330, 220), (220, 330)]
DIFFICULT_VISIBLE = 0.4  # less of an object in sight makes it difficult,
DIFFICULT_SIDE = 30  # and so does a box whose area is less than the square of this


@dataclasses.dataclass
class Placed:
    """An object on the canvas: what is still visible of the area it had."""

    name: str
    visible: np.ndarray  # (height, width) float32, 0 to 1
    full_area: float

    def box(self) -> tuple[int, int, int, int]:
        """Half-open xyxy of the visible pixels; all 0 where there are none."""
        left, top, width, height = cv2.boundingRect((self.visible > 0.5).astype("u1"))
        return left, top, left + width, top + height

    def is_truncated(self) -> bool:
        """Whether the image border cuts it."""
        height, width = self.visible.shape
        left, top, right, bottom = self.box()
        return left == 0 or top == 0 or right == width or bottom == height

    def is_difficult(self) -> bool:
        left, top, right, bottom = self.box()
        side = ((right - left) * (bottom - top)) ** 0.5
        is_hidden = self.visible.sum() < DIFFICULT_VISIBLE * self.full_area
        return bool(is_hidden or side < DIFFICULT_SIDE)


class Canvas:
    """An image in the making, and what is visible of each object on it."""

    def __init__(self, base: demo_layers.Layer):
        self.pixels = base.pixels.astype(np.float32)
        self.size_wh = base.pixels.shape[1], base.pixels.shape[0]
        self.placed: list[Placed] = []
        for name, mask in base.objects:
            self.add(name, mask, mask.sum())

    def least_visible(
        self, layer: demo_layers.Layer, corner_xy: tuple[int, int]
    ) -> float:
        """The smallest visible fraction of any object, were the layer pasted there."""
        alpha = shifted(layer.alpha, corner_xy, self.size_wh)
        inside = alpha.sum() / layer.alpha.sum()
        left_over = [
            (placed.visible * (1 - alpha)).sum() / placed.full_area
            for placed in self.placed
        ]
        return min([inside, *left_over])

    def paste(self, layer: demo_layers.Layer, corner_xy: tuple[int, int]) -> None:
        alpha = shifted(layer.alpha, corner_xy, self.size_wh)
        shadow = cv2.GaussianBlur(shifted(alpha, (3, 4), self.size_wh), (0, 0), 4)
        self.pixels *= 1 - 0.4 * (shadow * (1 - alpha))[..., None]
        pixels = shifted(layer.pixels.astype(np.float32), corner_xy, self.size_wh)
        self.pixels += (pixels - self.pixels) * alpha[..., None]
        for placed in self.placed:
            placed.visible = placed.visible * (1 - alpha)
        for name, mask in layer.objects:
            self.add(name, shifted(mask, corner_xy, self.size_wh), mask.sum())

    def add(self, name: str, visible: np.ndarray, full_area: float) -> None:
        if visible.sum() > 0:
            self.placed.append(Placed(name, visible, max(float(full_area), 1.0)))


def shifted(part: np.ndarray, corner_xy, size_wh) -> np.ndarray:
    """The part on an empty canvas, its top left corner at `corner_xy`."""
    matrix = np.float32([[1, 0, corner_xy[0]], [0, 1, corner_xy[1]]])
    return cv2.warpAffine(part, matrix, size_wh, flags=cv2.INTER_NEAREST)


class Artist:
    """Makes the scenes of one split; every choice comes from `rng`."""

    def __init__(
        self, photographs: demo_layers.Photographs, split: str, rng: np.random.Generator
    ):
        self.photographs, self.split, self.rng = photographs, split, rng
        self.decks: dict[str, list] = {}

    def deal(self, kind: str, choices: list):
        """Deals shuffled choices like cards, so that each comes up equally often."""
        if not self.decks.get(kind):
            self.decks[kind] = [choices[i] for i in self.rng.permutation(len(choices))]
        return self.decks[kind].pop()

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def scene(self, number_of_objects: int) -> Canvas:
        size_wh = self.deal("size", SIZES_WH)
        names = [self.deal("class", list(CUTOUTS)) for _ in range(number_of_objects)]
        if names and self.chance(0.2):
            canvas = Canvas(self.photograph(names.pop(), size_wh))
            shown = {placed.name for placed in canvas.placed}
            names = [name for name in names if name not in shown]
        else:
            canvas = Canvas(self.background(size_wh))
        if self.chance(0.2):
            self.place(canvas, self.distractor(), self.rng.uniform(0.2, 0.4))
        largest = {0: 0.9, 1: 0.85, 2: 0.65}.get(number_of_objects, 0.5)
        for name in names:
            is_tiny = number_of_objects > 1 and self.chance(0.06)
            size = self.rng.uniform(*((0.07, 0.1) if is_tiny else (0.3, largest)))
            self.place(canvas, self.object_layer(name), size)
        return canvas

    # Bases: what a scene starts from.

    def background(self, size_wh: tuple[int, int]) -> demo_layers.Layer:
        photograph, region = self.deal("background", BACKGROUNDS[self.split])
        layer = demo_layers.crop_layer(
            self.photographs, photograph, self.crop_box(region, size_wh), []
        )
        if photograph in GREY_TEXTURES:
            layer.pixels = self.tinted(layer.pixels)
        return self.finished(layer, size_wh)

    def photograph(self, name: str, size_wh: tuple[int, int]) -> demo_layers.Layer:
        """A photograph that holds the class, cropped so that objects stay in sight."""
        photograph = self.deal(f"photograph {name}", holders(name))
        whole = WHOLE[photograph]
        height, width = self.photographs.read(photograph).shape[:2]
        crops = []
        for _ in range(30):
            box = self.crop_box((0, 0, width, height), size_wh)
            crop = demo_layers.crop_layer(self.photographs, photograph, box, whole)
            crops.append((self.least_in_crop(crop, whole, name), len(crops), crop))
        return self.finished(max(crops)[-1], size_wh)

    def least_in_crop(
        self, crop: demo_layers.Layer, whole: list[Cutout], name: str
    ) -> float:
        """The smallest part that the crop keeps of an object it shows, or must show."""
        parts = [
            mask.sum() / self.photographs.mask(cutout).sum()
            for cutout, (_, mask) in zip(whole, crop.objects, strict=True)
            if cutout.name == name or mask.any()
        ]
        # Beyond 0.7 all crops are as good, so that the largest is not always taken.
        return min(0.7, *parts)

    def crop_box(self, region, size_wh: tuple[int, int]) -> tuple[int, int, int, int]:
        """A box of the image's aspect inside the region, of 0.6 to 1 of the largest."""
        left, top, right, bottom = region
        scale = min((right - left) / size_wh[0], (bottom - top) / size_wh[1])
        scale *= self.rng.uniform(0.6, 1)
        width, height = int(size_wh[0] * scale), int(size_wh[1] * scale)
        x = left + int(self.rng.integers(right - left - width + 1))
        y = top + int(self.rng.integers(bottom - top - height + 1))
        return x, y, x + width, y + height

    def finished(
        self, layer: demo_layers.Layer, size_wh: tuple[int, int]
    ) -> demo_layers.Layer:
        layer = demo_layers.resized(layer, size_wh)
        layer.pixels = demo_layers.relit(layer.pixels, self.rng, 0.2)
        return demo_layers.mirrored(layer) if self.chance(0.5) else layer

    def tinted(self, pixels: np.ndarray) -> np.ndarray:
        """A grey texture in a colour: green or red to train, cool to validate."""
        ends = {
            "train": ((80, 130, 115), (95, 130, 180)),  # blue, green, red
            "val": ((155, 135, 120), (155, 160, 165)),
        }
        one, other = np.array(ends[self.split])
        colour = one + (other - one) * self.rng.random()
        return np.clip(pixels * (colour / 150), 0, 255).astype(np.uint8)

    # Layers that are pasted on a scene.

    def object_layer(self, name: str) -> tuple[demo_layers.Layer, str]:
        """A layer that shows the class, and the sides on which its photograph ends."""
        if holders(name) and self.chance(0.15):
            return self.printed(self.deal(f"print {name}", holders(name))), ""
        return self.turned(self.deal(f"cutout {name}", CUTOUTS[name]))

    def distractor(self) -> tuple[demo_layers.Layer, str]:
        if self.chance(0.4):
            layer = self.background(self.deal("print size", SIZES_WH))
            return demo_layers.rotated(
                demo_layers.print_layer(layer), self.rng.uniform(-12, 12)
            ), ""
        return self.turned(self.deal("distractor", DISTRACTORS))

    def printed(self, photograph: str) -> demo_layers.Layer:
        height, width = self.photographs.read(photograph).shape[:2]
        box = 0, 0, width, height
        layer = demo_layers.crop_layer(
            self.photographs, photograph, box, WHOLE[photograph]
        )
        return demo_layers.rotated(
            demo_layers.print_layer(layer), self.rng.uniform(-12, 12)
        )

    def turned(self, cutout: Cutout) -> tuple[demo_layers.Layer, str]:
        layer = demo_layers.cutout_layer(self.photographs, cutout)
        layer = demo_layers.rotated(layer, self.rng.uniform(*cutout.tilt))
        if self.chance(0.5):
            return demo_layers.mirrored(layer), cutout.cut.replace("l", "r")
        return layer, cutout.cut

    def place(
        self, canvas: Canvas, layer_and_cut: tuple[demo_layers.Layer, str], size: float
    ):
        """Pastes a layer of about `size` x the canvas, its cut sides at the border."""
        layer, cut = layer_and_cut
        layer = demo_layers.resized(
            layer, fitted_wh(layer.alpha.shape, canvas.size_wh, size)
        )
        layer.pixels = demo_layers.relit(layer.pixels, self.rng, 0.22)
        if self.chance(0.15):
            layer.pixels = cv2.GaussianBlur(layer.pixels, (0, 0), 1.2)
        least_visible = 0.2 if self.chance(0.1) else 0.6
        canvas.paste(layer, self.free_corner(canvas, layer, cut, least_visible))

    def free_corner(
        self, canvas: Canvas, layer: demo_layers.Layer, cut: str, least_visible: float
    ):
        """A corner where no object is hidden more than allowed, or the best found."""
        tries = []
        for _ in range(20):
            corner_xy = self.corner(canvas.size_wh, layer, cut)
            tries.append((canvas.least_visible(layer, corner_xy), corner_xy))
            if tries[-1][0] >= least_visible:
                break
        return tries[-1][1] if tries[-1][0] >= least_visible else max(tries)[1]

    def corner(self, canvas_wh, layer: demo_layers.Layer, cut: str) -> tuple[int, int]:
        height, width = layer.alpha.shape
        outside = 0.3 if self.chance(0.25) else 0.0  # most objects are whole
        x, y = (
            int(self.rng.uniform(*sorted((-outside * own, room + outside * own))))
            for own, room in (
                (width, canvas_wh[0] - width),
                (height, canvas_wh[1] - height),
            )
        )
        slack = 1 + (width + height) // 32  # a turned edge is not straight
        x = {"l": -slack, "r": canvas_wh[0] - width + slack}.get(cut[:1], x)
        y = {"t": -slack, "b": canvas_wh[1] - height + slack}.get(cut[-1:], y)
        return x, y

    def developed(self, canvas: Canvas) -> np.ndarray:
        """The canvas as a photograph: its light, now and then grey or blurred."""
        pixels = demo_layers.relit(
            np.clip(canvas.pixels, 0, 255).astype(np.uint8), self.rng, 0.1
        )
        if self.chance(0.08):
            grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
            pixels = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
        return cv2.GaussianBlur(pixels, (0, 0), 0.8) if self.chance(0.1) else pixels


def holders(name: str) -> list[str]:
    """The photographs that show the class."""
    return [
        photograph
        for photograph, whole in WHOLE.items()
        if any(cutout.name == name for cutout in whole)
    ]


def fitted_wh(shape, canvas_wh: tuple[int, int], size: float) -> tuple[int, int]:
    """The size of a layer of `size` squared of the canvas' area, as far as it fits.

    It grows to 1.6 times its own size at most: beyond that it looks blurred.
    """
    height, width = shape
    scale = size * (canvas_wh[0] * canvas_wh[1] / (width * height)) ** 0.5
    scale = min(scale, 1.6, 1.05 * canvas_wh[0] / width, 1.05 * canvas_wh[1] / height)
    return max(4, round(width * scale)), max(4, round(height * scale))
