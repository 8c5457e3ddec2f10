"""Which windows the settings give an image."""

from midlevel.method import windows
from midlevel.networks.backbones import table
from midlevel.settings.config import Config

CELLS = 7  # along the input, of the networks that the named pyramids were made for


def geometry_of(config: Config) -> windows.Geometry:
    """Which windows the settings give an image; needs no network."""
    spec = config.backbone.spec()
    return windows.Geometry(
        _levels(config, spec),
        spec.stride,
        spec.input_size,
        config.windows.overlap,
        min_cells=spec.lost_cells + 1,
    )


def _levels(config: Config, spec: table.Spec) -> tuple[windows.Level, ...]:
    """The pyramid; a named one has windows as large whatever the cells of the map: of a
    ViT with 14 cells in place of 7, or of a map of stride 16, twice as many."""
    levels = config.windows.levels()
    if not isinstance(config.windows.pyramid, str):
        return levels
    if config.backbone.facts():
        times = spec.input_size / spec.stride / CELLS
    else:
        times = table.find(spec.name).stride / spec.stride
    if times == 1:
        return levels
    return tuple(
        windows.Level(level.scale, tuple(max(1, round(times * n)) for n in level.sizes))
        for level in levels
    )
