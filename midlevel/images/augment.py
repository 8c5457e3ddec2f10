"""Views: changed copies of a training photograph, boxes moved with the pixels.

The features of a frozen network are computed once, so augmentation has to be decided
before: each view of an image is stored like another image. A view depends on its name
and on the image's content only, so it is the same whenever it is made.

The one place that imports albumentations (2.0.8, the last MIT release).
"""

import hashlib
import os

import numpy as np

from midlevel import errors
from midlevel.method import boxes as boxes_

ORIGINAL, MIRROR, COLOUR, GEOMETRY = "original", "mirror", "colour", "geometry"
NAMES = (ORIGINAL, MIRROR, COLOUR, GEOMETRY)


def view(image: np.ndarray, boxes: np.ndarray, name: str, content: str):
    """One view of an image and of its boxes.

    `original` changes nothing. `mirror` flips left to right. `colour` changes
    brightness, contrast, hue and saturation. `geometry` scales by 0.8 to 1.25, shifts
    by up to a tenth and rotates by up to ten degrees; a box becomes the upright box
    around its moved corners, cut at the border, empty if it left the image.

    Args:
        image: RGB uint8 `(height, width, 3)`.
        boxes: float32 `(n, 4)`.
        name: one of `NAMES`, with a number for further draws, such as `colour:2`.
        content: what identifies the image, the source of the view's randomness.

    Returns:
        The new image, of the same size, and float32 `(n, 4)` boxes in the same order.
    """
    kind = check_name(name)
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    if kind == ORIGINAL:
        return image, boxes
    if kind == MIRROR:
        return image[:, ::-1], boxes_.mirror(boxes, image.shape[1])
    return _albumentations_view(image, boxes, kind, f"{name}/{content}")


def move_boxes(size_wh: tuple[int, int], boxes: np.ndarray, name: str, content: str):
    """The boxes of a view without its pixels, float32 `(n, 4)`."""
    kind = check_name(name)
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    if kind == COLOUR:
        return boxes
    blank = np.broadcast_to(np.uint8(0), (size_wh[1], size_wh[0], 3))
    return view(blank, boxes, name, content)[1]


def check_name(name: str) -> str:
    """The kind of view that `name` names.

    Raises:
        errors.MidlevelError: there is no such view.
    """
    kind, _, number = name.partition(":")
    if kind in NAMES and (not number or number.isdigit()):
        return kind
    raise errors.MidlevelError(
        f"A view must be one of {', '.join(NAMES)}, or such as colour:2 for another "
        f"draw. Received: {name}."
    )


def _albumentations_view(image, boxes, kind, seed_text):
    seed = int.from_bytes(hashlib.sha256(seed_text.encode()).digest()[:4], "little")
    pipeline, image = _pipeline(kind, seed), np.ascontiguousarray(image)
    if kind == COLOUR:
        return pipeline(image=image)["image"], boxes
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 2)  # (4 n, 2)
    changed = pipeline(image=image, keypoints=corners)
    corners = np.asarray(changed["keypoints"], np.float32).reshape(-1, 4, 2)
    moved = np.hstack([corners.min(axis=1), corners.max(axis=1)])
    return changed["image"], boxes_.clip(moved, image.shape[1::-1])


def _pipeline(kind, seed):
    """A new one for each view: it holds the random state, and threads make views."""
    # The import asks the network for a newer version unless told not to.
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    import albumentations as a

    if kind == COLOUR:
        jitter = a.ColorJitter(
            brightness=(0.7, 1.3),
            contrast=(0.7, 1.3),
            saturation=(0.7, 1.3),
            hue=(-0.05, 0.05),
            p=1,
        )
        return a.Compose([jitter], seed=seed)
    affine = a.Affine(
        scale=(0.8, 1.25),
        translate_percent=(-0.1, 0.1),
        rotate=(-10, 10),
        fill=(124, 116, 104),  # ImageNet's mean: what the network takes as nothing
        p=1,
    )
    points = a.KeypointParams(format="xy", remove_invisible=False)
    return a.Compose([affine], keypoint_params=points, seed=seed)
