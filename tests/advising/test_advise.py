"""`midlevel advise`, from photographs to a file of settings."""

import json
import shlex

import click.testing
import pytest
import stub
import yaml

import midlevel
from midlevel import errors
from midlevel.advising import advise
from midlevel.commands.cli import cli
from midlevel.evaluation.advice import Advice, Option, Size
from midlevel.settings import config as config_
from midlevel.training import holding_out

SETTINGS = {
    "windows.pyramid": stub.SETTINGS["windows.pyramid"],
    "labels.background_fraction": 0.3,
    "image_loss.steps": 40,
    "scores.whole": False,
}


def option(strategy, mAP, minutes, note=""):
    return Option(strategy, "stub", mAP, minutes, 9.0, {"strategy": strategy}, note)


@pytest.mark.parametrize(
    ("quick", "slow", "expected"),
    [
        ([0.80, 0.82], [0.83, 0.85], "slow"),
        ([0.832, 0.842], [0.83, 0.85], "quick"),  # 0.3 points less: as good
        ([0.826, 0.842], [0.83, 0.85], "slow"),
        ([0.80], [], "quick"),  # not tried, so not known
    ],
)
def test_the_quickest_of_those_about_as_good_as_the_best(quick, slow, expected):
    options = [option("slow", slow, 9.0), option("quick", quick, 2.0)]
    assert advise.recommended(options).strategy == expected


@pytest.fixture(scope="module")
def found(toy_voc, stub_backbone, tmp_path_factory):
    folder = tmp_path_factory.mktemp("advice")
    return midlevel.advise(
        toy_voc,
        settings=SETTINGS,
        strategies=["linear", "head", "tail"],
        backbones=["stub"],
        seeds=2,
        output=folder / "page.html",
        save=folder / "best.yaml",
        progress=stub.QUIET,
    ), folder


def test_tries_on_training_photographs_and_recommends_what_was_tried(found, toy_voc):
    advice, _ = found
    # The stub has no map that `tail` cuts at.
    assert [one.strategy for one in advice.options] == ["linear", "head"]
    for one in advice.options:
        assert len(one.mAP) == 2 and all(0 <= score <= 1 for score in one.mAP)
        assert one.minutes > 0 and one.size_mb > 0 and one.note == ""
    assert advice.recommended == advise.recommended(advice.options)
    assert list(advice.probes) == ["last", "colours"]
    assert advice.size == Size(11, advice.size.boxes, advice.size.shown, 11)
    assert advice.size.is_small
    assert any("CS231n" in line for line in advice.reasons)


def test_the_file_trains_what_was_advised(found, toy_voc, tmp_path):
    advice, folder = found
    saved = yaml.safe_load((folder / "best.yaml").read_text())
    assert saved["strategy"] == advice.recommended.strategy
    assert saved["backbone"] == {"name": "stub"}
    assert saved["image_loss"] == {"steps": 40}  # as it was tried
    config = config_.load(folder / "best.yaml", {"report": False})
    run = midlevel.train(
        toy_voc, config=config, run=tmp_path / "run", progress=stub.QUIET
    )
    assert run.config.way.name == advice.recommended.strategy


def test_the_text_and_the_page_name_what_is_recommended(found):
    advice, folder = found
    told = str(advice)
    assert f"--set strategy={advice.recommended.strategy}" in told
    (line,) = [line for line in told.splitlines() if "recommended" in line]
    assert line.split()[0] == advice.recommended.strategy
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert advice.recommended.name in page and "ridge regression" in page
    assert json.loads(json.dumps(advice.to_dict()))["classes"] == advice.classes


def test_what_would_take_too_long_is_timed_and_said(toy_voc, stub_backbone):
    advice = midlevel.advise(
        toy_voc,
        settings=SETTINGS,
        strategies=["linear", "head"],
        backbones=["stub"],
        minutes=1e-6,
        seeds=1,
        progress=stub.QUIET,
    )
    tried = [one for one in advice.options if one.mAP]
    (other,) = [one for one in advice.options if not one.mAP]
    assert advice.recommended in tried  # one is tried, however long it takes
    assert other.note.startswith("not tried") and other.minutes > 0
    assert other.note in str(advice)


def test_too_few_photographs_are_refused_in_a_line(toy_voc, stub_backbone, monkeypatch):
    monkeypatch.setattr(holding_out, "LEAST", 12)  # of 11
    with pytest.raises(errors.DataError, match="expected 12 photographs or more"):
        midlevel.advise(
            toy_voc,
            settings=SETTINGS,
            strategies=["head"],
            backbones=["stub"],
            progress=stub.QUIET,
        )


def test_the_command_has_the_settings_that_were_tried(toy_voc):
    settings = {"data.classes": ["a cat", "dog"], "strategy": "head"}
    best = Option("head", "stub", [0.5], 3.0, 9.0, settings)
    size = Size(100, 120, {"dog": 60}, 100)
    advice = Advice("my data", ["dog"], size, {"last": 0.5}, [best], best, [])
    words = shlex.split(str(advice).splitlines()[-1].removeprefix("train so: "))
    assert words[:3] == ["midlevel", "train", "my data"]
    assert dict(config_.parse_setting(word) for word in words[4::2]) == settings


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"strategy": "tail"}, "advise tries strategy itself"),
        ({"tail.cut": "block6"}, "advise tries tail.cut itself"),
        ({"backbone.map": "stride16"}, "advise tries backbone.map itself"),
        ({"image_loss.epochs": 0}, "heads with an image loss"),
        ({"image_loss.mean_epochs": 2}, "image_loss.mean_epochs"),
    ],
)
def test_what_is_tried_cannot_be_set(toy_voc, asked, said):
    with pytest.raises(errors.MidlevelError, match=said):
        midlevel.advise(toy_voc, settings=asked, progress=stub.QUIET)


@pytest.mark.parametrize("name", ["seeds", "photographs"])
def test_too_small_a_number_is_refused_in_a_line(toy_voc, name):
    with pytest.raises(errors.MidlevelError, match=f"{name}: expected"):
        midlevel.advise(toy_voc, **{name: 0}, progress=stub.QUIET)


def test_the_backbone_that_is_set_is_the_one_that_is_tried(toy_voc, stub_backbone):
    settings = {**SETTINGS, "backbone.name": "stub", "select": "val"}
    advice = midlevel.advise(
        toy_voc, settings=settings, strategies=["head"], seeds=1, progress=stub.QUIET
    )
    assert [one.name for one in advice.options] == ["head on stub"]


def test_a_name_that_is_no_pages_is_refused_before_the_work(toy_voc):
    done = click.testing.CliRunner().invoke(
        cli, ["advise", str(toy_voc), "--output", "page.txt"]
    )
    assert done.exit_code == 2 and "ends in .html" in done.stderr


def test_a_hostile_name_does_nothing_to_a_page_or_a_terminal(tmp_path):
    hostile = "<b>a\x1b[2J"
    size = Size(100, 120, {hostile: 60}, 100)
    best = option("head", [0.5, 0.6], 3.0)
    advice = Advice(hostile, [hostile], size, {"last": 0.5}, [best], best, [hostile])
    from midlevel.pages.advise import advise_page

    advise_page.write(advice, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<b>a" not in page and "\x1b" not in page
    assert "\x1b" not in str(advice)
