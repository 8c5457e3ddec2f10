"""Runs that an earlier version began, and settings that do nothing."""

import pytest
import stub
import yaml

import midlevel
from midlevel import errors
from midlevel.settings import config
from midlevel.training import stages, train


def test_a_run_that_learned_in_another_way_is_not_gone_on_with(
    stub_backbone, toy_voc, tmp_path, monkeypatch
):
    def stopped(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(train.results, "write", stopped)
    with pytest.raises(errors.Interrupted):
        stub.train(toy_voc, tmp_path / "run", image_loss__epochs=1)
    file = tmp_path / "run/config.yaml"
    settings = yaml.safe_load(file.read_text())
    del settings["image_loss"]["window_batch"]
    file.write_text(yaml.safe_dump(settings))
    with pytest.raises(errors.MidlevelError, match="earlier version.*new run"):
        midlevel.train(run=tmp_path / "run", resume=True, progress=stub.QUIET)


def test_settings_that_count_for_windows_alone_are_named(stub_backbone, toy_voc):
    notes = stub.Notes()
    chosen = config.load(None, {"training.optimizer": "sgd"})
    train._warn_of_idle(chosen.at("box"), notes)
    assert "image_loss.epochs=0" in notes.text and "training.optimizer" in notes.text
    notes = stub.Notes()
    alone = {"training.optimizer": "sgd", "image_loss.epochs": 0}
    train._warn_of_idle(config.load(None, alone).at("box"), notes)
    assert not notes.text


@pytest.mark.parametrize("photographs, epochs", [(26, 32), (60, 16), (900, 5), (5, 64)])
def test_few_photographs_have_some_steps_too(photographs, epochs):
    chosen = config.load().at("box")
    assert stages.image_schedule(chosen, photographs).epochs == epochs


def test_epochs_that_are_asked_for_are_the_most(stub_backbone):
    chosen = config.load(None, {"image_loss.epochs": 3}).at("box")
    assert stages.image_schedule(chosen, 26).epochs == 3
