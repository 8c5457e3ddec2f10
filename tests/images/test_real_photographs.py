"""The whole way on real photographs, where MIDLEVEL_TEST_DATA names them."""

import shutil

import pytest
from stub import QUIET

import midlevel
from midlevel import datasets

CLASSES = ["cat", "dog", "horse"]


def some(voc_animals, folder, count=90):
    """A smaller data set: the first photographs of each split that show a class."""
    dataset = datasets.read(voc_animals, CLASSES)
    for name in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (folder / name).mkdir(parents=True)
    for split in ("train", "val"):
        shown = [e for e in dataset.split(split) if len(e.classes)][:count]
        for example in shown:
            shutil.copy(example.path, folder / "JPEGImages")
            annotation = f"Annotations/{example.path.stem}.xml"
            shutil.copy(voc_animals / annotation, folder / annotation)
        ids = "\n".join(example.path.stem for example in shown)
        (folder / f"ImageSets/Main/{split}.txt").write_text(ids)
    return folder


@pytest.mark.data
def test_ninety_photographs_are_enough_for_cats_dogs_and_horses(voc_animals, tmp_path):
    data = some(voc_animals, tmp_path / "data")
    settings = {"data.classes": CLASSES, "windows.pyramid": "single"}
    run = midlevel.train(data, settings=settings, run=tmp_path / "run", progress=QUIET)
    model = midlevel.load(run.folder)
    found = midlevel.evaluate(model, progress=QUIET)
    assert found.images == 90
    assert found.mAP["area"] > 0.85
    for path in midlevel.export(model, progress=QUIET):  # verifies them
        assert path.exists()
