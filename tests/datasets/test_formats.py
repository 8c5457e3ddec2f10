"""The format that photographs come in changes nothing that is learned from them."""

import formats
import numpy as np
import pytest
import stub

from midlevel import datasets
from midlevel.networks import heads

BOXED = {
    "coco": formats.write_coco,
    "yolo": formats.write_yolo,
    "csv": formats.write_csv,
}


def weights(data, folder, **settings):
    """What windows teach a head in two epochs.

    Only VOC can say that a box is difficult, and of a photograph with nothing else
    the image loss then learns neither way; tests of labels alone compare that.
    """
    same = {"training__epochs": 2, "labels__difficult": "use", "image_loss__epochs": 0}
    run = stub.train(data, folder, **same, **settings)
    return heads.load(run.head_file).get_weights()


def assert_same(first, second):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def of_voc(stub_backbone, toy_voc, tmp_path_factory):
    return weights(toy_voc, tmp_path_factory.mktemp("voc") / "run")


@pytest.mark.slow
@pytest.mark.parametrize("form", BOXED)
def test_boxes_teach_the_same_whatever_their_format(form, of_voc, toy_voc, tmp_path):
    data = BOXED[form](datasets.read(toy_voc), tmp_path / "data")
    assert datasets.detect(data) == form
    assert_same(weights(data, tmp_path / "run"), of_voc)


@pytest.mark.slow
def test_labels_teach_the_same_from_folders_and_from_a_table(
    stub_backbone, toy_voc, tmp_path
):
    """A folder for each class says no more than a table of paths and labels."""
    folders = formats.write_folders(datasets.read(toy_voc), tmp_path / "folders")
    rows = [
        f"{split}/{place.parent.name}/{place.name},{place.parent.name},{split}"
        for split in ("train", "val")
        for place in sorted((folders / split).glob("*/*"))
    ]
    table = folders / "labels.csv"
    lines = ["path,label,split", *(r.replace(",background,", ",,") for r in rows)]
    table.write_text("\n".join(lines), encoding="utf-8")
    learned = weights(folders, tmp_path / "a", data__format="folders")
    assert_same(weights(table, tmp_path / "b"), learned)
