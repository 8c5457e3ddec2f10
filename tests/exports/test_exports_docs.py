"""docs/exporting.md and the model card say what runs."""

import json
import re
from pathlib import Path

import pytest
import stub
import yaml

import midlevel
from midlevel import exports
from midlevel.exports import formats
from midlevel.images import pixels

PAGE = Path(__file__).parents[2] / "docs" / "exporting.md"
TEXT = PAGE.read_text(encoding="utf-8")


def blocks(text):
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def front_matter(card):
    return yaml.safe_load(card.split("---\n")[1])


@pytest.fixture(scope="module")
def model(trained):
    return midlevel.load(trained.folder)


def export(model, folder, *names, **options):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exports, "VERIFIED_ON", 1)
        exports.export(model, folder, stub.QUIET, names, **options)
    return (folder / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_the_page_has_the_example_of_every_format():
    rooms = dict.fromkeys(form.room for form in formats.TABLE)
    assert blocks(TEXT) == [room.EXAMPLE for room in rooms]


def test_the_page_tells_of_every_format():
    for form in formats.TABLE:
        assert f"| `{form.name}` | `image" in TEXT
        assert f"`image{form.ending}" in TEXT or f"`*{form.ending}" in TEXT
        assert not form.extra or f"`midlevel[{form.extra}]`" in TEXT
    assert "640 x 480" in TEXT and exports.IMAGE_WH == (640, 480)
    for form in formats.TABLE:
        assert f"{form.tolerance:f}".rstrip("0") in TEXT


@pytest.mark.slow
@pytest.mark.parametrize("name", formats.NAMES)
def test_an_example_runs(model, toy_voc, tmp_path, monkeypatch, capsys, name):
    form, *_ = formats.find([name])
    for package in form.to_write + form.to_run:
        pytest.importorskip(package)
    card = export(model, tmp_path, name)
    *_, example = blocks(card)
    assert example == form.room.EXAMPLE
    photograph = toy_voc / "JPEGImages" / "val_04.jpg"
    (tmp_path / "photograph.jpg").write_bytes(photograph.read_bytes())
    monkeypatch.chdir(tmp_path)
    exec(compile(example, name, "exec"), {})
    printed, *present = map(yaml.safe_load, capsys.readouterr().out.splitlines())
    expected = model.record(pixels.read(photograph))["scores"]
    assert list(printed) == list(model.classes)
    for names in present:
        reached = [n for n in printed if printed[n] >= model.thresholds[n]]
        assert names == reached
    if not form.has_fixed_size:
        assert printed == pytest.approx(expected, abs=2e-3)


@pytest.mark.slow
def test_the_card_says_what_the_model_is_and_is_worth(model, tmp_path):
    card = export(model, tmp_path, "keras")
    header, found = front_matter(card), model.run.metrics
    assert header["license"] == "unknown"  # the stub has none
    assert header["pipeline_tag"] == "image-classification"
    assert {"multi-label", "midlevel", "keras"} <= set(header["tags"])
    (result,) = header["model-index"][0]["results"]
    assert result["metrics"][0]["value"] == round(found["mAP"]["area"], 4)
    for name in model.classes:
        area = 100 * found["AP"][name]["area"]
        assert f"| {name} | {area:.1f} | " in card
        assert f"| {model.thresholds[name]:.3f} |" in card
    assert "learned from 11 photographs of `toy_voc`" in card
    assert str(tmp_path) not in card and str(model.run.record["data"]) not in card
    assert "| `image.keras` | `images` uint8 (any, any, any, 3) |" in card


@pytest.mark.slow
def test_the_card_of_a_window_of_one_size_says_so(model, tmp_path):
    card = export(model, tmp_path, "litert", image_wh=(90, 70), verify=False)
    assert "| `image.tflite` | `images` uint8 (1, 70, 90, 3) |" in card
    assert "library_name" not in front_matter(card)
    how, _ = blocks(card)
    assert "def letterbox(image, width, height)" in how
    assert "nothing\nelse is to be done" not in card


@pytest.mark.slow
def test_the_card_says_what_one_size_costs(model, tmp_path):
    card = export(model, tmp_path, "openvino", image_wh=(90, 70))
    rows = json.loads((tmp_path / "exports.json").read_text())["files"]
    (cost,) = [row["cost_of_size"] for row in rows if row["cost_of_size"]]
    assert 0 <= cost["mean"] <= cost["largest"] <= 1
    assert f"- `image.xml`: {cost['largest']:.3f} at most, " in card
