"""Exports of runs that labels alone have taught, by every aggregation."""

import dataclasses
import json
import shutil
from dataclasses import asdict

import helpers
import numpy as np
import pytest
import stub
import yaml

import midlevel
from midlevel import exports
from midlevel.exports import formats
from midlevel.method.aggregation import Aggregation
from midlevel.networks import heads
from midlevel.runs import Run

KINDS = [
    Aggregation("max", 0.0),
    Aggregation("top", 0.1),
    Aggregation("top", 0.33),
    Aggregation("lse", 5.0),
]
IMAGE_WH = (165, 126)
SIZES_WH = [IMAGE_WH, (1, 1), (640, 427), (900, 33)]
QUICK = ("keras", "openvino")
NAMES = [
    pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow])
    for name in formats.NAMES
]


def of_labels(trained, folder, aggregation):
    """A run whose head knows no background; its weights are drawn."""
    shutil.copytree(trained.folder, folder)
    run = Run(folder)
    head = heads.build(6, 3, hidden=[16], seed=1, background=False)
    heads.start_at(head, np.array([-1.0, -3.0, 0.5]))
    heads.keep(run.head_file, run.stored_head, head)
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["labels"]["level"] = "image"
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    calibration = {"slopes": [1.0, 0.7, 2.0], "intercepts": [0.0, 1.0, -0.5]}
    run.update(aggregation=asdict(aggregation), calibration=calibration)
    model = midlevel.load(folder)
    geometry = model.extractor.geometry  # of one level, half the work
    geometry = dataclasses.replace(geometry, levels=geometry.levels[:1])
    extractor = dataclasses.replace(model.extractor, geometry=geometry)
    return dataclasses.replace(model, extractor=extractor)


def shown(size_wh):
    image = helpers.noise(size_wh)
    helpers.draw(image, "disc", (0, 0, (size_wh[0] + 1) // 2, size_wh[1]))
    return image


@pytest.mark.parametrize("aggregation", KINDS, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_an_exported_image_scores_as_in_the_run(
    trained, tmp_path, monkeypatch, name, aggregation
):
    form, *_ = formats.find([name])
    for package in form.to_write + form.to_run:
        pytest.importorskip(package)
    monkeypatch.setattr(exports, "VERIFIED_ON", 1)
    monkeypatch.setattr(exports, "IMAGE_WH", IMAGE_WH)
    model = of_labels(trained, tmp_path / "run", aggregation)
    exports.export(model, tmp_path / "out", stub.QUIET, [name])
    score = form.room.load(tmp_path / f"out/image{form.ending}")
    for size_wh in SIZES_WH[:1] if form.has_fixed_size else SIZES_WH:
        expected = model.probabilities(model.windows(shown(size_wh)))
        found = score(shown(size_wh)[None])
        np.testing.assert_allclose(found, expected[None], atol=1e-4)
    content = json.loads((tmp_path / "out/labels.json").read_text())
    assert content["window_scores"][0] == "none of the classes"
    assert content["aggregation"] == asdict(aggregation) and content["k"] is None
    card = (tmp_path / "out/MODEL_CARD.md").read_text()
    assert "ackground" not in card and str(aggregation) in card
