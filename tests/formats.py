"""Write a data set in each format that midlevel reads; boxes are in pixels."""

import csv
import json
from pathlib import Path

import helpers
import numpy as np
from hypothesis import strategies as st

from midlevel import datasets, errors
from midlevel.datasets import mending
from midlevel.datasets.annotation import FATES, KINDS
from midlevel.images import pixels

CORNERS = ["path", "xmin", "ymin", "xmax", "ymax", "label"]


def write_coco(dataset: datasets.Dataset, folder: Path) -> Path:
    """`annotations/instances_<split>.json`, photographs in `<split>/`."""
    (folder / "annotations").mkdir(parents=True)
    categories = [{"id": i, "name": n} for i, n in enumerate(dataset.classes, 1)]
    for split, rows in dataset.splits.items():
        shown, annotations = [], []
        for number, row in enumerate(rows):
            name = copy(row, folder / split)
            width, height = row.size_wh
            size = {"width": width, "height": height}
            shown.append({"id": number, "file_name": name, **size})
            for box, key in zip(row.boxes.tolist(), row.classes.tolist(), strict=True):
                xmin, ymin, xmax, ymax = box
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": number,
                        "category_id": key,
                        "bbox": [xmin, ymin, xmax - xmin, ymax - ymin],
                        "iscrowd": 0,
                    }
                )
        whole = {"images": shown, "annotations": annotations, "categories": categories}
        file = folder / "annotations" / f"instances_{split}.json"
        file.write_text(json.dumps(whole, ensure_ascii=False), encoding="utf-8")
    return folder


def write_yolo(dataset: datasets.Dataset, folder: Path) -> Path:
    """`data.yaml`, `images/<split>/` and `labels/<split>/`."""
    for split, rows in dataset.splits.items():
        labels = folder / "labels" / split
        labels.mkdir(parents=True)
        for row in rows:
            name = copy(row, folder / "images" / split)
            boxes = row.boxes / np.tile(row.size_wh, 2)
            middles, sides = (
                (boxes[:, :2] + boxes[:, 2:]) / 2,
                boxes[:, 2:] - boxes[:, :2],
            )
            lines = [
                " ".join([str(key - 1), *(f"{value:.8f}" for value in values)])
                for key, values in zip(
                    row.classes, np.hstack([middles, sides]), strict=True
                )
            ]
            file = labels / f"{Path(name).stem}.txt"
            file.write_text("".join(f"{line}\n" for line in lines))
    named = {split: f"images/{split}" for split in dataset.splits}
    text = json.dumps({**named, "names": list(dataset.classes)}, ensure_ascii=False)
    (folder / "data.yaml").write_text(text, encoding="utf-8")  # JSON is YAML
    return folder


def write_csv(dataset: datasets.Dataset, folder: Path) -> Path:
    """`<split>.csv` with a row for each box, then for each label without one."""
    for split, rows in dataset.splits.items():
        table = [CORNERS]
        for row in rows:
            name = f"images/{copy(row, folder / 'images')}"
            names = [dataset.classes[key - 1] for key in row.classes]
            for box, label in zip(row.boxes.tolist(), names, strict=True):
                table.append([name, *box, label])
            labels = [dataset.classes[key - 1] for key in row.unboxed]
            if labels or not len(row.boxes):
                table.append([name, "", "", "", "", ";".join(labels)])
        with (folder / f"{split}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(table)
    return folder


def write_folders(dataset: datasets.Dataset, folder: Path) -> Path:
    """`<split>/<class>/`, the class being the first that a photograph shows."""
    for split, rows in dataset.splits.items():
        for row in rows:
            shown = [*row.unboxed, *row.classes]
            name = dataset.classes[shown[0] - 1] if shown else "background"
            copy(row, folder / split / name)
    return folder


def copy(row: datasets.Example, folder: Path) -> str:
    """Copy a photograph; its name."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / row.path.name).write_bytes(row.path.read_bytes())
    return row.path.name


# === What a data set holds, to be compared ===


def told(dataset: datasets.Dataset) -> dict:
    """Names, rounded boxes in pixels and labels by split and photograph."""
    return {
        split: {row.path.name: _told(dataset, row) for row in rows}
        for split, rows in dataset.splits.items()
    }


def _told(dataset, row):
    size_wh = row.size_wh or _size(row.path)
    row, problems = mending.fit(row, size_wh)
    assert not problems
    names = [dataset.classes[key - 1] for key in row.classes]
    boxes = zip(names, row.boxes.astype(float).round(3).tolist(), strict=True)
    return sorted(boxes), sorted(dataset.classes[key - 1] for key in row.unboxed)


def _size(path: Path) -> tuple[int, int]:
    return pixels.size_wh(pixels.read(path))


# === Photographs for a test that writes its own annotations ===


def photographs(folder: Path, *names: str, size_wh=(20, 16)) -> Path:
    """Photographs of noise, each another."""
    for number, name in enumerate(names):
        helpers.write_photograph(folder / name, helpers.noise(size_wh, number))
    return folder


# === Broken files ===

PIECES = (
    *(b"", b"\0", b"\xff\xfe", b'"', b"'", b"\n", b"\r", b",", b";", b"[", b"{", b"}"),
    *(b"-1", b"1e400", b"NaN", b"Infinity", b"null", b"9" * 5000, b"0x" + b"f" * 5000),
    *(b"../", b"/etc/passwd", b"[" * 3000, b"&a [*a]", b"!!timestamp x", b"!!bool x"),
    *(b"\xed\xa0\x80", b"2020-99-99", b"true", b"[]", b"{}", b"0", b"a" * 300),
)


@st.composite
def broken(draw, data: bytes) -> bytes:
    """`data` with up to four stretches replaced by what readers stumble over."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = start + draw(st.integers(0, 12))
        piece = draw(st.sampled_from(PIECES) | st.binary(max_size=4))
        data = data[:start] + piece + data[end:]
    return data


def read_or_refuse(place: Path, form: str):
    """Read what may be broken: a data set or a message, and never anything else."""
    try:
        found = datasets.read(place, form=form)
    except errors.DataError as error:
        assert str(place) in str(error)
        return
    for problem in found.problems:
        assert problem.kind in KINDS and problem.fate in FATES and len(str(problem))
    for rows in found.splits.values():
        for row in rows:
            assert row.path.is_file() and found.file(row)
            assert np.isfinite(row.boxes).all()
            assert len(row.boxes) == len(row.classes) == len(row.difficult)
