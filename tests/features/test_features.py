import dataclasses

import helpers
import numpy as np
import pytest

from midlevel import errors
from midlevel.features import extractor as extractor_
from midlevel.features.extractor import Extractor, Pooled, build_extractor
from midlevel.images import pixels
from midlevel.images.pixels import Photograph
from midlevel.method import boxes, windows
from midlevel.method.windows import Geometry, Level
from midlevel.networks import backbones, engines
from midlevel.settings import config


@pytest.fixture(scope="module")
def cells(stub_backbone):
    return backbones.build("stub")


@pytest.fixture(scope="module")
def around(stub_backbone):
    return backbones.build("stub_context")


@pytest.mark.parametrize("name", ["stub", "stub_context"])
def test_where_nothing_is_seen_beyond_a_window_maps_and_crops_agree(
    name, stub_backbone
):
    # The image is its own level and a window is an input: nothing is resized.
    backbone = backbones.build(name)
    geometry = Geometry((Level(2.0, (7,)),), min_cells=backbone.spec.lost_cells + 1)
    image = helpers.noise((640, 448))
    dense = Extractor(backbone, geometry, "dense")(image)
    crop = Extractor(backbone, geometry, "crop")(image)
    assert dense.shape == crop.shape == (len(windows.plan((640, 448), geometry)), 6)
    assert crop.std(axis=0).min() > 0
    np.testing.assert_allclose(dense, crop, rtol=1e-3, atol=1e-4)


def test_windows_of_a_network_without_padding_shrink_by_its_context(around):
    plan = windows.plan((320, 224), Geometry((Level(1.0, (3, 5)),), min_cells=3))
    image = helpers.noise((320, 224))
    (cells,) = around.maps([image])
    assert cells.shape[:2] == (5, 8)  # of 7 x 10 cells
    (found,) = extractor_.dense(around, [image], [plan])
    for row, (left, top, _, _) in zip(found.windows[:5], plan.cells[:5], strict=True):
        np.testing.assert_allclose(row, cells[top, left], atol=1e-4)  # 3 cells are 1
    np.testing.assert_allclose(found.whole, [cells.mean(axis=(0, 1))], atol=1e-5)


@pytest.mark.parametrize("method", ["dense", "crop"])
def test_the_mirror_image_is_seen_behind_the_image(method, cells):
    geometry = Geometry((Level(0.6, (4, 3)), Level(1.0, (3,))))
    once = Extractor(cells, geometry, method)
    both = dataclasses.replace(once, mirror=True)
    images = [helpers.noise((160, 120)), helpers.noise((97, 64), 1)]
    shown = [Photograph(image, pixels.size_wh(image)) for image in images]
    found = both.many(shown)
    for image, of_one in zip(images, found, strict=True):
        seen = (image, np.ascontiguousarray(image[:, ::-1]))
        turned = [Photograph(one, pixels.size_wh(image)) for one in seen]
        expected = [
            np.concatenate(parts) for parts in zip(*once.many(turned), strict=True)
        ]
        for part, wanted in zip(of_one, expected, strict=True):
            np.testing.assert_allclose(part, wanted, atol=1e-6)
        assert len(of_one.whole) == both.rows_of_whole == 4


def test_windows_of_the_mirror_image_are_where_the_image_shows_them(cells):
    # The image is its own level: a cell of the mirror image is a cell of the image.
    extractor = Extractor(cells, Geometry((Level(2.0, (7, 5)),)), mirror=True)
    image = helpers.noise((640, 448))
    plan, found = extractor.plan((640, 448)), extractor(image)
    assert len(plan) == len(found)
    there = extractor.of_boxes(Photograph(image, (640, 448)), plan.boxes)
    np.testing.assert_allclose(found, there, atol=1e-5)
    once = dataclasses.replace(extractor, mirror=False).plan((640, 448))
    expected = boxes.mirror(once.boxes, 640)
    np.testing.assert_allclose(plan.boxes[len(once) :], expected, atol=1e-4)


def test_features_with_the_mirror_image_serve_the_head_and_are_stored_apart(cells):
    once = Extractor(cells, Geometry((Level(1.0, (3,)),)))
    both = dataclasses.replace(once, mirror=True)
    assert once.fingerprint == both.fingerprint
    assert once.stored_as != both.stored_as


@pytest.mark.parametrize("size_wh", [(1, 1), (2, 300), (333, 41)])
@pytest.mark.parametrize("path", ["dense", "crop"])
def test_every_image_has_features(path, size_wh, around):
    geometry = Geometry((Level(0.7, (4, 3)),), min_cells=3)
    found = Extractor(around, geometry, path)(helpers.noise(size_wh))
    assert found.shape == (len(windows.plan(size_wh, geometry)), 6)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("method", ["dense", "crop"])
def test_several_photographs_have_the_features_they_have_alone(method, cells):
    geometry = Geometry((Level(1.0, (5, 3)), Level(0.5, (3,))))
    extractor = Extractor(cells, geometry, method)
    sizes = [(120, 90), (90, 120), (120, 90), (300, 64)]
    several = [helpers.noise(size_wh, seed) for seed, size_wh in enumerate(sizes)]
    photographs = [Photograph(image, pixels.size_wh(image)) for image in several]
    together = extractor.many(photographs)
    for image, one, found in zip(several, photographs, together, strict=True):
        np.testing.assert_allclose(found.windows, extractor(image), atol=1e-5)
        (alone,) = extractor.many([one])
        np.testing.assert_allclose(found.whole, alone.whole, atol=1e-5)
        assert found.whole.shape == (2, 6) and found.whole.dtype == np.float32
    assert extractor.many([]) == []


@pytest.mark.parametrize("method", ["dense", "crop"])
def test_the_whole_photograph_is_the_mean_of_what_each_level_sees(method, cells):
    # Level by level one window, which covers everything: its features are the mean.
    extractor = Extractor(
        cells, Geometry((Level(1.0, (7,)), Level(2.0, (14,)))), method
    )
    (found,) = extractor.many([Photograph(helpers.noise((90, 90)), (90, 90))])
    assert len(found.windows) == 2
    np.testing.assert_allclose(found.whole, found.windows, atol=1e-5)


def test_windows_and_the_whole_are_put_together_and_taken_apart():
    rows = np.arange(12.0).reshape(6, 2)
    found = Pooled.of_rows(rows, 2)
    assert found.windows.tolist() == rows[:4].tolist()
    assert found.whole.tolist() == rows[4:].tolist()
    np.testing.assert_array_equal(found.rows, rows)


def test_windows_are_those_of_the_whole_photograph_however_it_was_decoded(cells):
    extractor = Extractor(cells, Geometry((Level(0.5, (3, 2)),)))
    image = helpers.noise((1000, 600))
    helpers.draw(image, "disc", (100, 100, 500, 500))
    whole, half = (
        extractor.many([Photograph(shown, (1000, 600))])[0].windows
        for shown in (image, pixels.resize(image, (500, 300)))
    )
    assert len(whole) == len(extractor.plan((1000, 600)))
    np.testing.assert_allclose(half, whole, atol=0.01)
    assert np.ptp(whole, axis=0).max() > 0.3


def test_a_photograph_is_read_no_larger_than_its_largest_level(cells, tmp_path):
    geometry = Geometry((Level(0.5, (3,)), Level(1.0, (3,))))
    helpers.write_photograph(tmp_path / "a.jpg", helpers.noise((1200, 900)))
    dense = Extractor(cells, geometry).read(tmp_path / "a.jpg")
    assert dense.size_wh == (1200, 900)
    assert pixels.size_wh(dense.pixels) == (300, 225)  # the level: 288 x 224
    crop = Extractor(cells, geometry, "crop").read(tmp_path / "a.jpg")
    assert pixels.size_wh(crop.pixels) == crop.size_wh == (1200, 900)


def test_what_surrounds_a_crop_is_seen_with_context_only(cells):
    geometry = Geometry((Level(2.0, (7,)),))
    image = helpers.noise((448, 448))
    changed = image.copy()
    changed[240:, 240:] = (255, 0, 0)  # beyond the first window, 224 x 224
    pairs = [
        [Extractor(cells, geometry, "crop", context)(i)[0] for i in both]
        for context, both in ((0, (image, changed)), (32, (image, changed)))
    ]
    np.testing.assert_array_equal(*pairs[0])
    assert np.abs(np.subtract(*pairs[1])).max() > 1e-3


@pytest.mark.parametrize("name", ["stub", "stub_context"])
@pytest.mark.parametrize("method", ["dense", "crop"])
def test_boxes_that_are_windows_have_the_features_of_windows(
    name, method, stub_backbone
):
    backbone = backbones.build(name)
    geometry = Geometry((Level(1.0, (5, 3)),), min_cells=backbone.spec.lost_cells + 1)
    extractor = Extractor(backbone, geometry, method)
    image = helpers.noise((160, 120))
    photograph = Photograph(image, (160, 120))
    found = extractor.of_boxes(photograph, extractor.plan((160, 120)).boxes)
    np.testing.assert_allclose(found, extractor(image), atol=1e-4)


@pytest.mark.parametrize("method", ["dense", "crop"])
def test_any_box_is_seen_where_it_is(method, cells):
    image = np.full((240, 320, 3), 128, np.uint8)
    image[60:180, 100:260] = (255, 0, 0)
    extractor = Extractor(cells, Geometry((Level(1.0, (3,)), Level(3.0, (3,)))), method)
    boxes = np.array([[100.5, 60.5, 259.5, 179.5], [300, 10, 400, 50]], np.float32)
    whole = extractor.of_boxes(Photograph(image, (320, 240)), boxes)
    assert whole.shape == (2, 6) and whole.dtype == np.float32
    assert whole[0, 0] > 0.9 and np.ptp(whole[1]) < 0.05  # red; grey
    half = Photograph(pixels.resize(image, (160, 120)), (320, 240))
    np.testing.assert_allclose(extractor.of_boxes(half, boxes), whole, atol=0.12)
    assert extractor.of_boxes(half, np.empty((0, 4))).shape == (0, 6)
    with pytest.raises(errors.MidlevelError, match="320 x 240 pixels.*box 0"):
        extractor.of_boxes(half, np.array([[330, 0, 340, 10]]))


def test_the_fingerprint_changes_with_the_map_and_only_with_another(cells):
    geometry = Geometry((Level(1.0, (3,)),))
    spec = dataclasses.replace(cells.spec, map="stride16")
    other = dataclasses.replace(cells, spec=spec)
    plain = Extractor(cells, geometry)
    assert Extractor(other, geometry).fingerprint != plain.fingerprint
    assert Extractor(other, geometry).stored_as != plain.stored_as


def test_the_fingerprint_of_the_default_is_what_runs_and_stores_have(cells):
    known = dataclasses.replace(cells, fingerprint="f" * 64)
    extractor = Extractor(known, Geometry((Level(1.0, (3,)),)))
    assert extractor.fingerprint == (
        "7a635b055c9baa719355a1c2d1fc37b08b0a1aedc56ada52ab13a04133ff4403"
    )


def test_the_fingerprint_changes_with_all_that_changes_features(cells, monkeypatch):
    geometry = Geometry((Level(1.0, (3,)),))
    other = dataclasses.replace(cells, fingerprint="of other weights")
    kinds = [
        Extractor(cells, geometry),
        Extractor(other, geometry),
        Extractor(cells, Geometry((Level(1.0, (4,)),))),
        Extractor(cells, Geometry((Level(1.1, (3,)),))),
        Extractor(cells, Geometry((Level(1.0, (3,)),), overlap=0.5)),
        Extractor(cells, geometry, "crop"),
        Extractor(cells, geometry, "crop", 16),
    ]
    prints = {kind.fingerprint for kind in kinds}
    assert len(prints) == len(kinds)
    monkeypatch.setattr(extractor_.decoding, "POLICY", "another")
    assert Extractor(cells, geometry).fingerprint not in prints


def test_the_fingerprint_ignores_what_changes_nothing(cells):
    geometry = Geometry((Level(1.0, (3,)),))
    plain = Extractor(cells, geometry)
    assert Extractor(cells, geometry, "dense", 16).fingerprint == (
        plain.fingerprint  # context is of crops
    )
    again = Extractor(backbones.build("stub"), Geometry((Level(1.0, (3,)),)))
    assert again.fingerprint == plain.fingerprint


def test_a_head_serves_on_every_engine_but_features_are_stored_apart(cells):
    geometry = Geometry((Level(1.0, (3,)),))
    kinds = [
        engines.Engine("tensorflow"),
        engines.Engine("openvino"),
        engines.Engine("openvino", "bf16"),
        engines.Engine("tensorflow", device="GPU"),
    ]
    on_each = [
        Extractor(dataclasses.replace(cells, engine=engine), geometry)
        for engine in kinds
    ]
    assert len({extractor.fingerprint for extractor in on_each}) == 1
    assert len({extractor.stored_as for extractor in on_each}) == len(kinds)
    told = dataclasses.replace(kinds[0], why="another reason")
    again = Extractor(dataclasses.replace(cells, engine=told), geometry)
    assert again.stored_as == on_each[0].stored_as


def test_windows_too_small_for_the_network_are_refused(stub_backbone):
    sizes = [{"scale": 1, "sizes": [4, 2]}]
    settings = {"backbone.name": "stub_context", "windows.pyramid": sizes}
    with pytest.raises(errors.MidlevelError, match="at least 3 cells.* has 2"):
        config.load(settings=settings)
    on_crops = config.load(settings={**settings, "features.method": "crop"})
    assert build_extractor(on_crops).geometry.min_cells == 3


def test_only_rgb_bytes_are_taken(cells):
    extractor = Extractor(cells, Geometry((Level(1.0, (3,)),)))
    with pytest.raises(errors.ImageError, match=r"float32 \(9, 9, 3\)"):
        extractor(np.zeros((9, 9, 3), np.float32))
