"""Files to vectors, a few at a time, with failures as values.

What a thread is given, and what another process could be: sources, results and
`Recipe` pickle; an extractor does not, so a process makes its own from a recipe.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from midlevel import errors
from midlevel.features.extractor import Extractor, build_extractor
from midlevel.images import pixels
from midlevel.images.pixels import Photograph
from midlevel.method.windows import Plan
from midlevel.runs import Run
from midlevel.settings.config import Config


@dataclass(frozen=True)
class Named:
    """A file whose bytes are known.

    Attributes:
        name: what it is called in errors and records.
        data: its bytes.
    """

    name: str
    data: bytes


Source = Path | Named


@dataclass(frozen=True)
class Failure:
    """A file that could not be read.

    Attributes:
        name: of the file, with forward slashes.
        reason: for a person; it names the file.
    """

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class Vectors:
    """What was made of one file.

    Attributes:
        name: of the file, with forward slashes.
        size_wh: the photograph, in pixels.
        plan: its windows.
        features: float32 `(windows, channels)`, in the plan's order.
        whole: float32 `(levels, channels)`, of the whole photograph.
    """

    name: str
    size_wh: tuple[int, int]
    plan: Plan
    features: np.ndarray
    whole: np.ndarray


def name_of(source: Source) -> str:
    """What a source is called."""
    return source.name if isinstance(source, Named) else source.as_posix()


def opened(path: Path) -> Named | Failure:
    """A file with its bytes, or why they cannot be had."""
    try:
        return Named(str(path), pixels.read_bytes(path))
    except errors.ImageError as error:
        return Failure(path.as_posix(), str(error))


def read(
    source: Source, decode: Callable[[bytes, str | Path], Photograph]
) -> Photograph | Failure:
    """The photograph in a source, or why there is none.

    Args:
        decode: such as `Extractor.of_bytes`; raises `errors.ImageError`.
    """
    try:
        if isinstance(source, Named):
            return decode(source.data, source.name)
        return decode(pixels.read_bytes(source), source)
    except errors.ImageError as error:
        return Failure(name_of(source), str(error))


def vectors(extractor: Extractor, sources: Sequence[Source]) -> list[Vectors | Failure]:
    """The vectors of each source, or why there are none, in their order.

    All are in memory at once, and levels of one size go through the network together.
    """
    found = [read(source, extractor.of_bytes) for source in sources]
    made = iter(extractor.many([one for one in found if isinstance(one, Photograph)]))
    return [
        Vectors(name_of(source), one.size_wh, extractor.plan(one.size_wh), *next(made))
        if isinstance(one, Photograph)
        else one
        for source, one in zip(sources, found, strict=True)
    ]


@dataclass(frozen=True)
class Recipe:
    """How another process makes its own `vectors`: pickles, as networks do not.

    Attributes:
        config: the settings.
        run: the folder of a run whose backbone is taken; None: from the settings.
    """

    config: Config
    run: Path | None = None

    def __call__(self) -> Callable[[Sequence[Source]], list[Vectors | Failure]]:
        """Load the network here; the work to do with it.

        Raises:
            errors.MidlevelError: see `extractor.build_extractor`.
        """
        run = Run(self.run) if self.run else None
        return functools.partial(vectors, build_extractor(self.config, run))
