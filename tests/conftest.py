"""Fixtures that many tests share."""

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import filelock
import helpers
import hypothesis
import pytest
import stub

from midlevel.networks.engines import precisions
from midlevel.runs import Run

ROOT = Path(__file__).parents[1]
TRAINING = {"stub_backbone", "trained", "trained_on_crops"}  # fixtures
ALL_TENSORFLOW = (  # modules that load it as soon as they are imported, and their tests
    "midlevel/networks/backbones/architectures.py",
    "midlevel/networks/backbones/efficientnet_lite.py",
    "midlevel/networks/backbones/weights.py",
    "midlevel/networks/engines/tensorflow.py",
    "midlevel/networks/export_layers.py",
    "tests/networks/test_backbones.py",
    "tests/networks/test_efficientnet_lite.py",
    "tests/networks/test_engines.py",
    "tests/networks/test_export_layers.py",
    "tests/training/test_fitting.py",
    "tests/training/test_train.py",
)
ALL_TENSORFLOW_PATHS = [ROOT / name for name in ALL_TENSORFLOW]

hypothesis.settings.register_profile(
    "short", max_examples=25, deadline=None, derandomize=True, database=None
)
hypothesis.settings.load_profile("short")


def pytest_configure(config: pytest.Config) -> None:
    """Slow tests and those of photographs run where -m names either of the two.

    Without `tf`, what is TensorFlow's alone is not even imported.
    """
    chosen = config.option.markexpr
    if "slow" not in chosen and "data" not in chosen:
        parts = [f"({chosen})"] if chosen else []
        config.option.markexpr = " and ".join([*parts, "not slow", "not data"])
    if "not tf" in chosen:
        left_out = map(str, ALL_TENSORFLOW_PATHS)
        config.option.ignore = [*(config.option.ignore or []), *left_out]


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What uses a trained network, or is TensorFlow's alone, is marked `tf`."""
    for item in items:
        trains = TRAINING.intersection(getattr(item, "fixturenames", ()))
        if trains or item.path in ALL_TENSORFLOW_PATHS:
            item.add_marker("tf")


_numbers = itertools.count()


@pytest.fixture(autouse=True)
def own_cache(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A feature cache of its own for every test."""
    folder = tmp_path_factory.getbasetemp() / "caches" / str(next(_numbers))
    monkeypatch.setenv("MIDLEVEL_CACHE_DIR", str(folder))


Once = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Makes a folder once for all of xdist's processes: one makes, the others wait."""
    place = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # each has a folder of its own in that one
        place = place.parent

    def made(name: str, make: Callable[[Path], object]) -> Path:
        folder, done = place / name, place / f"{name}.done"
        with filelock.FileLock(place / f"{name}.lock"):
            if not done.exists():
                make(folder)
                done.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def toy_voc(once: Once) -> Path:
    """A VOC folder of 16 photographs of coloured shapes; not to be changed."""
    return once("toy_voc", helpers.write_toy_voc)


@pytest.fixture(scope="session")
def voc_animals() -> Path:
    """The folder of real photographs that MIDLEVEL_TEST_DATA names."""
    folder = os.environ.get("MIDLEVEL_TEST_DATA")
    if not folder:
        pytest.skip("MIDLEVEL_TEST_DATA names no folder of photographs")
    return Path(folder)


@pytest.fixture
def needs_bf16() -> None:
    """What computes in bf16 is tested where the CPU does."""
    if not precisions.has_bf16():
        pytest.skip("this CPU has no bfloat16 instructions, or the process may not")


@pytest.fixture(scope="session")
def stub_backbone() -> Iterator[None]:
    """The backbones `stub` and `stub_context` are in the table."""
    with pytest.MonkeyPatch.context() as patch:
        stub.register(patch)
        yield


@pytest.fixture(scope="session")
def trained(stub_backbone: None, toy_voc: Path, once: Once) -> Run:
    """A finished run on `toy_voc` with the stub; not to be changed."""

    def train(place: Path) -> None:
        stub.train(toy_voc, place / "run", features__store=str(place / "features"))

    return Run(once("trained", train) / "run")


@pytest.fixture(scope="session")
def trained_on_crops(stub_backbone: None, toy_voc: Path, once: Once) -> Run:
    """The same, its windows cut out and run alone."""

    def train(place: Path) -> None:
        stub.train(
            toy_voc,
            place / "run",
            features__store=str(place / "features"),
            features__method="crop",
            features__views=["original"],
            image_loss__epochs=0,
            training__epochs=12,
        )

    return Run(once("crops", train) / "run")
