"""Labelled photographs on disk, whatever the format: `read(place)` gives a `Dataset`.

Each format is one module with two functions, named in `FORMATS`: `matches(place)` says
whether a folder or file is of that format, `read(place)` reads it into annotations with
class names. What is common to all formats (class ids, broken boxes) is done in loading.
"""

from midlevel.datasets.annotation import Problem
from midlevel.datasets.dataset import Dataset, Example
from midlevel.datasets.formats import AUTO, FORMATS, detect
from midlevel.datasets.loading import read

__all__ = ["AUTO", "FORMATS", "Dataset", "Example", "Problem", "detect", "read"]
