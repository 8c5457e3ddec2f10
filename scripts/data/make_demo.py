"""Make data/demo: small collages, with boxes, from public-domain photographs.

The photographs are six CC0 or public-domain pictures, and three CC0 textures, of the
scikit-image wheel (data/README.md credits each). Fetch the wheel and make the set:

    pip download --no-deps --dest photographs scikit-image==0.26.0
    python scripts/data/make_demo.py --photographs photographs/scikit_image-*.whl

The same OpenCV and numpy give the same bytes. Training and validation images share the
objects, there being one cat, and photographs used whole; no collage and no background.
What is cut out is in demo_cutouts.py, how it is pasted in demo_layers.py and
demo_scenes.py.
"""

import pathlib
from xml.etree import ElementTree

import click
import cv2
import demo_scenes
import numpy as np
from demo_cutouts import BACKGROUNDS
from demo_layers import Photographs

SEED = 2014
JPEG_QUALITY = 84
OBJECTS_PER_IMAGE = (1, 2, 1, 3, 2, 0, 1, 2, 1, 2)


def annotation(image_id: str, canvas: demo_scenes.Canvas) -> bytes:
    """PASCAL VOC's XML: boxes are 1-based and include their last pixel."""
    root = ElementTree.Element("annotation")
    add_fields(root, {"folder": "demo", "filename": f"{image_id}.jpg"})
    width, height = canvas.size_wh
    size = {"width": width, "height": height, "depth": 3}
    add_fields(ElementTree.SubElement(root, "size"), size)
    add_fields(root, {"segmented": 0})
    for placed in canvas.placed:
        left, top, right, bottom = placed.box()
        if right - left < 4 or bottom - top < 4:
            continue
        node = ElementTree.SubElement(root, "object")
        flags = {"truncated": placed.is_truncated(), "difficult": placed.is_difficult()}
        add_fields(node, {"name": placed.name, "pose": "Unspecified"})
        add_fields(node, {name: int(value) for name, value in flags.items()})
        box = {"xmin": left + 1, "ymin": top + 1, "xmax": right, "ymax": bottom}
        add_fields(ElementTree.SubElement(node, "bndbox"), box)
    ElementTree.indent(root, "\t")
    return ElementTree.tostring(root) + b"\n"


def add_fields(node: ElementTree.Element, fields: dict) -> None:
    for name, value in fields.items():
        ElementTree.SubElement(node, name).text = str(value)


def write_split(photographs, output: pathlib.Path, split: str, count: int) -> list[str]:
    """Writes a split's photographs and annotations, and returns their ids."""
    rng = np.random.default_rng([SEED, list(BACKGROUNDS).index(split)])
    artist = demo_scenes.Artist(photographs, split, rng)
    image_ids = [f"{split}_{number + 1:03d}" for number in range(count)]
    for number, image_id in enumerate(image_ids):
        number_of_objects = OBJECTS_PER_IMAGE[number % len(OBJECTS_PER_IMAGE)]
        canvas = artist.scene(number_of_objects)
        quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        _, jpeg = cv2.imencode(".jpg", artist.developed(canvas), quality)
        (output / "JPEGImages" / f"{image_id}.jpg").write_bytes(jpeg.tobytes())
        xml = annotation(image_id, canvas)
        (output / "Annotations" / f"{image_id}.xml").write_bytes(xml)
    return image_ids


def prepare(output: pathlib.Path) -> None:
    """Makes the folders and empties them, if they hold a demo set or nothing."""
    for folder in ("ImageSets/Main", "Annotations", "JPEGImages"):
        (output / folder).mkdir(parents=True, exist_ok=True)
    old = [path for path in sorted(output.glob("*/**/*")) if path.is_file()]
    other = [path for path in old if path.stem.split("_")[0] not in BACKGROUNDS]
    if other:
        raise click.ClickException(
            f"{output} holds other files, such as {other[0]}; name a new folder."
        )
    for path in old:
        path.unlink()


@click.command()
@click.option(
    "--photographs",
    type=click.Path(exists=True, path_type=pathlib.Path),
    required=True,
    help="The scikit-image wheel, or the folder skimage/data.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=pathlib.Path),
    default="data/demo",
    show_default=True,
    help="Folder to write, in PASCAL VOC's layout.",
)
@click.option("--train", default=60, show_default=True, help="Training images.")
@click.option("--val", default=30, show_default=True, help="Validation images.")
def main(photographs: pathlib.Path, output: pathlib.Path, train: int, val: int) -> None:
    """Make the demo set: collages, with boxes, of public-domain photographs.

    \b
    pip download --no-deps --dest photographs scikit-image==0.26.0
    python scripts/data/make_demo.py --photographs photographs/scikit_image-*.whl
    """
    cv2.setNumThreads(1)  # the same bytes on any number of cores
    prepare(output)
    source = Photographs(photographs)
    for split, count in (("train", train), ("val", val)):
        image_ids = write_split(source, output, split, count)
        # The list comes last: without it, an interrupted set does not look whole.
        lines = "".join(f"{image_id}\n" for image_id in image_ids)
        (output / "ImageSets" / "Main" / f"{split}.txt").write_text(lines)
    click.echo(f"Wrote {train} training and {val} validation images to {output}.")


if __name__ == "__main__":
    main()
