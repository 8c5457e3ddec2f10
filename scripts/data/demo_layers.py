"""The layers of a collage: photographs, cut-outs and prints, turned and relit."""

import dataclasses
import functools
import io
import pathlib
import zipfile

import click
import cv2
import numpy as np
from demo_cutouts import Cutout

GRAB_CUT_SEED = 2014


@dataclasses.dataclass
class Layer:
    """Pixels (h, w, 3), their opacity (h, w) and that of each object in them."""

    pixels: np.ndarray
    alpha: np.ndarray
    objects: list[tuple[str, np.ndarray]]


# === Photographs ===


class Photographs:
    """Reads and cuts the photographs of a folder or of a scikit-image wheel, once."""

    def __init__(self, source: pathlib.Path):
        self.source = source
        self.read = functools.cache(self._read)
        self.mask = functools.cache(self._mask)

    def _read(self, name: str) -> np.ndarray:
        try:
            content = self._content(name)
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise click.ClickException(
                f"{self.source} has no photograph {name} ({error}); name the folder "
                "skimage/data, or the scikit-image wheel that this script's help names."
            ) from error
        return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)

    def _content(self, name: str) -> bytes:
        if self.source.is_dir():
            return (self.source / name).read_bytes()
        with zipfile.ZipFile(io.BytesIO(self.source.read_bytes())) as wheel:
            return wheel.read(f"skimage/data/{name}")

    def _mask(self, cutout: Cutout) -> np.ndarray:
        pixels = self.read(cutout.photograph)
        drawn = np.zeros(pixels.shape[:2], np.uint8)
        cv2.fillPoly(drawn, [np.array(cutout.outline, np.int32)], 1)
        mask = refine(pixels, drawn, cutout.band) if cutout.band else drawn
        mask[cutout.bottom :] = 0
        return cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.0)


def refine(pixels: np.ndarray, drawn: np.ndarray, band: int) -> np.ndarray:
    """Moves a drawn outline to the object's own, by at most `band` pixels."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * band + 1,) * 2)
    sure = cv2.erode(drawn, kernel, borderValue=1)
    near = cv2.dilate(drawn, kernel)
    labels = np.where(drawn == 1, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[sure == 1], labels[near == 0] = cv2.GC_FGD, cv2.GC_BGD
    cv2.setRNGSeed(GRAB_CUT_SEED)  # grab-cut starts from random clusters
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(pixels, labels, None, *models, 4, cv2.GC_INIT_WITH_MASK)
    mask = ((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)).astype(np.uint8)
    mask = cv2.medianBlur(mask, 5)
    return cv2.erode(mask, np.ones((2, 2), np.uint8), borderValue=1)  # no colour fringe


# === Layers ===


def cutout_layer(photographs: Photographs, cutout: Cutout) -> Layer:
    pixels, alpha = photographs.read(cutout.photograph), photographs.mask(cutout)
    left, top, width, height = cv2.boundingRect((alpha > 0.02).astype(np.uint8))
    part = np.s_[top : top + height, left : left + width]
    objects = [(cutout.name, alpha[part])] if cutout.name else []
    return Layer(pixels[part], alpha[part], objects)


def crop_layer(photographs, photograph, box, whole: list[Cutout]) -> Layer:
    """A rectangle of a photograph, with the objects that are in it."""
    left, top, right, bottom = box
    part = np.s_[top:bottom, left:right]
    pixels = photographs.read(photograph)[part]
    objects = [(cutout.name, photographs.mask(cutout)[part]) for cutout in whole]
    return Layer(pixels, np.ones(pixels.shape[:2], np.float32), objects)


def print_layer(layer: Layer) -> Layer:
    """The layer as a paper print: with a white border."""
    side = max(4, min(layer.alpha.shape) // 24)
    pad = functools.partial(
        cv2.copyMakeBorder,
        **dict.fromkeys(("top", "bottom", "left", "right"), side),
        borderType=cv2.BORDER_CONSTANT,
    )
    objects = [(name, pad(mask, value=0)) for name, mask in layer.objects]
    return Layer(
        pad(layer.pixels, value=(236, 240, 240)), pad(layer.alpha, value=1), objects
    )


def map_layer(layer: Layer, of_pixels, of_mask) -> Layer:
    objects = [(name, of_mask(mask)) for name, mask in layer.objects]
    return Layer(of_pixels(layer.pixels), of_mask(layer.alpha), objects)


def resized(layer: Layer, size_wh: tuple[int, int]) -> Layer:
    shrinks = size_wh[0] < layer.alpha.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    resize = functools.partial(cv2.resize, dsize=size_wh, interpolation=interpolation)
    return map_layer(layer, resize, lambda mask: np.clip(resize(mask), 0, 1))


def mirrored(layer: Layer) -> Layer:
    return map_layer(layer, lambda part: part[:, ::-1], lambda part: part[:, ::-1])


def rotated(layer: Layer, degrees: float) -> Layer:
    height, width = layer.alpha.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    cosine, sine = np.abs(matrix[0, :2])
    new_wh = np.array([height * sine + width * cosine, height * cosine + width * sine])
    matrix[:, 2] += (new_wh - (width, height)) / 2
    warp = functools.partial(
        cv2.warpAffine, M=matrix, dsize=tuple(int(side) + 1 for side in new_wh)
    )
    return map_layer(
        layer, functools.partial(warp, borderMode=cv2.BORDER_REPLICATE), warp
    )


def relit(pixels: np.ndarray, rng: np.random.Generator, strength: float) -> np.ndarray:
    """Other light: brightness, contrast and colour cast, each around unchanged."""
    low, high = 1 - strength, 1 + strength / 2  # too bright would be white
    gain = rng.uniform(low, high) * rng.uniform(1 - strength / 3, 1 + strength / 3, 3)
    contrast = rng.uniform(low, 1.1)
    mean = pixels.mean(axis=(0, 1))
    light = (mean + (pixels.astype(np.float32) - mean) * contrast) * gain
    return np.clip(light, 0, 255).astype(np.uint8)
