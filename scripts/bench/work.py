"""How much arithmetic a way needs, counted layer by layer."""

import functools
import math

from bench.ways import Way
from midlevel import runs
from midlevel.method import windows
from midlevel.networks import backbones, heads
from midlevel.settings import sections


class Counter:
    """Counts the multiply-adds of a run's networks on photographs.

    The products with kernels are counted, and nothing else: normalisation goes into
    them, activations and means are less than a hundredth. Products with the zeros
    around an image count, as in the figures that authors publish.
    """

    def __init__(self, run: runs.Run):
        settings = run.config.backbone
        self.spec = backbones.find(settings.name)
        self._backbone = backbones.keras_model(settings.name, run.weights(settings))
        head = heads.load(run.head_file)
        self._head = sum(math.prod(layer.kernel.shape) for layer in with_kernel(head))
        self._of_size = functools.cache(self._count)

    def __call__(self, way: Way, size_wh: tuple[int, int]) -> int:
        """Multiply-adds for a photograph of `size_wh` pixels."""
        plan = self.plan(way.pyramid, size_wh)
        side, head = self.spec.input_size, len(plan) * self._head
        if way.method == "maps":
            return head + sum(self._of_size(*level) for level in plan.level_sizes_wh)
        return head + len(plan) * self._of_size(side, side)

    def plan(self, pyramid: str, size_wh: tuple[int, int]) -> windows.Plan:
        """The windows of a photograph."""
        return windows.plan(size_wh, geometry(self.spec, pyramid))

    def _count(self, width: int, height: int) -> int:
        return multiply_adds(self._backbone, (width, height))


def multiply_adds(model, size_wh: tuple[int, int]) -> int:
    """Of all convolutions and dense layers of a Keras model, for one image."""
    from midlevel.system import runtime

    keras = runtime.load_keras()
    layers = with_kernel(model)
    probe = keras.Model(model.input, [layer.output for layer in layers])
    outputs = probe(keras.Input((*size_wh[::-1], 3), batch_size=1))
    outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
    # Each cell of the output takes the whole kernel once, depthwise ones too.
    return sum(
        math.prod(layer.kernel.shape) * math.prod(output.shape[1:-1])
        for layer, output in zip(layers, outputs, strict=True)
    )


def with_kernel(model) -> list:
    """The convolutions and dense layers of a Keras model."""
    return [layer for layer in model.layers if hasattr(layer, "kernel")]


def geometry(spec: backbones.Spec, pyramid: str) -> windows.Geometry:
    """As `build_extractor` makes it."""
    levels = sections.Windows(pyramid=pyramid).levels()
    least = spec.lost_cells + 1
    return windows.Geometry(levels, spec.stride, spec.input_size, min_cells=least)
