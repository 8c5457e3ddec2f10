import dataclasses
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import helpers
import numpy as np
import pytest
import stub

from midlevel.features import batch
from midlevel.features.batch import Failure, Named, Recipe, Vectors
from midlevel.features.extractor import build_extractor
from midlevel.images import pixels
from midlevel.images.pixels import Photograph


@pytest.fixture(scope="module")
def extractor(trained):
    return build_extractor(trained.config, trained)


@pytest.fixture
def sources(tmp_path):
    """Two photographs, and between them what is none and what is not there."""
    for seed, name in enumerate(("a.jpg", "d.jpg")):
        helpers.write_photograph(tmp_path / name, helpers.noise((90 + seed, 70), seed))
    (tmp_path / "b.jpg").write_bytes(b"no image")
    return [tmp_path / f"{name}.jpg" for name in "abcd"]


def test_each_source_gives_its_vectors_or_says_why_not(extractor, sources):
    found = batch.vectors(extractor, sources)
    assert [type(one) for one in found] == [Vectors, Failure, Failure, Vectors]
    assert [one.name for one in found] == [path.as_posix() for path in sources]
    for one, path in ((found[0], sources[0]), (found[3], sources[3])):
        image = pixels.read(path)
        assert one.size_wh == one.plan.size_wh == pixels.size_wh(image)
        (pooled,) = extractor.many([Photograph(image, one.size_wh)])
        np.testing.assert_allclose(one.features, pooled.windows, atol=1e-5)
        np.testing.assert_allclose(one.whole, pooled.whole, atol=1e-5)
    assert found[1].reason.startswith(f"{sources[1]}: is not an image")
    assert (
        found[2].reason == f"{sources[2]}: cannot be read: No such file or directory."
    )


def test_bytes_with_a_name_are_read_as_the_file(extractor, sources):
    named = [Named(path.name, path.read_bytes()) for path in sources[:2]]
    good, bad = batch.vectors(extractor, named)
    np.testing.assert_array_equal(
        good.features, batch.vectors(extractor, sources[:1])[0].features
    )
    assert good.name == "a.jpg"
    assert (bad.name, bad.reason.split(":")[0]) == ("b.jpg", "b.jpg")


def test_nothing_and_failures_alone_run_no_network(extractor, sources):
    counted = stub.counting(extractor.backbone)
    watched = dataclasses.replace(extractor, backbone=counted)
    assert batch.vectors(watched, []) == []
    assert all(isinstance(f, Failure) for f in batch.vectors(watched, sources[1:3]))
    assert counted.network.calls == []


def test_a_file_is_opened_once_for_its_bytes(sources):
    assert batch.opened(sources[0]) == Named(str(sources[0]), sources[0].read_bytes())
    assert isinstance(batch.opened(sources[2]), Failure)


def test_another_process_makes_the_same_vectors_from_a_recipe(trained, sources):
    recipe = Recipe(trained.config, trained.folder)
    here = recipe()(sources)
    spawn = multiprocessing.get_context("spawn")  # nothing but what pickles gets over
    with ProcessPoolExecutor(1, spawn, initializer=stub.in_table) as pool:
        there = pool.submit(vectors_of, recipe, sources).result(timeout=120)
    for one, other in zip(here, there, strict=True):
        if isinstance(one, Failure):
            assert other == one
            continue
        assert (other.name, other.size_wh) == (one.name, one.size_wh)
        np.testing.assert_array_equal(other.features, one.features)
        np.testing.assert_array_equal(other.whole, one.whole)
        np.testing.assert_array_equal(other.plan.boxes, one.plan.boxes)


def vectors_of(recipe, sources):
    return recipe()(sources)


def test_all_that_goes_to_another_process_and_back_pickles(trained, extractor, sources):
    named = Named("a.jpg", sources[0].read_bytes())
    recipe = Recipe(trained.config, trained.folder)
    for thing in (recipe, named, *sources, batch.vectors(extractor, sources)[1]):
        assert pickle.loads(pickle.dumps(thing)) == thing
    assert pickle.loads(pickle.dumps(batch.vectors)) is batch.vectors
