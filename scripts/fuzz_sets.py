"""Small data sets of each format, and what must hold where one file is damaged.

One of these:

- the data set is refused with a `MidlevelError` that is one line;
- what stands in the damaged file is used, or a problem names its file, and its line or
  place: every line of YOLO's labels, every row of a CSV, every image and annotation of
  COCO's, every object of VOC's. What the damage turned into another valid value cannot
  be told from a true one, nor can a table be seen to end too early;
- what stands in the other files is read as before, but for the names of classes.
"""

import csv
import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import odd_images

from midlevel import datasets, errors
from midlevel.datasets import paths

SPLIT = "train"
NAMES = ("cat", "dog")
BOXES = {  # of each photograph: class, half-open corners
    "a": [("cat", (2, 3, 10, 9)), ("dog", (0, 0, 24, 16))],
    "b": [("dog", (4, 4, 20, 12))],
    "c": [],
    "d": [("cat", (1, 1, 5, 5)), ("cat", (6, 6, 15, 15)), ("dog", (0, 8, 9, 16))],
}
HEADER = ["path", "xmin", "ymin", "xmax", "ymax", "label"]


def write(form: str, folder: Path) -> list[Path]:
    """A data set; its files that may be damaged."""
    place = {"voc": "JPEGImages", "yolo": "images/train"}.get(form, "images")
    (folder / place).mkdir(parents=True)
    for name in BOXES:
        data = odd_images.pillow(odd_images.quarters(), "BMP")
        (folder / place / f"{name}.bmp").write_bytes(data)
    return WRITERS[form](folder)


def _write_voc(folder: Path) -> list[Path]:
    (folder / "Annotations").mkdir()
    files = []
    for name, boxes in BOXES.items():
        parts = [f"<filename>{name}.bmp</filename>"]
        parts += ["<size><width>24</width><height>16</height><depth>3</depth></size>"]
        for label, (xmin, ymin, xmax, ymax) in boxes:
            parts.append(
                f"<object><name>{label}</name><difficult>0</difficult>\n<bndbox>"
                f"<xmin>{xmin + 1}</xmin><ymin>{ymin + 1}</ymin><xmax>{xmax}</xmax>"
                f"<ymax>{ymax}</ymax></bndbox></object>"
            )
        files.append(folder / "Annotations" / f"{name}.xml")
        files[-1].write_text("<annotation>" + "\n".join(parts) + "</annotation>")
    lists = folder / "ImageSets/Main"
    lists.mkdir(parents=True)
    (lists / f"{SPLIT}.txt").write_text("".join(f"{name}\n" for name in BOXES))
    return files


def _write_coco(folder: Path) -> list[Path]:
    shown = [
        {
            **{"id": i, "file_name": f"{name}.bmp", "width": 24, "height": 16},
            "neg_category_ids": [  # all that it does not show, so that all is said
                key for key, label in enumerate(NAMES, 1) if label not in dict(boxes)
            ],
        }
        for i, (name, boxes) in enumerate(BOXES.items())
    ]
    rows = [
        {
            "id": 0,
            "image_id": i,
            "category_id": 1 + NAMES.index(label),
            "bbox": [xmin, ymin, xmax - xmin, ymax - ymin],
            "iscrowd": 0,
        }
        for i, boxes in enumerate(BOXES.values())
        for label, (xmin, ymin, xmax, ymax) in boxes
    ]
    categories = [{"id": i, "name": name} for i, name in enumerate(NAMES, 1)]
    whole = {"images": shown, "annotations": rows, "categories": categories}
    file = folder / "annotations" / f"instances_{SPLIT}.json"
    file.parent.mkdir()
    file.write_text(json.dumps(whole))
    return [file]


def _write_yolo(folder: Path) -> list[Path]:
    main = folder / "data.yaml"
    main.write_text(f"train: images/train\nnames: [{', '.join(NAMES)}]\n")
    files = [main]
    (folder / "labels/train").mkdir(parents=True)
    for name, boxes in BOXES.items():
        lines = [
            f"{NAMES.index(label)} {(xmin + xmax) / 48:.6f} {(ymin + ymax) / 32:.6f} "
            f"{(xmax - xmin) / 24:.6f} {(ymax - ymin) / 16:.6f}\n"
            for label, (xmin, ymin, xmax, ymax) in boxes
        ]
        files.append(folder / "labels/train" / f"{name}.txt")
        files[-1].write_text("".join(lines))
    return files


def _write_csv(folder: Path) -> list[Path]:
    lines = [",".join(HEADER)]
    for name, boxes in BOXES.items():
        rows = [f"{','.join(map(str, corners))},{label}" for label, corners in boxes]
        lines += [f"{name}.bmp,{row}" for row in rows or [",,,,"]]
    file = folder / f"{SPLIT}.csv"
    file.write_text("".join(f"{line}\n" for line in lines))
    return [file]


WRITERS = {
    "voc": _write_voc,
    "yolo": _write_yolo,
    "coco": _write_coco,
    "csv": _write_csv,
}


def judge(form: str, folder: Path, file: Path, data: bytes) -> str:
    """Read a data set of which one file is damaged."""
    file.write_bytes(data)
    try:
        found = datasets.read(folder, form=form)
    except errors.MidlevelError as error:
        assert_one_line(error)
        return "refused"
    for problem in found.problems:
        assert problem.file.exists(), problem
        assert_one_line(str(problem))
    rows = [row for of_split in found.splits.values() for row in of_split]
    for row in rows:
        assert row.path.is_file() and row.path.resolve().is_relative_to(folder)
        assert np.isfinite(row.boxes).all()
        assert len(row.boxes) == len(row.classes) == len(row.difficult)
        shown = row.shows(len(found.classes))
        assert not shown[row.not_said - 1].any()
    COUNTERS[form](file, data, found, rows)
    if form in ("voc", "yolo") and file.stem in BOXES:
        _assert_others_are_as_before(file.stem, found, rows)
    return "read"


def _assert_others_are_as_before(stem: str, found, rows):
    unit = {row.path.stem: (24, 16, 24, 16) if row.relative else 1 for row in rows}
    got = {
        row.path.stem: [
            (found.classes[key - 1], tuple(np.rint(box).astype(int).tolist()))
            for key, box in zip(
                row.classes, row.boxes * unit[row.path.stem], strict=True
            )
        ]
        for row in rows
    }
    for name in set(BOXES) - {stem}:
        assert got.get(name) == BOXES[name], (name, got)


def _count_lines(file: Path, data: bytes, found, rows):
    """YOLO: every line of labels is a box or has a problem."""
    if file.suffix != ".txt":
        return
    whole = [p for p in found.problems if p.file == file and p.line is None]
    named = {p.line for p in found.problems if p.file == file}
    used = {n for row in rows if row.source == file for n in row.lines.tolist()}
    text = data.decode(paths.encoding(data), "replace")
    lines = enumerate(text.splitlines(), 1)
    missing = [n for n, line in lines if line.strip() and n not in used | named]
    assert whole or not missing, missing


def _count_rows(file: Path, data: bytes, found, rows):
    """CSV: every row with a box is one or has a problem; others have a photograph."""
    cells_of = _cells_by_line(data.decode(paths.encoding(data)))
    if not cells_of:
        return
    first = min(cells_of)
    problems = [p for p in found.problems if p.file == file]
    named = {first, *(p.line for p in problems)}
    lost = " ".join(p.text for p in problems if p.kind == "photograph")
    out = {
        cell
        for p in problems
        if p.fate == "left out"
        for cell in cells_of.get(p.line, [])[:1]
    }
    used = {n for row in rows for n in row.lines.tolist()}
    known = {row.path.name for row in rows}
    is_usual = cells_of[first] == HEADER
    for line, cells in cells_of.items():
        has_box = is_usual and any(cells[1:5])
        is_there = line in used | named or (cells[0] and cells[0] in lost)
        is_there = is_there or not out.isdisjoint(cells)
        if not has_box:
            is_there = is_there or any(Path(cell).name in known for cell in cells)
        assert is_there, (line, cells)


def _cells_by_line(text: str) -> dict[int, list[str]]:
    """The rows that Python's reader finds, by their first line."""
    delimiter = next((m for m in ",;\t" if m in text.partition("\n")[0]), ",")
    file = io.StringIO(text, newline="")
    reader = csv.reader(file, delimiter=delimiter, skipinitialspace=True)
    found, line = {}, 1
    while True:
        try:
            cells = [cell.strip() for cell in next(reader)]
            found |= {line: cells} if any(cells) else {}
        except csv.Error:
            found[line] = ["?"]  # must be named
        except StopIteration:
            return found
        line = reader.line_num + 1


def _count_items(file: Path, data: bytes, found, rows):
    """COCO: every image and annotation is used or has a problem with its place."""
    said = " ".join(p.text for p in found.problems)
    if any(p.kind == "unit" for p in found.problems):
        return  # whole photographs are left out, and named
    content = json.loads(data.decode(paths.encoding(data)))
    named = set(re.findall(r"(?:images|annotations)\[\d+\]", said))
    items = content["annotations"]
    lost = {
        item["id"]
        for i, item in enumerate(content["images"])
        if f"images[{i}]" in named
        and isinstance(item, dict)
        and _is_key(item.get("id"))
    }
    wanted = [
        item
        for i, item in enumerate(items)
        if f"annotations[{i}]" not in named
        and not (_is_key(item["image_id"]) and item["image_id"] in lost)
        and item.get("iscrowd") != 1
    ]
    gone = sum(p.kind == "box" and p.fate == "dropped" for p in found.problems)
    gone += sum(int(n) for n in re.findall(r"none of its (\d+) boxes is left", said))
    boxes = sum(len(row.boxes) for row in rows)
    assert boxes + gone >= len(wanted), (boxes, gone, len(wanted))
    places = {
        Path(str(i.get("file_name")).replace("\\", "/")).name
        for n, i in enumerate(content["images"])
        if f"images[{n}]" not in named
    }
    shown = {row.path.name for row in rows}
    if not found.problems:
        assert places <= shown, (places, shown)


def _is_key(value) -> bool:
    return isinstance(value, (int, str))


def _count_objects(file: Path, data: bytes, found, rows):
    """VOC: every object is a box, or a problem names its file."""
    if any(p.file == file for p in found.problems):
        return
    objects = list(ElementTree.fromstring(data).iter("object"))
    (row,) = [row for row in rows if row.source == file]
    assert len(row.boxes) == len(objects)


COUNTERS = {
    "voc": _count_objects,
    "yolo": _count_lines,
    "coco": _count_items,
    "csv": _count_rows,
}


def assert_one_line(error: object):
    """Whether it is a message that can be shown."""
    text = str(error)
    assert text and "\n" not in text and len(text) < 2000, text[:3000]
