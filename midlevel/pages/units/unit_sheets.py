"""Sheets of the windows that excite units most."""

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from midlevel.datasets import Example
from midlevel.images import pixels
from midlevel.method import labels
from midlevel.pages import drawing, outputs
from midlevel.pages.units import excitement
from midlevel.prediction.model import Model
from midlevel.system.progress import Progress

SIDE = 112  # pixels of a window on a sheet
COLUMNS = 8


class Sheets:
    """Cuts windows out of photographs, each photograph read once."""

    def __init__(
        self, model: Model, examples: list[Example], found: excitement.Strongest
    ):
        """Take the windows that were found among the photographs of `examples`."""
        self.model, self.examples, self.found = model, examples, found
        self.tiles: dict[tuple[int, int], np.ndarray] = {}
        self.shows: dict[tuple[int, int], str] = {}

    def make(
        self, chosen: list[int], place: Path, of: str, progress: Progress
    ) -> list[dict]:
        """Write a sheet for each unit; what the page says of each."""
        wanted = defaultdict(list)
        for unit in chosen:
            for rank in np.flatnonzero(self.found.values[:, unit] > 0).tolist():
                wanted[self.found.photographs[rank, unit]].append((unit, rank))
        with progress.task("sheets", len(wanted)) as advance:
            for number, places in wanted.items():
                advance()
                self._cut(self.examples[number], places)
        return [self._sheet(unit, place, of) for unit in chosen]

    def _cut(self, example: Example, places: list[tuple[int, int]]) -> None:
        """Cut the windows of one photograph, and note what they show."""
        photograph = self.model.extractor.read(example.path)
        scale = photograph.pixels.shape[1] / photograph.size_wh[0]
        boxes = self.model.extractor.plan(photograph.size_wh).boxes
        ids = labels.lies_on(boxes, example)
        names = self.model.columns
        for unit, rank in places:
            window = self.found.windows[rank, unit]
            tile = pixels.cut(photograph.pixels, boxes[window] * scale, SIDE)
            value = f"{self.found.values[rank, unit]:.1f}"
            self.tiles[unit, rank] = drawing.tagged(tile, value)
            self.shows[unit, rank] = names[ids[window]]

    def _sheet(self, unit: int, place: Path, of: str) -> dict:
        keys = sorted(key for key in self.tiles if key[0] == unit)
        file, picture = f"{of}-{unit:04}.png", ""
        if keys:
            tiles = [self.tiles[key] for key in keys]
            sheet = drawing.rows(tiles, COLUMNS)
            outputs.write_picture(place / file, sheet)
            picture = drawing.data_uri(sheet)
        shows = Counter(self.shows[key] for key in keys).most_common()
        return {
            "unit": unit,
            "file": file,
            "picture": picture,
            "shows": shows,
            "windows": len(keys),
        }
