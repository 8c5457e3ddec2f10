"""Which windows the settings give an image."""

from midlevel.method import windows
from midlevel.networks import backbones
from midlevel.settings.config import Config


def geometry_of(config: Config) -> windows.Geometry:
    """Which windows the settings give an image; needs no network."""
    spec = backbones.find(config.backbone.name)
    return windows.Geometry(
        config.windows.levels(),
        spec.stride,
        spec.input_size,
        config.windows.overlap,
        min_cells=spec.lost_cells + 1,
    )
