"""The data that travels with the repository, and the scripts that make it."""

import collections
import importlib.util
import os
import pathlib
import subprocess
import sys
from xml.etree import ElementTree

import cv2
import pytest

ROOT = pathlib.Path(__file__).parents[2]
DEMO = ROOT / "data" / "demo"
CLASSES = {"cat", "person", "cup", "rocket"}
SPLITS = {"train": 60, "val": 30}


def run_script(name: str, *arguments) -> subprocess.CompletedProcess:
    command = [sys.executable, ROOT / "scripts" / "data" / name, *arguments]
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False
    )


def ids(folder: pathlib.Path, split: str) -> list[str]:
    return (folder / "ImageSets" / "Main" / f"{split}.txt").read_text().split()


def annotation(image_id: str) -> ElementTree.Element:
    return ElementTree.parse(DEMO / "Annotations" / f"{image_id}.xml").getroot()


def number(node: ElementTree.Element, name: str) -> int:
    return int(node.findtext(f".//{name}"))


def contents(folder: pathlib.Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


# === data/demo ===


def test_the_splits_are_complete_and_disjoint():
    listed = {split: ids(DEMO, split) for split in SPLITS}
    assert {split: len(set(names)) for split, names in listed.items()} == SPLITS
    assert not set(listed["train"]) & set(listed["val"])

    every = set(listed["train"]) | set(listed["val"])
    assert {path.stem for path in (DEMO / "JPEGImages").iterdir()} == every
    assert {path.stem for path in (DEMO / "Annotations").iterdir()} == every


@pytest.mark.parametrize("split", SPLITS)
def test_boxes_are_within_their_photographs(split):
    for image_id in ids(DEMO, split):
        root = annotation(image_id)
        image = cv2.imread(str(DEMO / "JPEGImages" / root.findtext("filename")))
        width, height = number(root, "width"), number(root, "height")
        assert image.shape == (height, width, 3)
        for item in root.iter("object"):
            assert item.findtext("name") in CLASSES
            assert 1 <= number(item, "xmin") < number(item, "xmax") <= width, image_id
            assert 1 <= number(item, "ymin") < number(item, "ymax") <= height, image_id


@pytest.mark.parametrize(("split", "least"), [("train", 15), ("val", 8)])
def test_each_class_is_in_enough_images(split, least):
    images = collections.Counter()
    for image_id in ids(DEMO, split):
        items = annotation(image_id).iter("object")
        images.update({o.findtext("name") for o in items if not number(o, "difficult")})
    assert set(images) == CLASSES
    assert min(images.values()) >= least, images


@pytest.mark.parametrize("split", SPLITS)
def test_some_images_show_no_object_and_some_objects_are_hard(split):
    objects = [list(annotation(name).iter("object")) for name in ids(DEMO, split)]
    assert 3 <= sum(not items for items in objects) <= len(objects) // 5
    every = [item for items in objects for item in items]
    assert 0 < sum(number(item, "difficult") for item in every) < len(every) / 4
    assert 0 < sum(number(item, "truncated") for item in every) < len(every)


def test_the_demo_set_is_small():
    assert sum(map(len, contents(DEMO).values())) < 2_500_000


# === make_demo.py ===


@pytest.fixture
def photographs() -> pathlib.Path:
    """The folder or wheel that MIDLEVEL_PHOTOGRAPHS names, or scikit-image's own."""
    named, package = os.environ.get("MIDLEVEL_PHOTOGRAPHS"), None
    if not named:
        package = importlib.util.find_spec("skimage")
    if not named and not package:
        pytest.skip("no photographs: set MIDLEVEL_PHOTOGRAPHS to a scikit-image wheel")
    return pathlib.Path(named or pathlib.Path(package.origin).parent / "data")


def test_the_same_photographs_give_the_same_bytes(photographs, tmp_path):
    for name in ("one", "two"):
        options = ["--photographs", photographs, "--train", 4, "--val", 2]
        result = run_script("make_demo.py", *options, "--output", tmp_path / name)
        assert result.returncode == 0, result.stderr
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert len(ids(tmp_path / "one", "train")) == 4


def test_make_demo_names_the_photograph_it_lacks(tmp_path):
    (tmp_path / "empty").mkdir()
    options = ["--photographs", tmp_path / "empty", "--output", tmp_path / "demo"]
    result = run_script("make_demo.py", *options)
    assert result.returncode == 1
    assert "has no photograph" in result.stderr
    assert not list((tmp_path / "demo").rglob("*.txt"))


def test_make_demo_leaves_other_data_alone(tmp_path):
    photograph = tmp_path / "JPEGImages" / "2008_000019.jpg"
    photograph.parent.mkdir()
    photograph.write_bytes(b"mine")
    options = ["--photographs", tmp_path, "--output", tmp_path]
    result = run_script("make_demo.py", *options)
    assert result.returncode == 1
    assert "holds other files" in result.stderr
    assert photograph.read_bytes() == b"mine"


# === make_voc_animals.py ===


@pytest.fixture
def voc(tmp_path) -> pathlib.Path:
    """A folder like VOC 2012's with three photographs, one of them in no list."""
    folder = tmp_path / "VOC2012"
    for name, end in (("JPEGImages", ".jpg"), ("Annotations", ".xml")):
        (folder / name).mkdir(parents=True)
        for image_id in ("2008_1", "2008_2", "2008_3"):
            (folder / name / (image_id + end)).write_text(name + image_id)
    (folder / "lists").mkdir()
    (folder / "lists" / "train.txt").write_text("2008_1\n")
    (folder / "lists" / "val.txt").write_text("2008_3\n")
    return folder


def make_voc_animals(voc: pathlib.Path, output: pathlib.Path):
    return run_script("make_voc_animals.py", voc, output, "--lists", voc / "lists")


def test_voc_animals_holds_the_listed_photographs(voc, tmp_path):
    for _ in range(2):  # the second run finds the set and makes it again
        result = make_voc_animals(voc, tmp_path / "animals")
        assert result.returncode == 0, result.stderr
    assert contents(tmp_path / "animals") == {
        "JPEGImages/2008_1.jpg": b"JPEGImages2008_1",
        "JPEGImages/2008_3.jpg": b"JPEGImages2008_3",
        "Annotations/2008_1.xml": b"Annotations2008_1",
        "Annotations/2008_3.xml": b"Annotations2008_3",
        "ImageSets/Main/train.txt": b"2008_1\n",
        "ImageSets/Main/val.txt": b"2008_3\n",
    }


def test_missing_ids_are_counted_and_named(voc, tmp_path):
    (voc / "Annotations" / "2008_3.xml").unlink()
    result = make_voc_animals(voc, tmp_path / "animals")
    assert result.returncode == 1
    assert "lacks 1 of 2 ids: 2008_3; unpack all of" in result.stderr
    assert not (tmp_path / "animals").exists()


def test_a_folder_that_is_not_voc_is_refused(voc, tmp_path):
    result = make_voc_animals(voc / "lists", tmp_path / "animals")
    assert result.returncode != 0
    result = run_script("make_voc_animals.py", voc.parent, tmp_path / "animals")
    assert result.returncode == 1
    assert (
        "has no folder JPEGImages; name the folder VOCdevkit/VOC2012" in result.stderr
    )


def test_voc_itself_is_not_an_output(voc):
    before = contents(voc)
    result = make_voc_animals(voc, voc)
    assert result.returncode == 1
    assert "name another output folder" in result.stderr
    assert contents(voc) == before


def test_the_id_lists_are_whole():
    lists = [
        (ROOT / "data" / "voc-animals" / f"{split}.txt").read_text().split()
        for split in ("train", "val")
    ]
    assert [len(set(names)) for names in lists] == [900, 450]
    assert not set(lists[0]) & set(lists[1])
