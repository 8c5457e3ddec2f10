"""A file with a network of the user's own -> a graph from RGB uint8 to maps.

Channels, layout and tokens are found by running it once on two sizes of noise: what a
file says of its shapes is often left open or wrong.
"""

import hashlib
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from midlevel import errors
from midlevel.networks.backbones.own import ENDINGS, SCALINGS, Facts
from midlevel.networks.engines import openvino
from midlevel.system import runtime

if TYPE_CHECKING:
    import openvino as ov
else:
    ov = runtime.load_openvino()

OPS = ov.opset13
GRIDS = ((8, 10), (12, 9))  # rows and columns of the two trials, in cells
TOGETHER = 2  # images in a trial
LAST = np.iinfo(np.int64).max  # to the end of an axis
SIZES = (
    "Export it with the number of images, their height and width left open: with "
    "PyTorch by dynamic_axes or dynamic_shapes, a ViT of timm with "
    "dynamic_img_size=True, one of transformers with interpolate_pos_encoding=True."
)


def open_file(facts: Facts) -> "ov.Model":
    """The network, with its preprocessing inside.

    Takes RGB uint8 `(n, height, width, 3)`, sides multiples of the stride; gives the
    map `(n, rows, columns, channels)` float32. Tokens before those of the map are left
    out.

    Raises:
        errors.MidlevelError: the file is missing, no network, or cannot serve.
    """
    graph = _as_from_pixels(_only_output(_read(facts), facts), facts)
    shapes = _tried(graph, facts)
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
    """SHA-256 (hexadecimal) of its every operation and constant, in order."""
    digest = hashlib.sha256(b"own")
    for node in graph.get_ordered_ops():
        kind = node.get_type_name()
        digest.update(kind.encode())
        if kind == "Constant":
            digest.update(np.ascontiguousarray(node.data).data)
        elif kind not in ("Parameter", "Result"):
            digest.update(repr(sorted(node.get_attributes().items())).encode())
    return digest.hexdigest()


def _read(facts: Facts) -> "ov.Model":
    path, ending = facts.file, ENDINGS[facts.name]
    if path.suffix != ending:
        _refuse(facts, f"backbone.name={facts.name} takes a file that ends in {ending}")
    if not path.is_file():
        _refuse(facts, "there is no such file: backbone.weights names it")
    if ending == ".xml" and not path.with_suffix(".bin").is_file():
        _refuse(facts, f"its {path.with_suffix('.bin').name} is missing beside it")
    with runtime.native_messages_kept_back():  # of readers that do not know the format
        try:
            return openvino.core().read_model(path)
        except RuntimeError as error:
            why = _short(error)
    _refuse(facts, f"cannot be read as a network: {why}")


def _only_output(graph: "ov.Model", facts: Facts) -> "ov.Model":
    """The network as far as the output that is the map."""
    if len(graph.inputs) != 1:
        names = ", ".join(map(_name, graph.inputs))
        _refuse(facts, f"has the inputs {names}: export it with the image alone")
    known = {name: one for one in graph.outputs for name in one.get_names()}
    if facts.output and facts.output not in known:
        _refuse(facts, f"has no output {facts.output}: it has {_listed(graph)}")
    if not facts.output and len(graph.outputs) > 1:
        _refuse(facts, f"has several outputs: name the map's by backbone.output, of "
                f"{_listed(graph)}")  # fmt: skip
    chosen = known[facts.output] if facts.output else graph.output(0)
    for result in graph.get_results():
        if result != chosen.get_node():
            graph.remove_result(result)
    return graph


def _as_from_pixels(graph: "ov.Model", facts: Facts) -> "ov.Model":
    """The network from RGB uint8 `(n, height, width, 3)` of any size."""
    layout = _layout(graph, facts)
    sizes = [-1 if letter != "C" else 3 for letter in layout]
    try:
        graph.reshape(ov.PartialShape(sizes))
    except RuntimeError as error:
        _refuse(facts, f"takes images of one size only ({_short(error)}). {SIZES}")
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


def _layout(graph: "ov.Model", facts: Facts) -> str:
    """Whether its image has its three channels first or last."""
    shape = graph.input(0).get_partial_shape()
    if shape.rank.is_static and len(shape) == 4:
        for axis, layout in ((1, "NCHW"), (3, "NHWC")):
            if shape[axis].is_static and shape[axis].get_length() == 3:
                return layout
    _refuse(
        facts,
        "expected an input of images with three channels, (n, 3, height, width) or "
        f"(n, height, width, 3). It takes {shape}",
    )


def _tried(graph: "ov.Model", facts: Facts) -> list[tuple[int, ...]]:
    """Shapes of what it gives of each of `GRIDS`."""
    network, shapes = openvino.OpenVINONetwork(graph), []
    rng = np.random.default_rng(0)
    for rows, columns in GRIDS:
        size = (TOGETHER, rows * facts.stride, columns * facts.stride, 3)
        try:
            found = network(rng.integers(0, 256, size, np.uint8))
        except RuntimeError as error:
            _refuse(
                facts,
                f"cannot take {TOGETHER} images of {size[2]} x {size[1]} pixels "
                f"({_short(error)}). {SIZES} If it is so, see backbone.stride",
            )
        if found.ndim not in (3, 4):
            _refuse(
                facts,
                f"gives {found.shape[1:]} of an image: expected a map, (channels, "
                "rows, columns), or tokens, (count, channels). Export what lies before "
                "the pooling, or name that output by backbone.output",
            )
        if len(found) != TOGETHER:
            _refuse(facts, f"takes one image at a time. {SIZES}")
        shapes.append(found.shape)
    return shapes


def _channels_last(
    found: "ov.Output", shapes: list[tuple[int, ...]], facts: Facts
) -> "ov.Output":
    """A map as `(n, rows, columns, channels)`."""
    pairs = list(zip(shapes, GRIDS, strict=True))
    if all(shape[2:] == grid for shape, grid in pairs):
        found = OPS.transpose(found, np.array([0, 2, 3, 1])).output(0)
        count = shapes[0][1]
    elif all(shape[1:3] == grid for shape, grid in pairs):
        count = shapes[0][3]
    else:
        _refuse_stride(facts, shapes)
    known = OPS.reshape(found, np.array([0, 0, 0, count]), special_zero=True)
    return known.output(0)


def _leading(shapes: list[tuple[int, ...]], facts: Facts) -> int:
    """Tokens before those of the map: of the class, registers."""
    pairs = zip(shapes, GRIDS, strict=True)
    more = {shape[1] - rows * columns for shape, (rows, columns) in pairs}
    if len(more) != 1 or min(more) < 0:
        _refuse_stride(facts, shapes)
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


def _refuse_stride(facts: Facts, shapes: list[tuple[int, ...]]) -> NoReturn:
    told = " and ".join(
        f"{shape[1:]} of {columns * facts.stride} x {rows * facts.stride} pixels"
        for shape, (rows, columns) in zip(shapes, GRIDS, strict=True)
    )
    _refuse(
        facts,
        f"gives {told}, which is not a cell for every {facts.stride} pixels: "
        "backbone.stride should be the size of a cell, or of a ViT's patch",
    )


def _listed(graph: "ov.Model") -> str:
    return ", ".join(f"{_name(one)} {one.get_partial_shape()}" for one in graph.outputs)


def _name(one: "ov.Output") -> str:
    return min(one.get_names(), default="(without a name)")


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[-200:]


def _refuse(facts: Facts, why: str) -> NoReturn:
    raise errors.MidlevelError(f"{facts.file}: {why}.")
