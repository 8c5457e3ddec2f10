import json

import formats
import helpers
import pytest

from midlevel import datasets, errors

TOOLS = {
    "annotations.xml": (
        "<?xml version='1.0'?><annotations><version>1.1</version><image id='0' "
        "name='a.jpg' width='20' height='16'/></annotations>",
        "CVAT's own XML .*Pascal VOC",
    ),
    "a.json": (
        json.dumps({"version": "5.4.1", "shapes": [], "imagePath": "a.jpg"}),
        "LabelMe's JSON",
    ),
    "project.json": (
        json.dumps([{"id": 1, "annotations": [{"result": []}], "data": {}}]),
        "Label Studio's JSON.* Export as COCO",
    ),
    "min.json": (
        json.dumps([{"image": "a.jpg", "label": [{"original_width": 20}]}]),
        "Label Studio's JSON",
    ),
    "via.json": (
        json.dumps({"a.jpg9": {"regions": [{"shape_attributes": {"x": 1}}]}}),
        "VGG Image Annotator's JSON",
    ),
    "train/metadata.jsonl": (
        json.dumps({"file_name": "a.jpg", "objects": {}}),
        "Hugging Face's image folder",
    ),
    "labels/a.txt": ("0 0.5 0.5 0.1 0.1\n", "YOLO's labels, .*classes.txt"),
    "x.tfrecord": ("", "TensorFlow's records"),
}


@pytest.mark.parametrize("name", TOOLS)
def test_a_tools_own_format_is_recognised_and_what_to_export_is_said(tmp_path, name):
    text, message = TOOLS[name]
    formats.photographs(tmp_path, "a.jpg")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    with pytest.raises(errors.DataError, match=f"{name}: .*{message}"):
        datasets.read(tmp_path)


def test_an_archive_is_to_be_unpacked(tmp_path):
    (tmp_path / "data.zip").write_bytes(b"PK\3\4")
    with pytest.raises(errors.DataError, match="is an archive. Unpack it"):
        datasets.read(tmp_path / "data.zip")


def test_split_folders_without_classes_are_told(tmp_path):
    formats.photographs(
        tmp_path, "WIDER_train/images/a/x.jpg", "WIDER_val/images/y.jpg"
    )
    message = r"in WIDER_train, WIDER_val\), and nothing known that labels them"
    with pytest.raises(errors.DataError, match=message):
        datasets.read(tmp_path)


@pytest.mark.parametrize("names", [("Training", "Validation"), ("my_train", "my_val")])
def test_folders_with_a_split_in_their_names_hold_classes(tmp_path, names):
    train, val = names
    files = (f"{train}/cat/a.jpg", f"{train}/dog/b.jpg", f"{val}/cat/c.jpg")
    found = datasets.read(formats.photographs(tmp_path, *files))
    assert found.classes == ("cat", "dog")
    assert {s: len(rows) for s, rows in found.splits.items()} == {"train": 2, "val": 1}


def test_an_empty_folder_of_photographs_is_told(tmp_path):
    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
    (tmp_path / "data.yaml").write_text("{train: images, names: [cat]}")
    with pytest.raises(errors.DataError, match="seems to be yolo, but no photograph"):
        datasets.read(tmp_path)


def test_a_checked_data_set_without_photographs_has_no_empty_table(tmp_path):
    from click.testing import CliRunner

    from midlevel.commands.cli import cli

    (tmp_path / "a.xml").write_text(helpers.annotation("a.jpg", []))
    shown = CliRunner().invoke(cli, ["check", "-q", str(tmp_path)]).stdout
    assert "Nothing in it can be used." in shown and "photographs\n" not in shown
