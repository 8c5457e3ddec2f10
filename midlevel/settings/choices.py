"""Names that settings and commands choose from; nothing else is loaded for them."""

from typing import Literal, get_args

DataFormat = Literal["auto", "coco", "voc", "yolo", "csv", "folders"]
BoxUnits = Literal["auto", "pixels", "shares", "percent", "thousandths"]
RecordFormat = Literal["jsonl", "csv"]
Level = Literal["auto", "box", "image", "mixed"]  # of labels
Select = Literal["heldout", "val"]
ExportFormat = Literal["keras", "savedmodel", "onnx", "openvino", "litert"]

DATA_FORMATS: tuple[str, ...] = get_args(DataFormat)[1:]
EXPORT_FORMATS: tuple[str, ...] = get_args(ExportFormat)
RECORD_FORMATS: tuple[str, ...] = get_args(RecordFormat)
