"""Formats that are recognised and not read, so that a message can say what to do."""

import re
from pathlib import Path

from midlevel.datasets import paths

HEAD = 1 << 16  # bytes in which a file says what it is
LOOKED_AT = 50  # files of one ending
ENDINGS = {  # of files that say by their names what they are
    ".tfrecord": ("TensorFlow's records", "the data set as COCO or Pascal VOC"),
    ".manifest": ("a manifest of SageMaker Ground Truth", "as COCO"),
    ".mat": ("MATLAB's files", "the boxes as CSV"),
}
TOOLS = {  # by ending: tool, what its files hold, all of it, and what to export
    ".xml": [
        (
            "CVAT's own XML (CVAT for images)",
            [r"<annotations[\s>]", r"<(image|meta|track|version)[\s>]"],
            "as COCO 1.0, Pascal VOC 1.1 or Ultralytics YOLO Detection 1.0",
        ),
    ],
    ".json": [
        ("LabelMe's JSON", [r'"shapes"\s*:', r'"image(Path|Data|Height)"\s*:'], ""),
        (
            "Label Studio's JSON",
            [
                r"^\s*\[",
                r'"(completions|annotations|label|bbox)"\s*:',
                r'"(result|rectanglelabels|original_width)"\s*:',
            ],
            "as COCO, YOLO with images or Pascal VOC",
        ),
        ("VGG Image Annotator's JSON", [r'"shape_attributes"\s*:'], "as COCO"),
        ("Supervisely's JSON", [r'"classTitle"\s*:'], "as COCO or Pascal VOC"),
        ("Datumaro's JSON", [r'"dm_format_version"|"items"\s*:\s*\['], "as COCO"),
        ("CreateML's JSON", [r"^\s*\[", r'"coordinates"\s*:'], "as COCO or YOLO"),
        ("VoTT's JSON", [r'"(vottVersion|assets|visitedFrames)"\s*:'], "as Pascal VOC"),
    ],
    ".jsonl": [
        ("metadata of Hugging Face's image folder", [r'"file_name"\s*:'], "as COCO"),
        ("Labelbox's JSON", [r'"data_row"\s*:'], "as COCO"),
    ],
    ".ndjson": [("Labelbox's JSON", [r'"data_row"\s*:'], "as COCO")],
    ".csv": [
        ("VGG Image Annotator's CSV", ["region_shape_attributes"], "as COCO"),
        ("Label Studio's CSV", [r'""rectanglelabels""'], "as COCO or Pascal VOC"),
    ],
}
READ = "COCO, Pascal VOC, YOLO or CSV, see docs/data.md"


def recognised(place: Path) -> str | None:
    """A message on what `place` holds instead of a format that is read."""
    if place.is_file():
        files = [place]
        if place.suffix.lower() in (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"):
            return f"{place}: is an archive. Unpack it, and name the folder."
    else:
        files = paths.below(place)
    looked_at: dict[str, int] = {}
    for path in files:
        ending = path.suffix.lower()
        looked_at[ending] = looked_at.get(ending, 0) + 1
        if looked_at[ending] <= LOOKED_AT and (found := tool_of(path)):
            name, export = found
            return f"{path}: is {name}, which is not read. {_advice(export)}"
    return None if place.is_file() else _nameless(place, files)


def tool_of(path: Path) -> tuple[str, str] | None:
    """What a file is that is known and not read, and what to export instead."""
    ending = path.suffix.lower()
    if ending in ENDINGS:
        return ENDINGS[ending]
    if ending not in TOOLS:
        return None
    try:
        with path.open("rb") as file:
            data = file.read(HEAD)
    except OSError:
        return None
    text = data.decode(paths.encoding(data), "replace")
    for name, marks, export in TOOLS[ending]:
        if all(re.search(mark, text) for mark in marks):
            return name, export
    return None


def _advice(export: str) -> str:
    return f"Export {export}." if export else f"Convert it to {READ}."


def _nameless(place: Path, files: list[Path]) -> str | None:
    """What to say of YOLO's labels where only the names of the classes are missing."""
    for path in files:
        in_labels = any(p.lower() == "labels" for p in path.relative_to(place).parts)
        if path.suffix.lower() == ".txt" and in_labels:
            return (
                f"{path}: seems to be YOLO's labels, but nothing names the classes. "
                f"Expected {place / 'data.yaml'} with `names: [cat, dog]`, or "
                f"{place / 'classes.txt'} with a name a line."
            )
    return None
