"""A head grows for a new task: pure functions from head to head.

Wang, Ramanan, Hebert, CVPR 2017 ("Growing a Brain: Fine-Tuning by Increasing Model
Capacity", arXiv 1907.07844). Of a head, FC7 is the last hidden layer, and FC6 the one
below. Old units see old inputs only, so what they say stays what it was.
"""

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np

from midlevel import errors
from midlevel.networks import heads
from midlevel.system import runtime
from midlevel.system.keras_defaults import keras_defaults

if TYPE_CHECKING:
    import keras

NONE: Final = "none"
Kind = Literal["none", "da", "wa", "dwa", "wwa"]


class NewUnits(NamedTuple):
    """What a head grows by.

    Attributes:
        kind: `da`, deeper: a layer on top of FC7. `wa`, wider: units beside FC7, which
            see what it sees. `dwa`: both, the new layer on top of all of FC7. `wwa`:
            units beside FC6, and units beside FC7 that see all of FC6. `none`: none.
        width: how many in a layer; beside FC6 half as many.
        scale: what each unit is multiplied by at the start, once its block, the old or
            the new units of a layer, has length one; None: blocks stay as they are.
    """

    kind: Kind = NONE
    width: int = 2048
    scale: float | None = 20.0


@keras_defaults()
def grow(
    head: "keras.Model",
    classes: int,
    units: NewUnits,
    seed: int = 0,
    background: bool = True,
    suffix: str = "",
) -> "keras.Model":
    """A head for a new task, over the input of an old one.

    The old head's hidden layers are in both, the same objects. Its own scores stay what
    they are, whatever grows, until one of these layers learns.

    Where the new task's classes are the old ones, and the new classifier has the old
    one's weights on old units and noughts on new ones, `none`, and `wa` and `wwa`
    without scales, give the old scores: there the classifier still reads FC7 as it was.
    With scales it reads FC7 at another length, and in `da` and `dwa` it reads new units
    alone; there nothing in the paper keeps the old scores either.

    Args:
        head: the old one; its classifier is its last dense layer.
        classes: of the new task.
        seed: the same seed gives the same initial weights and the same dropout.
        background: as of `heads.build`.
        suffix: of the names of new layers, so that several tasks fit into one graph.

    Raises:
        errors.MidlevelError: the old head has too few hidden layers.
    """
    x = heads.classifier_of(head).input
    if units.kind != NONE:
        old = _Old.of(head, units.kind)
        x = _grown(old, units.kind, _New(units, old.dropout, seed, suffix))
    scores = heads.classifier(x, classes, background, seed, f"fcb{suffix}")
    return runtime.load_keras().Model(head.input, scores, name=f"head{suffix}")


def hidden_layers(head: "keras.Model") -> "list[list[keras.layers.Dense]]":
    """Layers with units below the classifier of a head of one task, from FC7 down.

    Those side by side are together.
    """
    dense = runtime.load_keras().layers.Dense
    by_output = {id(layer.output): layer for layer in head.layers}

    def below(layer: "keras.layers.Layer") -> "list[keras.layers.Dense]":
        taken = layer.input if isinstance(layer.input, list) else [layer.input]
        found = []
        for source in filter(None, (by_output.get(id(x)) for x in taken)):
            found += [source] if isinstance(source, dense) else below(source)
        return found

    levels = [[heads.classifier_of(head)]]
    while found := [one for layer in levels[-1] for one in below(layer)]:
        levels.append(list(dict.fromkeys(found)))
    return levels[1:]


class _Old(NamedTuple):
    """Tensors of the old head, before dropout but for what a layer takes.

    Attributes:
        fc7: what its last hidden layer gives; of a grown head, with its new units.
        into_fc7: what that layer takes.
        fc6: what the hidden layer below gives; None: there is none.
        into_fc6: what that layer takes.
        dropout: the share of units that its classifier misses in training.
    """

    fc7: "keras.KerasTensor"
    into_fc7: "keras.KerasTensor"
    fc6: "keras.KerasTensor | None"
    into_fc6: "keras.KerasTensor | None"
    dropout: float

    @classmethod
    def of(cls, head: "keras.Model", kind: Kind) -> "_Old":
        """Those of a head that can grow by a kind.

        Raises:
            errors.MidlevelError: it has too few hidden layers.
        """
        *hidden, last = _dense(head)
        if not hidden:
            raise errors.MidlevelError(
                f"growth.kind={kind} needs a head with a hidden layer; this one has "
                "none (head.hidden is empty). Choose growth.kind=none, or grow a run "
                "that has one."
            )
        fc7, dropout = _undropped(head, last.input)
        below, _ = _undropped(head, hidden[-1].input)
        fc6 = next((one for one in hidden if one.output is below), None)
        if kind == "wwa" and fc6 is None:
            raise errors.MidlevelError(
                "growth.kind=wwa needs a head with two hidden layers, such as "
                "head.hidden=2048,2048; this one has one. Choose growth.kind=wa, or "
                "grow a run that has two."
            )
        into_fc6 = fc6.input if fc6 else None
        return cls(
            fc7, hidden[-1].input, fc6.output if fc6 else None, into_fc6, dropout
        )


class _New:
    """Makes new layers, each with a name and a seed of its own."""

    def __init__(self, units: NewUnits, dropout: float, seed: int, suffix: str):
        self.width = units.width
        self._scale, self._dropout, self._suffix = units.scale, dropout, suffix
        # Drawn, not counted on from `seed`: new units that start where old ones of
        # another seed started would learn what these know.
        self._seeds = np.random.default_rng(seed)

    def _seed(self) -> int:
        return int(self._seeds.integers(2**31))

    def layer(
        self, name: str, count: int, x: "keras.KerasTensor"
    ) -> "keras.KerasTensor":
        """New units on `x`."""
        keras = runtime.load_keras()
        start = keras.initializers.HeNormal(seed=self._seed())
        name += self._suffix
        return keras.layers.Dense(count, "relu", kernel_initializer=start, name=name)(x)

    def reading(self, name: str, *blocks: "keras.KerasTensor") -> "keras.KerasTensor":
        """What a new layer reads: blocks, each brought to one length, in a row."""
        keras, name = runtime.load_keras(), name + self._suffix
        if self._scale is not None:
            from midlevel.networks.l2_scale import L2Scale

            blocks = tuple(
                L2Scale(self._scale, name=f"{name}_scale{i}")(block)
                for i, block in enumerate(blocks, 1)
            )
        x = blocks[0]
        if len(blocks) > 1:
            x = keras.layers.Concatenate(name=f"{name}_joined")(list(blocks))
        drop = keras.layers.Dropout(
            self._dropout, seed=self._seed(), name=f"{name}_dropout"
        )
        return drop(x)


def _grown(old: _Old, kind: Kind, new: _New) -> "keras.KerasTensor":
    """What the new classifier reads."""
    blocks, seen = [old.fc7], old.into_fc7
    if kind == "wwa":
        wider = new.layer("fc6_wider", new.width // 2, old.into_fc6)
        seen = new.reading("fc6", old.fc6, wider)
    if kind != "da":
        blocks.append(new.layer("fc7_wider", new.width, seen))
    x = new.reading("fc7", *blocks)
    if kind in ("da", "dwa"):
        x = new.reading("top", new.layer("fc7_deeper", new.width, x))
    return x


def _dense(head: "keras.Model") -> "list[keras.layers.Dense]":
    """Its layers with units, from the lowest to the classifier."""
    kind = runtime.load_keras().layers.Dense
    return [layer for layer in head.layers if isinstance(layer, kind)]


def _undropped(
    head: "keras.Model", x: "keras.KerasTensor"
) -> "tuple[keras.KerasTensor, float]":
    """What `x` is before dropout, and its rate; `x` and 0 where there is none."""
    kind = runtime.load_keras().layers.Dropout
    for layer in head.layers:
        if isinstance(layer, kind) and layer.output is x:
            return layer.input, layer.rate
    return x, 0.0
