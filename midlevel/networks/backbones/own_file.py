"""Open a file with a network of the user's own, and say what is wrong with it."""

from typing import TYPE_CHECKING, NoReturn

from midlevel import errors
from midlevel.networks.backbones.own import ENDINGS, Facts
from midlevel.networks.engines import openvino
from midlevel.system import runtime

if TYPE_CHECKING:
    import openvino as ov


def read(facts: Facts) -> "ov.Model":
    """The network of the file; errors are those of `own_graph.open_file`."""
    path, ending = facts.file, ENDINGS[facts.name]
    if path.suffix != ending:
        refuse(facts, f"backbone.name={facts.name} takes a file that ends in {ending}")
    if not path.is_file():
        refuse(facts, "there is no such file: backbone.weights names it")
    if ending == ".xml" and not path.with_suffix(".bin").is_file():
        refuse(facts, f"its {path.with_suffix('.bin').name} is missing beside it")
    with runtime.native_messages_kept_back():  # of readers that do not know the format
        try:
            return openvino.core().read_model(path)
        except RuntimeError as error:
            why = shortened(error)
    refuse(facts, f"cannot be read as a network: {why}")


def with_one_output(graph: "ov.Model", facts: Facts) -> "ov.Model":
    """The network as far as the output that is the map."""
    if len(graph.inputs) != 1:
        names = ", ".join(map(_name, graph.inputs))
        refuse(facts, f"has the inputs {names}: export it with the image alone")
    known = {name: one for one in graph.outputs for name in one.get_names()}
    if facts.output and facts.output not in known:
        refuse(facts, f"has no output {facts.output}: it has {_listed(graph)}")
    if not facts.output and len(graph.outputs) > 1:
        several = f"name the map's by backbone.output, of {_listed(graph)}"
        refuse(facts, f"has several outputs: {several}")
    chosen = known[facts.output] if facts.output else graph.output(0)
    for result in graph.get_results():
        if result != chosen.get_node():
            graph.remove_result(result)
    return graph


def layout_of(graph: "ov.Model", facts: Facts) -> str:
    """Whether its image has its three channels first or last."""
    shape = graph.input(0).get_partial_shape()
    if shape.rank.is_static and len(shape) == 4:
        for axis, layout in ((1, "NCHW"), (3, "NHWC")):
            if shape[axis].is_static and shape[axis].get_length() == 3:
                return layout
    refuse(
        facts,
        "expected an input of images with three channels, (n, 3, height, width) or "
        f"(n, height, width, 3). It takes {shape}",
    )


def _listed(graph: "ov.Model") -> str:
    return ", ".join(f"{_name(one)} {one.get_partial_shape()}" for one in graph.outputs)


def _name(one: "ov.Output") -> str:
    return min(one.get_names(), default="(without a name)")


def shortened(error: Exception) -> str:
    """The end of what OpenVINO says, where the reason is."""
    return " ".join(str(error).split())[-200:]


def refuse(facts: Facts, why: str) -> NoReturn:
    """Say of the file why it cannot serve."""
    raise errors.MidlevelError(f"{facts.file}: {why.rstrip('.')}.")
