"""A file with a network of the user's own -> a graph from RGB uint8 to maps.

Preprocessing is put before it; its map, or its tokens, are put in the order that
midlevel has, whatever their own.
"""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from midlevel.networks.backbones import own_file, own_trial
from midlevel.networks.backbones.own import SCALINGS, Facts
from midlevel.system import runtime

if TYPE_CHECKING:
    import openvino as ov
else:
    ov = runtime.load_openvino()

OPS = ov.opset13
LAST = np.iinfo(np.int64).max  # to the end of an axis


def open_file(facts: Facts) -> "ov.Model":
    """The network, with its preprocessing inside.

    Takes RGB uint8 `(n, height, width, 3)`, sides multiples of the stride; gives the
    map `(n, rows, columns, channels)` float32. Tokens before those of the map are left
    out.

    Raises:
        errors.MidlevelError: the file is missing, no network, or cannot serve.
    """
    graph = own_file.with_one_output(own_file.read(facts), facts)
    graph = _as_from_pixels(graph, facts)
    shapes = own_trial.shapes(graph, facts)
    found = graph.get_results()[0].input_value(0)
    if len(shapes[0]) == 3:
        found = _without_leading(found, _leading(shapes, facts))
        found = _as_grid(found, graph.input(0), facts.stride, shapes[0][-1])
    else:
        found = _channels_last(found, shapes, facts)
    (before,) = graph.get_results()
    graph.add_results([OPS.result(OPS.convert(found, "f32"))])
    graph.remove_result(before)
    return graph


def channels(graph: "ov.Model") -> int:
    """Channels of the map that such a graph gives."""
    return graph.output(0).get_partial_shape()[3].get_length()


def fingerprint(graph: "ov.Model") -> str:
    """SHA-256 (hexadecimal) of every operation, what it takes, and every constant."""
    digest = hashlib.sha256(b"own")
    nodes = graph.get_ordered_ops()
    numbers = {node.get_name(): i for i, node in enumerate(nodes)}
    for node in nodes:
        kind = node.get_type_name()
        sources = [value.get_source_output() for value in node.inputs()]
        taken = [
            (numbers[one.get_node().get_name()], one.get_index()) for one in sources
        ]
        digest.update(f"{kind} {taken}".encode())
        if kind == "Constant":
            digest.update(np.ascontiguousarray(node.data).data)
        elif kind not in ("Parameter", "Result"):
            digest.update(repr(sorted(node.get_attributes().items())).encode())
    return digest.hexdigest()


def _as_from_pixels(graph: "ov.Model", facts: Facts) -> "ov.Model":
    """The network from RGB uint8 `(n, height, width, 3)` of any size."""
    layout = own_file.layout_of(graph, facts)
    sizes = [-1 if letter != "C" else 3 for letter in layout]
    try:
        graph.reshape(ov.PartialShape(sizes))
    except RuntimeError as error:
        why = own_file.shortened(error)
        own_file.refuse(
            facts, f"takes images of one size only ({why}). {own_trial.ADVICE}"
        )
    mean, divisor = SCALINGS[facts.scaling]
    made = ov.preprocess.PrePostProcessor(graph)
    taken = made.input()
    taken.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    steps = taken.preprocess().convert_element_type(ov.Type.f32)
    steps.mean(list(mean)).scale(list(divisor))
    if facts.order == "bgr":
        steps.reverse_channels()
    taken.model().set_layout(ov.Layout(layout))
    return made.build()


def _channels_last(
    found: "ov.Output", shapes: list[tuple[int, ...]], facts: Facts
) -> "ov.Output":
    """A map as `(n, rows, columns, channels)`."""
    pairs = list(zip(shapes, own_trial.GRIDS, strict=True))
    if all(shape[2:] == grid for shape, grid in pairs):
        found = OPS.transpose(found, np.array([0, 2, 3, 1])).output(0)
        count = shapes[0][1]
    elif all(shape[1:3] == grid for shape, grid in pairs):
        count = shapes[0][3]
    else:
        own_trial.refuse_stride(facts, shapes)
    known = OPS.reshape(found, np.array([0, 0, 0, count]), special_zero=True)
    return known.output(0)


def _leading(shapes: list[tuple[int, ...]], facts: Facts) -> int:
    """Tokens before those of the map: of the class, registers."""
    pairs = zip(shapes, own_trial.GRIDS, strict=True)
    more = {shape[1] - rows * columns for shape, (rows, columns) in pairs}
    if len(more) != 1 or min(more) < 0:
        own_trial.refuse_stride(facts, shapes)
    return more.pop()


def _without_leading(found: "ov.Output", count: int) -> "ov.Output":
    begin, end, step, axis = (np.array([n]) for n in (count, LAST, 1, 1))
    return OPS.slice(found, begin, end, step, axis).output(0)


def _as_grid(
    found: "ov.Output", image: "ov.Output", stride: int, count: int
) -> "ov.Output":
    """Tokens `(n, rows * columns, channels)` as a map."""
    sizes = OPS.gather(OPS.shape_of(image), np.array([1, 2]), np.array(0))
    grid = OPS.divide(sizes, np.array(stride))
    wanted = OPS.concat([np.array([0]), grid, np.array([count])], 0)
    return OPS.reshape(found, wanted, special_zero=True).output(0)
