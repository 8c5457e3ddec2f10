"""The model card: what people who get the files should know of the model.

Markdown (`card.md`) behind a YAML header that the Hugging Face Hub reads; there it is
`README.md`. The keys of the header: https://huggingface.co/docs/hub/model-cards
"""

import inspect
from pathlib import PurePosixPath
from typing import Any

import jinja2
import yaml

from midlevel import errors
from midlevel.exports import formats, letterbox
from midlevel.prediction.model import Model
from midlevel.system import text

FILE = "MODEL_CARD.md"


def of(model: Model, content: dict[str, Any]) -> str:
    """The card of a model whose `exports.json` has this content."""
    found, splits = model.run.metrics, model.run.split_files
    split = model.config.data
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("midlevel.exports", "."),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters |= {"tensor": _tensor, "verified": _verified, "cost": _cost}
    return environment.get_template("card.md").render(
        header=_header(model, found, content),
        classes=[_class(model, found, name) for name in model.classes],
        mean=_percent(found["mAP"]),
        learned=len(splits.get(split.train, ())),
        held=len(splits.get(split.val, ())),
        measured=found["images"],
        split=split,
        data=_data(model),
        backbone=model.extractor.backbone.spec,
        aggregation=model.aggregation,
        none=model.columns[0],
        is_apart=model.run.chosen_on == "heldout",
        has_whole=model.whole is not None,
        files=content["files"],
        verified=max((len(row["verified_on"]) for row in content["files"]), default=0),
        letterbox=_letterbox(content),
        examples=_examples(content),
    )


def _header(model: Model, found: dict[str, Any], content: dict[str, Any]) -> str:
    names = sorted({row["format"] for row in content["files"]})
    result = {
        "task": {"type": "image-classification"},
        "dataset": {"type": "own", "name": _data(model), "split": found["split"]},
        "metrics": [
            {"type": "map", "name": f"mAP ({form})", "value": round(value, 4)}
            for form, value in found["mAP"].items()
            if value is not None
        ],
    }
    header = {
        "license": model.extractor.backbone.spec.licence.lower() or "unknown",
        "library_name": "keras",
        "pipeline_tag": "image-classification",
        "tags": ["image-classification", "multi-label", "midlevel", *names],
        "model-index": [{"name": content["run"], "results": [result]}],
    }
    if "keras" not in names:
        del header["library_name"]
    return yaml.safe_dump(header, sort_keys=False, allow_unicode=True)


def _data(model: Model) -> str:
    """The name of the data's folder; where it lies is nobody's business."""
    return PurePosixPath(model.run.record["data"].replace("\\", "/")).name


def _class(model: Model, found: dict[str, Any], name: str) -> dict[str, str]:
    shown = errors.plain(name).replace("|", "\\|")
    threshold = f"{model.thresholds[name]:.3f}"
    return {"name": shown, "threshold": threshold, **_percent(found["AP"][name])}


def _percent(row: dict[str, float | None]) -> dict[str, str]:
    return {form: text.percent(share) for form, share in row.items()}


def _tensor(said: dict[str, Any]) -> str:
    shape = ", ".join("any" if side is None else str(side) for side in said["shape"])
    return f"`{said['name']}` {said['dtype']} ({shape})"


def _verified(row: dict[str, Any]) -> str:
    worst = row["largest_difference"]
    return "not verified" if worst is None else f"{worst:.1e}"


def _cost(row: dict[str, Any]) -> str:
    cost = row["cost_of_size"]
    return f"{cost['largest']:.3f}" if cost else "-"


def _letterbox(content: dict[str, Any]) -> str:
    """How photographs are put into one size, if a file takes one; else nothing."""
    takes = [row["takes"] for row in content["files"]]
    if not any(said["name"] == "images" and said["shape"][1] for said in takes):
        return ""
    return "import cv2, numpy\n\n\n" + inspect.getsource(letterbox.letterbox)


def _examples(content: dict[str, Any]) -> list[tuple[str, str]]:
    """How to run the image model of each format that is there."""
    rows = content["files"]
    there = {row["format"] for row in rows if row["takes"]["name"] == "images"}
    examples = {form.name: (form.title, form.room.EXAMPLE) for form in formats.TABLE}
    return [example for name, example in examples.items() if name in there]
