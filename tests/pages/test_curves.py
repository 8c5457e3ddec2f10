import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from midlevel.pages.report import curves

HISTORY = [
    {"epoch": 1.0, "loss": 0.9, "mAP": 0.5},
    {"epoch": 2.0, "loss": 0.4, "mAP": 0.8},
]
CURVE = {"precision": [1.0, 0.5, 0.6], "recall": [0.3, 0.3, 1.0]}
ROWS = [{"probability": 0.1, "frequency": 0.2, "count": 9}]
SHARES = {"edges": [0.0, 0.5, 1.0], "present": [0.2, 0.8], "absent": [1.0, 0.0]}
STAGES = [
    *({**row, "stage": "windows"} for row in HISTORY),
    {"epoch": 3.0, "loss": 0.2, "mAP": 0.9, "stage": "photographs"},
]
DRAWN = {
    "training": lambda: curves.training(HISTORY, 2),
    "precision_recall": lambda: curves.precision_recall(CURVE, (0.3, 0.5)),
    "histogram": lambda: curves.histogram(SHARES, 0.4),
    "reliability": lambda: curves.reliability(ROWS, ROWS),
}


@pytest.fixture(scope="module", params=DRAWN)
def drawn(request):
    return DRAWN[request.param], DRAWN[request.param]()


def test_colours_are_the_pages_own(drawn):
    _, svg = drawn
    assert "currentColor" in svg and "var(--accent)" in svg
    assert "#0102" not in svg
    assert re.findall(r"#[0-9a-f]{6}\b", svg) in ([], ["#ffffff"] * svg.count("#fff"))


def test_text_is_text_and_says_what_is_drawn(drawn):
    _, svg = drawn
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg") and root.get("role") == "img"
    assert root.get("aria-label")
    assert root.findall(".//{http://www.w3.org/2000/svg}text")
    assert "font-family" not in svg and "DejaVu" not in svg


def test_the_same_numbers_give_the_same_bytes(drawn):
    draw, svg = drawn
    assert draw() == svg
    assert "<metadata" not in svg and "<!DOCTYPE" not in svg


@pytest.mark.slow
def test_the_style_of_others_stays_as_it_was():
    import matplotlib

    before = dict(matplotlib.rcParams)
    curves.histogram(SHARES, 0.4)
    assert dict(matplotlib.rcParams) == before


def words(svg):
    return " ".join(ElementTree.fromstring(svg).itertext())


def test_stages_are_named_and_told_apart():
    two, one = curves.training(STAGES, None), curves.training(STAGES[:2], None)
    assert "windows" in words(two) and "photographs" in words(two)
    assert "windows" not in words(one)
    assert two.count("stroke-opacity: 0.3") == one.count("stroke-opacity: 0.3") + 1


def test_the_epoch_that_was_kept_is_dotted_if_there_is_one():
    dotted = "stroke-dasharray: 0.8,1.32"
    assert dotted in curves.training(STAGES, 3)
    found = curves.training(STAGES, None, "held-out")
    assert dotted not in found
    assert "held-out mAP, %" in words(found) and "validation" not in found


def test_curves_of_a_single_photograph_are_drawn():
    one = {"precision": [1.0], "recall": [1.0]}
    assert "<svg" in curves.precision_recall(one, (1.0, 1.0))
    empty = {"edges": np.linspace(0, 1, 3).tolist(), "present": [0, 0]}
    assert "<svg" in curves.histogram({**empty, "absent": [0, 0]}, 0.5)
