"""What may be tried."""

import pytest
import stub

from midlevel import datasets, errors
from midlevel.advising import candidates
from midlevel.settings import config as config_

LITES = [f"efficientnet_lite{i}" for i in range(3)]


@pytest.fixture
def dataset(toy_voc):
    return datasets.read(toy_voc)


def names(found):
    return [(one.strategy, one.backbone) for one in found]


def test_each_strategy_is_tried_with_each_backbone_at_hand(dataset):
    wanted = ("head", "tail")
    found = candidates.of(config_.load(), dataset, stub.QUIET, wanted, LITES)
    assert names(found) == [(s, name) for name in LITES for s in wanted]
    assert found[1].settings == {"strategy": "tail", "backbone.name": LITES[0]}
    assert found[1].config.tail.learns and not found[0].config.tail.learns
    assert found[0].config.labels.level == "box"  # as the photographs are labelled


def test_what_settings_or_a_backbone_do_not_allow_is_left_out_and_said(dataset, capsys):
    base = config_.load(settings={"head.hidden": [8]})
    progress = stub.Progress()
    found = candidates.of(base, dataset, progress, ("linear", "head"), LITES[:1])
    assert names(found) == [("head", LITES[0])]
    assert "left out: linear on efficientnet_lite0: " in capsys.readouterr().err
    with pytest.raises(errors.MidlevelError, match="Nothing to try"):
        candidates.of(base, dataset, progress, ("linear",), LITES[:1])
    found = candidates.of(base, dataset, progress, ("head", "tail"), ["convnext_tiny"])
    assert names(found) == [("head", "convnext_tiny")]  # it has no maps to cut at


@pytest.mark.parametrize(
    ("wanted", "backbones", "said"),
    [(("tial",), (), "Did you mean tail"), (("head",), ("vgg",), "Received: vgg")],
)
def test_an_unknown_name_is_refused(wanted, backbones, said):
    with pytest.raises(errors.MidlevelError, match=said):
        candidates.check(wanted, backbones)


def test_those_at_hand_are_those_whose_weights_travel_with_midlevel():
    assert list(candidates.at_hand()) == LITES
