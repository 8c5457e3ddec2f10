import helpers
import numpy as np
import pytest
import stub

from midlevel import backbones, config, errors, features, windows
from midlevel.windows import Geometry, Level


@pytest.fixture(scope="module")
def cells(stub_backbone):
    return backbones.build("stub")


@pytest.fixture(scope="module")
def around(stub_backbone):
    return backbones.build("stub_context")


def slow_pool(maps, plan, context):
    """Window by window and cell by cell."""
    rows = []
    for level, (left, top, right, bottom) in zip(plan.level, plan.cells, strict=True):
        inside = [
            maps[level][y, x]
            for y in range(top, bottom - context)
            for x in range(left, right - context)
        ]
        rows.append(np.mean(inside, axis=0))
    return np.array(rows)


@pytest.mark.parametrize("context", [0, 2])
@pytest.mark.parametrize("size_wh", [(97, 64), (64, 64), (40, 900), (1, 1), (2000, 31)])
def test_pooling_is_the_mean_over_the_cells_of_each_window(size_wh, context):
    levels = (Level(1.0, (7, 5, 3)), Level(0.5, (4, 3)))
    plan = windows.plan(size_wh, Geometry(levels, min_cells=context + 1))
    rng = np.random.default_rng(0)
    maps = [
        rng.random((rows - context, columns - context, 5), np.float32)
        for columns, rows in plan.grids
    ]
    pooled = features.pool(maps, plan, context)
    assert pooled.dtype == np.float32
    np.testing.assert_allclose(pooled, slow_pool(maps, plan, context), atol=2e-5)


@pytest.mark.parametrize("name", ["stub", "stub_context"])
def test_where_nothing_is_seen_beyond_a_window_maps_and_crops_agree(
    name, stub_backbone
):
    # The image is its own level and a window is an input: nothing is resized.
    backbone = backbones.build(name)
    geometry = Geometry((Level(2.0, (7,)),), min_cells=backbone.lost_cells + 1)
    image = helpers.noise((640, 448))
    dense = features.Extractor(backbone, geometry, "dense")(image)
    crop = features.Extractor(backbone, geometry, "crop")(image)
    assert dense.shape == crop.shape == (len(windows.plan((640, 448), geometry)), 6)
    assert crop.std(axis=0).min() > 0
    np.testing.assert_allclose(dense, crop, rtol=1e-3, atol=1e-4)


def test_windows_of_a_network_without_padding_shrink_by_its_context(around):
    plan = windows.plan((320, 224), Geometry((Level(1.0, (3, 5)),), min_cells=3))
    image = helpers.noise((320, 224))
    whole = around.maps(image[None])[0]
    assert whole.shape[:2] == (5, 8)  # of 7 x 10 cells
    found = features.dense(around, image, plan)
    for row, (left, top, _, _) in zip(found[:5], plan.cells[:5], strict=True):
        np.testing.assert_allclose(row, whole[top, left], atol=1e-4)  # 3 cells are 1


@pytest.mark.parametrize("size_wh", [(1, 1), (2, 300), (333, 41)])
@pytest.mark.parametrize("path", ["dense", "crop"])
def test_every_image_has_features(path, size_wh, around):
    geometry = Geometry((Level(0.7, (4, 3)),), min_cells=3)
    found = features.Extractor(around, geometry, path)(helpers.noise(size_wh))
    assert found.shape == (len(windows.plan(size_wh, geometry)), 6)
    assert np.isfinite(found).all()


def test_the_network_runs_once_a_level_or_once_for_64_crops(cells):
    geometry = Geometry((Level(1.0, (3,)), Level(2.0, (7, 4)), Level(0.5, (2,))))
    image = helpers.noise((500, 375))
    count = len(windows.plan((500, 375), geometry))
    assert count % 64
    dense, crop = stub.Counting(cells), stub.Counting(cells)
    features.Extractor(dense, geometry, "dense")(image)
    features.Extractor(crop, geometry, "crop")(image)
    assert dense.batches == [1, 1, 1]
    assert crop.batches == [64] * (count // 64) + [count % 64]


def test_what_surrounds_a_crop_is_seen_with_context_only(cells):
    geometry = Geometry((Level(2.0, (7,)),))
    image = helpers.noise((448, 448))
    changed = image.copy()
    changed[240:, 240:] = (255, 0, 0)  # beyond the first window, 224 x 224
    pairs = [
        [features.Extractor(cells, geometry, "crop", context)(i)[0] for i in both]
        for context, both in ((0, (image, changed)), (32, (image, changed)))
    ]
    np.testing.assert_array_equal(*pairs[0])
    assert np.abs(np.subtract(*pairs[1])).max() > 1e-3


def test_the_fingerprint_changes_with_all_that_changes_features(cells, monkeypatch):
    geometry = Geometry((Level(1.0, (3,)),))
    other = stub.Counting(cells)
    other.fingerprint = "of other weights"
    kinds = [
        features.Extractor(cells, geometry),
        features.Extractor(other, geometry),
        features.Extractor(cells, Geometry((Level(1.0, (4,)),))),
        features.Extractor(cells, Geometry((Level(1.1, (3,)),))),
        features.Extractor(cells, Geometry((Level(1.0, (3,)),), overlap=0.5)),
        features.Extractor(cells, geometry, "crop"),
        features.Extractor(cells, geometry, "crop", 16),
    ]
    prints = {kind.fingerprint for kind in kinds}
    assert len(prints) == len(kinds)
    monkeypatch.setattr(features.images, "DECODE_POLICY", "another")
    assert features.Extractor(cells, geometry).fingerprint not in prints


def test_the_fingerprint_ignores_what_changes_nothing(cells):
    geometry = Geometry((Level(1.0, (3,)),))
    plain = features.Extractor(cells, geometry)
    assert features.Extractor(cells, geometry, "dense", 16).fingerprint == (
        plain.fingerprint  # context is of crops
    )
    again = features.Extractor(backbones.build("stub"), Geometry((Level(1.0, (3,)),)))
    assert again.fingerprint == plain.fingerprint


def test_windows_too_small_for_the_network_are_refused(stub_backbone):
    sizes = [{"scale": 1, "sizes": [4, 2]}]
    settings = {"backbone.name": "stub_context", "windows.pyramid": sizes}
    with pytest.raises(errors.MidlevelError, match="at least 3 cells.* has 2"):
        config.load(settings=settings)
    on_crops = config.load(settings={**settings, "features.method": "crop"})
    assert features.build(on_crops).geometry.min_cells == 3


def test_only_rgb_bytes_are_taken(cells):
    extractor = features.Extractor(cells, Geometry((Level(1.0, (3,)),)))
    with pytest.raises(errors.ImageError, match=r"float32 \(9, 9, 3\)"):
        extractor(np.zeros((9, 9, 3), np.float32))
