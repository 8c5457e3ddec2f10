import formats
import pytest
import stub

from midlevel import datasets, errors
from midlevel.datasets import surroundings
from midlevel.settings import config


@pytest.mark.parametrize("write", [None, formats.write_coco, formats.write_yolo])
def test_the_nearest_data_set_that_holds_a_photograph_is_found(
    toy_voc, tmp_path, write
):
    folder = write(datasets.read(toy_voc), tmp_path / "set") if write else toy_voc
    (photograph,) = folder.rglob("val_01.jpg")
    notes = stub.Notes()
    dataset, example = surroundings.find(photograph, None, config.load(), notes)
    assert example.path == photograph and len(example.boxes) == 1
    assert notes.text == f"boxes from {dataset.folder} ({dataset.format})"


def test_a_data_set_that_is_named_must_hold_the_photograph(toy_voc, tmp_path):
    photograph = tmp_path / "a.jpg"
    photograph.write_bytes((toy_voc / "JPEGImages/val_01.jpg").read_bytes())
    for data, where in ((toy_voc, str(toy_voc)), (None, "in the 3 folders above it")):
        with pytest.raises(errors.DataError, match="no data set with its boxes") as got:
            surroundings.find(photograph, data, config.load(), stub.QUIET)
        assert where in str(got.value) and "--data" in str(got.value)
    with pytest.raises(errors.DataError, match="holds no data set"):
        surroundings.find(photograph, tmp_path, config.load(), stub.QUIET)
    with pytest.raises(errors.ImageError):
        surroundings.find(tmp_path / "gone.jpg", None, config.load(), stub.QUIET)
