"""Fixtures that many tests share."""

import os
from pathlib import Path

import helpers
import hypothesis
import pytest
import stub

from midlevel.networks.engines import precisions

hypothesis.settings.register_profile(
    "short", max_examples=25, deadline=None, derandomize=True, database=None
)
hypothesis.settings.load_profile("short")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """A feature cache of its own for every test."""
    monkeypatch.setenv("MIDLEVEL_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
def toy_voc(tmp_path_factory) -> Path:
    """A VOC folder of 16 photographs of coloured shapes; not to be changed."""
    return helpers.write_toy_voc(tmp_path_factory.mktemp("toy") / "toy_voc")


@pytest.fixture(scope="session")
def voc_animals() -> Path:
    """The folder of real photographs that MIDLEVEL_TEST_DATA names."""
    folder = os.environ.get("MIDLEVEL_TEST_DATA")
    if not folder:
        pytest.skip("MIDLEVEL_TEST_DATA names no folder of photographs")
    return Path(folder)


@pytest.fixture
def needs_bf16():
    """What computes in bf16 is tested where the CPU does."""
    if not precisions.has_bf16():
        pytest.skip("this CPU has no bfloat16 instructions, or the process may not")


@pytest.fixture(scope="session")
def stub_backbone():
    """The backbones `stub` and `stub_context` are in the table."""
    with pytest.MonkeyPatch.context() as patch:
        stub.register(patch)
        yield


@pytest.fixture(scope="session")
def trained(stub_backbone, toy_voc, tmp_path_factory):
    """A finished run on `toy_voc` with the stub; not to be changed."""
    place = tmp_path_factory.mktemp("trained")
    return stub.train(toy_voc, place / "run", features__store=str(place / "features"))


@pytest.fixture(scope="session")
def trained_on_crops(stub_backbone, toy_voc, tmp_path_factory):
    """The same, its windows cut out and run alone."""
    place = tmp_path_factory.mktemp("crops")
    return stub.train(
        toy_voc,
        place / "run",
        features__store=str(place / "features"),
        features__method="crop",
        features__views=["original"],
        training__epochs=4,
    )
