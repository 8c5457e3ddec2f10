"""What photographs cost, counted rather than timed."""

import collections
import dataclasses
import math

import helpers
import pytest
import stub

import midlevel
from midlevel.features import extraction, store
from midlevel.features import extractor as extractor_
from midlevel.features.extractor import Extractor
from midlevel.images import pixels
from midlevel.images.pixels import Photograph
from midlevel.method import windows
from midlevel.method.windows import Geometry
from midlevel.networks import backbones, engines

SIZE_WH = (500, 375)  # what most photographs of VOC have
OCTAVES = Geometry(windows.PYRAMIDS["octaves"])
VIEWS = ["original", "mirror"]
INDEX_BYTES = 100  # of a view: its key, size and number of windows


@pytest.fixture
def extractor(stub_backbone):
    """The default windows on a stub whose calls are counted, on a CPU."""
    engine = engines.Engine("openvino")
    backbone = stub.counting(backbones.build("stub", engine=engine))
    return Extractor(backbone, OCTAVES)


@pytest.fixture
def calls(extractor):
    return extractor.backbone.network.calls


@pytest.fixture
def photographs(tmp_path):
    paths = [tmp_path / f"{name}.jpg" for name in "abcdef"]
    for seed, path in enumerate(paths):
        helpers.write_photograph(path, helpers.noise(SIZE_WH, seed))
    return paths


@pytest.fixture
def decoded(monkeypatch):
    """How often each file was decoded."""
    count, decode = collections.Counter(), pixels.decoding.decode

    def counted(data, name, *rest):
        count[name] += 1
        return decode(data, name, *rest)

    monkeypatch.setattr(pixels.decoding, "decode", counted)
    return count


def pixels_of(calls):
    return sum(math.prod(shape[:3]) for shape in calls)


def extract(paths, extractor, folder):
    place = store.FeatureStore(folder, extractor.stored_as)
    found = extraction.extract(paths, VIEWS, extractor, place, stub.QUIET)
    return found, place


def on_disk(folder):
    """What a file that was written again would change."""
    stats = {path: path.stat() for path in folder.iterdir()}
    return {path: (stat.st_ino, stat.st_mtime_ns) for path, stat in stats.items()}


# === The network ===


def test_one_photograph_costs_a_call_for_each_level(extractor, calls):
    extractor(helpers.noise(SIZE_WH))
    plan = extractor.plan(SIZE_WH)
    assert calls == [(1, h, w, 3) for w, h in plan.level_sizes_wh]
    assert len(calls) == 2


def test_photographs_of_one_size_share_calls_up_to_what_the_engine_gains_from(
    extractor, calls, monkeypatch
):
    monkeypatch.setattr(engines, "CPU_PIXELS", 600_000)
    some = [Photograph(helpers.noise(SIZE_WH, seed), SIZE_WH) for seed in range(6)]
    extractor.many(some)
    (w, h), (large_w, large_h) = extractor.plan(SIZE_WH).level_sizes_wh
    small, large = (
        engines.CPU_PIXELS // (w * h),
        engines.CPU_PIXELS // (large_w * large_h),
    )
    assert (small, large) == (4, 1)
    assert calls == [(4, h, w, 3), (2, h, w, 3), *[(1, large_h, large_w, 3)] * 6]


def test_the_network_sees_each_level_once_a_twenty_eighth_of_the_windows(
    extractor, calls
):
    image = helpers.noise(SIZE_WH)
    extractor(image)
    by_maps = pixels_of(calls)
    plan = extractor.plan(SIZE_WH)
    assert by_maps == sum(w * h for w, h in plan.level_sizes_wh) == 665_600
    calls.clear()
    dataclasses.replace(extractor, method="crop")(image)
    assert pixels_of(calls) == len(plan) * 224**2
    assert pixels_of(calls) / by_maps == pytest.approx(28.4, abs=0.05)


def test_the_mirror_image_costs_as_much_again(extractor, calls):
    image = helpers.noise(SIZE_WH)
    extractor(image)
    single = calls.copy()
    calls.clear()
    dataclasses.replace(extractor, mirror=True)(image)
    assert pixels_of(calls) == 2 * pixels_of(single)


@pytest.mark.parametrize("size_wh", [(375, 500), (4000, 3000), (64, 64), (9000, 300)])
def test_no_photograph_costs_much_more_than_another(extractor, size_wh):
    """The levels' short side is given; the long side is bounded."""
    wide = max(size_wh) / min(size_wh)
    cost = sum(w * h for w, h in extractor.plan(size_wh).level_sizes_wh)
    square = sum(w * h for w, h in extractor.plan((64, 64)).level_sizes_wh)
    assert cost <= 1.05 * square * min(wide, windows.MAX_ASPECT)


def test_crops_go_in_as_many_at_a_time_as_the_engine_gains_from(extractor, calls):
    image = helpers.noise(SIZE_WH)
    dataclasses.replace(extractor, method="crop")(image)
    count, at_once = len(extractor.plan(SIZE_WH)), engines.CPU_PIXELS // 224**2
    assert {shape[1:] for shape in calls} == {(224, 224, 3)}
    assert sum(shape[0] for shape in calls) == count
    assert max(shape[0] for shape in calls) == at_once
    assert len(calls) <= 1.1 * count / at_once


# === The head ===


@pytest.fixture
def scorer(trained):
    """A trained model with its networks counted, on a CPU."""
    found = midlevel.load(trained.folder, engine="openvino")
    backbone = stub.counting(found.extractor.backbone)
    extractor = dataclasses.replace(found.extractor, backbone=backbone)
    return dataclasses.replace(
        found, extractor=extractor, head=stub.Counting(found.head)
    )


def test_the_head_is_called_once_for_several_photographs(scorer):
    some = [Photograph(helpers.noise((160, 120), s), (160, 120)) for s in range(5)]
    scorer.many(some)
    assert scorer.head.batches == [5 * len(scorer.extractor.plan((160, 120)))]


def test_a_folder_costs_a_call_of_the_head_for_every_group(scorer, toy_voc, decoded):
    records = scorer.predict(toy_voc / "JPEGImages")
    assert len(records) == 16
    together = scorer.extractor.backbone.engine.together
    assert len(scorer.head.calls) == 16 / together
    assert len(decoded) == 16 and set(decoded.values()) == {1}
    assert sum(scorer.extractor.backbone.network.batches) == 2 * 16  # levels


def test_loading_a_model_runs_nothing(trained, monkeypatch):
    """What a network costs is paid for photographs alone."""
    called = []
    build = extractor_.backbones.build

    def counted(*arguments):
        backbone = stub.counting(build(*arguments))
        called.append(backbone.network)
        return backbone

    monkeypatch.setattr(extractor_.backbones, "build", counted)
    midlevel.load(trained.folder)
    assert [network.calls for network in called] == [[]]


# === Decoding and the store ===


def test_a_photograph_is_decoded_once_for_all_its_views(
    extractor, photographs, tmp_path, decoded, monkeypatch
):
    monkeypatch.setattr(extraction, "_announce", lambda *_: None)
    extract(photographs, extractor, tmp_path / "features")
    assert decoded == dict.fromkeys(photographs, 1)


def test_the_estimate_decodes_no_more_than_its_sample(
    extractor, photographs, tmp_path, decoded, monkeypatch
):
    monkeypatch.setattr(extraction, "SAMPLED", 2)
    extract(photographs, extractor, tmp_path / "features")
    assert sum(decoded.values()) - len(photographs) <= 2


def test_views_of_a_photograph_share_calls_of_the_network(
    extractor, calls, photographs, tmp_path, monkeypatch
):
    monkeypatch.setattr(engines, "CPU_PIXELS", 600_000)
    extract(photographs[:1], extractor, tmp_path / "features")
    (w, h), (large_w, large_h) = extractor.plan(SIZE_WH).level_sizes_wh
    assert calls == [(2, h, w, 3), *[(1, large_h, large_w, 3)] * 2]


def test_the_store_takes_two_bytes_a_number_and_a_small_index(
    extractor, photographs, tmp_path
):
    _, place = extract(photographs, extractor, tmp_path / "features")
    count = len(photographs) * len(VIEWS)
    channels = extractor.backbone.spec.channels
    plan = extractor.plan(SIZE_WH)
    rows = len(plan) + len(plan.grids)  # the windows, and the whole at each level
    of_features = count * rows * channels * 2
    written = {
        suffix: [path.stat().st_size for path in place.folder.glob(f"*{suffix}")]
        for suffix in (".npy", ".json")
    }
    assert len(list(place.folder.iterdir())) == 2  # one shard: it is far from full
    assert sum(written[".npy"]) == of_features + 128  # numpy's header
    assert sum(written[".json"]) <= count * INDEX_BYTES


def test_a_second_run_decodes_computes_and_writes_nothing(
    extractor, calls, photographs, tmp_path, decoded, monkeypatch
):
    first, place = extract(photographs, extractor, tmp_path / "features")
    before = on_disk(place.folder)
    calls.clear()
    decoded.clear()
    monkeypatch.setattr(store.files, "whole", lambda path: pytest.fail(f"wrote {path}"))
    again, place = extract(photographs, extractor, tmp_path / "features")
    assert again == first
    assert calls == [] and not decoded
    assert on_disk(place.folder) == before
