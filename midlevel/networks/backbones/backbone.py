"""A frozen backbone on an engine: images -> maps. Needs no TensorFlow by itself."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from midlevel.networks import engines
from midlevel.networks.backbones import own, table
from midlevel.networks.backbones import weights as weights_files
from midlevel.system import runtime
from midlevel.system.keras_defaults import keras_defaults

if TYPE_CHECKING:
    import keras

PLAIN = engines.Engine("tensorflow")


@dataclass(frozen=True, eq=False)
class Backbone:
    """A frozen network, the geometry of its map, and what runs it.

    Attributes:
        spec: its line in the table of backbones.
        fingerprint: SHA-256 (hexadecimal) of the name, of a map that is not the
            last, and of every weight.
        engine: what runs it.
        network: takes RGB uint8 `(n, height, width, 3)` of any size; gives maps
            `(n, rows, cols, channels)` float32. Preprocessing is inside.
    """

    spec: table.Spec
    fingerprint: str
    engine: engines.Engine
    network: engines.Network

    def maps(self, images: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The map `(rows, cols, channels)` float32 of each image, in their order.

        Images are RGB uint8 `(height, width, 3)` of any sizes; those of one size go
        through the network together, as far as the engine gains from it. A map has
        `height / stride - lost_cells` rows where height is a multiple of the stride.
        """
        by_shape: dict[tuple, list[int]] = {}
        for i, image in enumerate(images):
            by_shape.setdefault(image.shape, []).append(i)
        maps: list = [None] * len(images)
        for (height, width, _), places in by_shape.items():
            at_once = max(1, self.engine.pixels // (height * width))
            for start in range(0, len(places), at_once):
                some = places[start : start + at_once]
                batch = np.stack([images[i] for i in some])
                for i, found in zip(some, self.network(batch), strict=True):
                    maps[i] = found
        return maps


def build(
    name: str,
    weights: str | Path = "imagenet",
    engine: engines.Engine = PLAIN,
    stored: Path | None = None,
    map: str = table.LAST,
) -> Backbone:
    """The backbone `name` on `engine`.

    Args:
        weights: see `architectures.keras_model`.
        stored: the same network as `store` wrote it; OpenVINO reads it where it exists,
            without TensorFlow, in place of `weights`.
        map: the one it gives, see `table.Spec.maps`.

    Raises:
        errors.MidlevelError: there is no such backbone or map, or its weights cannot be
            had.
    """
    spec = table.find(name).of_map(map)
    model = functools.cache(lambda: keras_model(name, weights, map))
    network = engine.network(model, "uint8", stored)
    fingerprint = network.fingerprint or weights_files.fingerprint(
        model(), title(name, map)
    )
    return Backbone(spec, fingerprint, engine, network)


def build_own(
    facts: own.Facts, engine: engines.Engine, stored: Path | None = None
) -> Backbone:
    """A network of the user's own, on OpenVINO.

    Args:
        stored: the same network as `store_own` wrote it; read where it exists, and the
            user's file is not needed.

    Raises:
        errors.MidlevelError: the file is missing, no network, or cannot serve.
    """
    from midlevel.networks.backbones import own_graph
    from midlevel.networks.engines import openvino

    if stored is not None and stored.exists():
        graph = openvino.read(stored)
    else:
        graph = own_graph.open_file(facts)
    network = openvino.OpenVINONetwork(graph, engine.precision, engine.streams)
    fingerprint = network.fingerprint or own_graph.fingerprint(graph)
    spec = facts.spec(own_graph.channels(graph))
    return Backbone(spec, fingerprint, engine, network)


def store_own(path: Path, facts: own.Facts) -> None:
    """Write the user's own network as `store` writes others; errors of `build_own`."""
    from midlevel.networks.backbones import own_graph
    from midlevel.networks.engines import openvino

    graph = own_graph.open_file(facts)
    openvino.save(graph, path, own_graph.fingerprint(graph))


def of_model(
    model: "keras.Model", name: str, engine: engines.Engine = PLAIN
) -> Backbone:
    """A network that is there, of one kind of the table, on `engine`."""
    network = engine.network(lambda: model, "uint8", None)
    return Backbone(table.find(name), fingerprint_of(model, name), engine, network)


def as_far_as(model: "keras.Model", name: str, map: str) -> "keras.Model":
    """A whole backbone of the table as far as one of its maps; they share weights.

    Raises:
        errors.MidlevelError: it has no such map.
    """
    if map == table.LAST:
        return model
    runtime.load_keras()
    from midlevel.networks.backbones import cutting

    return cutting.maps(model, table.find(name), [map])


def store(path: Path, name: str, model: "keras.Model", map: str = table.LAST) -> None:
    """Write a backbone for OpenVINO: `path`, an `.xml`, and the `.bin` beside it.

    Args:
        map: the one that `model` gives.
    """
    from midlevel.networks.engines import openvino

    graph = openvino.convert(model, "uint8")
    openvino.save(graph, path, fingerprint_of(model, name, map))


def fingerprint_of(model: "keras.Model", name: str, map: str = table.LAST) -> str:
    """SHA-256 (hexadecimal) of what the network is called and of its every weight."""
    return weights_files.fingerprint(model, title(name, map))


def title(name: str, map: str) -> str:
    """What a fingerprint calls a network; the last map goes without saying."""
    return name if map == table.LAST else f"{name}/{map}"


@keras_defaults()
def keras_model(
    name: str, weights: str | Path = "imagenet", map: str = table.LAST
) -> "keras.Model":
    """See `architectures.keras_model`; loads TensorFlow."""
    runtime.load_keras()
    from midlevel.networks.backbones import architectures

    return architectures.keras_model(name, weights, map)
