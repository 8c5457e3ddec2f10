"""Files with small networks, as users bring them: the stub's mean colours of cells."""

from pathlib import Path
from typing import Any

import numpy as np
import stub

from midlevel.networks.engines.openvino import ov

STRIDE = 32
ops = ov.opset13
KERNEL = stub.DIFFERENCES.T[:, :, None, None].copy()  # (6, 3, 1, 1)


def write_map(path: Path, size: tuple[int, int] | None = None) -> Path:
    """An `.xml` from `(n, 3, height, width)` in 0..1 to `(n, 6, rows, columns)`."""
    image = image_of(size)
    return saved([("map", cells(image))], image, path)


def write_tokens(path: Path, leading: int = 1, two_outputs: bool = False) -> Path:
    """The same as tokens `(n, leading + rows * columns, 6)`, as a ViT has them."""
    image = image_of(None)
    below = cells(image)
    flat = ops.reshape(below, np.array([0, 6, -1]), special_zero=True)
    tokens = ops.transpose(flat, np.array([0, 2, 1]))
    first = ops.reduce_mean(tokens, np.array([1]), keep_dims=True)
    joined = ops.concat([first] * leading + [tokens], 1)
    outputs = [("tokens", joined)]
    if two_outputs:
        outputs.append(("pooled", ops.squeeze(first, np.array([1]))))
    return saved(outputs, image, path)


def write_means(path: Path) -> Path:
    """One that gives the mean of each cell's own three colours."""
    image = image_of(None)
    return saved([("map", means(image))], image, path)


def write_vector(path: Path) -> Path:
    """One that gives a vector an image."""
    image = image_of(None)
    return saved(
        [("pooled", ops.reduce_mean(cells(image), np.array([2, 3])))], image, path
    )


def write_fixed_tokens(path: Path) -> Path:
    """One with an embedding for each place of one size, as ViTs are exported."""
    image = image_of((224, 224))
    flat = ops.reshape(cells(image), np.array([1, 6, 49]), special_zero=False)
    tokens = ops.transpose(flat, np.array([0, 2, 1]))
    return saved([("tokens", tokens)], image, path)


def image_of(size: tuple[int, int] | None) -> Any:
    height, width = size or (-1, -1)
    count = 1 if size else -1
    return ops.parameter(
        ov.PartialShape([count, 3, height, width]), np.float32, "image"
    )


def means(image: Any) -> Any:
    side = [STRIDE, STRIDE]
    return ops.avg_pool(image, side, [0, 0], [0, 0], side, True)


def cells(image: Any) -> Any:
    kernel = ops.constant(KERNEL, np.float32)
    made = ops.convolution(means(image), kernel, [1, 1], [0, 0], [0, 0], [1, 1])
    return ops.relu(ops.add(made, stub.OFFSETS[None, :, None, None]))


def saved(outputs: list[tuple[str, Any]], image: Any, path: Path) -> Path:
    results = []
    for name, node in outputs:
        node.output(0).set_names({name})
        results.append(ops.result(node))
    ov.serialize(ov.Model(results, [image], "own"), path, path.with_suffix(".bin"))
    return path


def write_onnx(path: Path) -> Path:
    """`write_map` as ONNX, its sizes named."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def shaped(name: str, channels: int) -> Any:
        return helper.make_tensor_value_info(
            name, TensorProto.FLOAT, ["batch", channels, f"{name}_h", f"{name}_w"]
        )

    side = [STRIDE, STRIDE]
    nodes = [
        helper.make_node(
            "AveragePool", ["image"], ["means"], kernel_shape=side, strides=side
        ),
        helper.make_node("Conv", ["means", "kernel", "offsets"], ["differences"]),
        helper.make_node("Relu", ["differences"], ["map"]),
    ]
    graph = helper.make_graph(
        nodes,
        "own",
        [shaped("image", 3)],
        [shaped("map", 6)],
        [
            numpy_helper.from_array(KERNEL, "kernel"),
            numpy_helper.from_array(stub.OFFSETS, "offsets"),
        ],
    )
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=9), path)
    return path
