"""What a model says that sees photographs mirrored too."""

from dataclasses import replace

import helpers
import numpy as np
import pytest
import stub

import midlevel
from midlevel import errors
from midlevel.images import pixels
from midlevel.method.windows import Geometry, Level
from midlevel.runs import Run
from midlevel.settings import config as config_


@pytest.fixture(scope="module")
def single(with_whole):
    return midlevel.load(with_whole.folder)


@pytest.fixture(scope="module")
def both(with_whole):
    return midlevel.load(with_whole.folder, mirror=True)


@pytest.fixture(scope="module")
def path(toy_voc):
    return toy_voc / "JPEGImages" / "val_04.jpg"  # a square and a disc


def test_windows_of_both_are_joined_and_log_odds_of_the_whole_are_the_mean(
    single, both, path
):
    image = pixels.read(path)
    one, other, found = (
        model.windows(seen)
        for model, seen in ((single, image), (single, image[:, ::-1]), (both, image))
    )
    assert len(found.plan) == len(found.scores) == 2 * len(one.plan)
    joined = np.concatenate([one.scores, other.scores])
    np.testing.assert_allclose(found.scores, joined, atol=1e-5)
    np.testing.assert_allclose(found.whole, (one.whole + other.whole) / 2, atol=1e-5)


def test_a_photograph_and_its_mirror_image_have_the_same_scores(single):
    # Windows of five cells begin at every other one: of eight, at 0, 1 and 3.
    geometry = Geometry((Level(0.6, (4,)), Level(1.0, (5,))))
    extractor = replace(single.extractor, geometry=geometry)
    single = replace(single, extractor=extractor)
    image = helpers.noise((137, 120))
    helpers.draw(image, "disc", (40, 10, 100, 70))

    def difference(model):
        pair = [model.record(seen)["scores"] for seen in (image, image[:, ::-1])]
        (one, other) = (np.array(list(scores.values())) for scores in pair)
        return np.abs(one - other).max()

    assert difference(single.with_mirror(True)) < 1e-5 < difference(single)


def test_objects_are_found_where_they_are_not_where_the_mirror_shows_them(both, path):
    (record,) = both.with_thresholds(0.0).predict(path)
    for name, inside in (("square", (30, 30)), ("disc", (94, 94))):
        best = next(row for row in record["regions"] if row["name"] == name)
        left, top, width, height = best["bbox"]
        assert left <= inside[0] <= left + width
        assert top <= inside[1] <= top + height


def test_a_model_is_loaded_or_changed_to_see_either_way(with_whole, single, both):
    assert not single.mirror and both.mirror
    assert midlevel.load(single) is single
    assert midlevel.load(both) is both
    changed = midlevel.load(single, mirror=True)
    assert changed.mirror and changed.fingerprint == both.fingerprint
    assert changed.fingerprint != single.fingerprint
    assert both.with_mirror(False).fingerprint == single.fingerprint


def test_the_setting_of_a_run_says_how_it_sees(with_whole, tmp_path, single, both):
    copy = Run(stub.with_whole(with_whole, tmp_path / "run").folder)
    changed = config_.load(with_whole.config, {"scores.mirror": True})
    copy.write_text("config.yaml", config_.dump(changed))
    assert midlevel.load(copy).fingerprint == both.fingerprint
    assert midlevel.load(copy, mirror=False).fingerprint == single.fingerprint


def test_records_of_either_are_not_gone_on_with_as_the_other(
    with_whole, path, tmp_path
):
    output = tmp_path / "out.jsonl"

    def predict(**options):
        return midlevel.predict(
            path, model=with_whole, output=output, progress=stub.QUIET, **options
        )

    predict()
    with pytest.raises(errors.MidlevelError, match="overwrite"):
        predict(mirror=True)
    assert predict(mirror=True, overwrite=True).resumed == 0
    assert predict(mirror=True).resumed == 1


def test_evaluation_measures_what_the_model_sees(with_whole, single, both):
    one, other = (midlevel.evaluate(m, progress=stub.QUIET) for m in (single, both))
    assert one.images == other.images == 5
    assert one.pointing["mean"] is not None and other.pointing["mean"] is not None
