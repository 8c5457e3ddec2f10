"""How far a network in two parts is from the whole: largest differences, by cut.

    python scripts/cuts.py efficientnet_lite0 resnet50 ...

Each network runs over one image of noise, whole and as trunk and tail, in float32 on
TensorFlow; once more with the map between them in float16, as the store keeps it.
Weights are ImageNet's where they travel with midlevel, else drawn, since others would
have to be downloaded. Differences are shares of the largest number in the last map.
"""

import click
import numpy as np

from midlevel.networks import backbones
from midlevel.system import runtime, terminal

CELLS = 8  # along a side of the image


@click.command()
@click.argument(
    "names", nargs=-1, type=click.Choice(backbones.NAMES), metavar="NAME..."
)
def main(names: tuple[str, ...]) -> None:
    """Compare trunk and tail with whole networks; by default with all that are cut."""
    rows = [row for name in names or backbones.NAMES for row in measured(name)]
    titles = ["backbone", "weights", "cut", "float32", "float16 between"]
    click.echo(terminal.shown(terminal.table("<<<>>", rows, titles)))


def measured(name: str) -> list[list[str]]:
    """A row for each cut of a backbone."""
    runtime.load_keras()
    from midlevel.networks.backbones import cutting

    spec = backbones.find(name)
    weights = "imagenet" if spec.packaged else "none"
    model = backbones.keras_model(name, weights)
    side = CELLS * spec.stride * (1 + spec.lost_cells // CELLS)
    image = np.random.default_rng(0).uniform(0, 255, (1, side, side, 3))
    whole = model(image.astype(np.float32)).numpy()
    rows = []
    for one in spec.maps:
        trunk, tail = cutting.cut(model, one.layer)
        between = trunk(image.astype(np.float32)).numpy()
        halved = between.astype(np.float16).astype(np.float32)
        far = [np.abs(tail(x).numpy() - whole).max() for x in (between, halved)]
        shares = [
            f"{value / np.abs(whole).max():.1e}" if np.isfinite(value) else "overflows"
            for value in far
        ]
        rows.append([name, weights, one.name, *shares])
    return rows


if __name__ == "__main__":
    main()
